/** Reads logs of other trainers in a thread of its own, one at a time: a long one takes seconds, and memory of several times its size. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { WorkbenchError, type ErrorBody } from '../protocol/errors.ts';
import { errors } from '../runs/errors.ts';
import type { ImportOptions } from '../runs/import.ts';

const THREAD = new URL('./import-thread.ts', import.meta.url);
/** For the longest log that is taken, read, parsed and written. */
const MOST_MB = 3072;

export interface ImportJob {
  home: string;
  path: string;
  options: ImportOptions;
}
export type Imported = { id: string } | { error: ErrorBody & { http: number } };

let last: Promise<unknown> = Promise.resolve();

/** The new run's id. Throws what importRun throws. */
export function importInThread(home: string, path: string, options: ImportOptions): Promise<string> {
  const job: ImportJob = { home, path, options };
  const id = last.then(() => inThread(job));
  last = id.catch(() => {});
  return id;
}

async function inThread(job: ImportJob): Promise<string> {
  const thread = new Worker(THREAD, { workerData: job, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: MOST_MB } });
  const [outcome] = (await once(thread, 'message').catch((error: Error & { code?: string }) => {
    throw error.code === 'ERR_WORKER_OUT_OF_MEMORY'
      ? errors.importUnreadable(job.path, `it takes more than ${MOST_MB} MB of memory`)
      : error;
  })) as [Imported];
  if ('error' in outcome) throw new WorkbenchError(outcome.error);
  return outcome.id;
}
