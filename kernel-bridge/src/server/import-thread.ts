/** The thread of import.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { errorBody, WorkbenchError } from '../protocol/errors.ts';
import { importRun } from '../runs/import.ts';
import type { ImportJob, Imported } from './import.ts';

const { home, path, options } = workerData as ImportJob;

async function outcome(): Promise<Imported> {
  try {
    using run = await importRun(home, path, options);
    return { id: run.row().id };
  } catch (error) {
    return { error: { ...errorBody(error), http: error instanceof WorkbenchError ? error.http : 500 } };
  }
}

parentPort!.postMessage(await outcome());
