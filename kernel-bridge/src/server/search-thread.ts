/** The thread of searches.ts: one job after another, so that a search of a million texts holds up nobody's request. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { snapshot } from '../log/database.ts';
import { errorBody, WorkbenchError } from '../protocol/errors.ts';
import { runReading } from '../protocol/readings.ts';
import { errors } from '../runs/errors.ts';
import { indexSteps } from '../runs/index-run.ts';
import { RunStore } from '../runs/store.ts';
import { findFamilies } from '../search/families.ts';
import { find, type OpenRun, type Watch } from '../search/find.ts';
import { IndexReader } from '../search/index-reader.ts';
import { findPhrases } from '../search/phrases.ts';
import { StatisticsReader } from '../search/statistics.ts';
import { stepsToIndex } from '../search/write.ts';
import { WATCH, type Job, type JobName, type Jobs, type Outcome } from './search-jobs.ts';

/** Processor time of one page, and of one look at statistics, in milliseconds. */
const PAGE_MS = 3000;
const STATISTICS_MS = 700;

/** What was read of the runs whose statistics were asked for last, by directory. */
const readers = new Map<string, StatisticsReader>();
const MOST_READERS = 16;

const { shared } = workerData as { shared: SharedArrayBuffer };
const watched = new Int32Array(shared);

const work: { [Name in JobName]: (runs: RunStore[], asks: Jobs[Name]['asks']) => Jobs[Name]['answers'] } = {
  find: (runs, { query, nearText }) => find(runs.map(opened), query, nearText, watch()),

  index: ([run], { steps }) => ({ left: indexSteps(run, steps) }),

  phrases: ([run], query) => snapshot([run.db], () => findPhrases(new IndexReader(run.db), query)),

  families: ([run], query) =>
    snapshot([run.db], () => findFamilies(new IndexReader(run.db), query, runReading(run.row().config), overdueAfter(PAGE_MS))),

  statistics: ([run], { columns }) => {
    const reader = readerOf(run.directory);
    const all = reader.read(run.db, overdueAfter(STATISTICS_MS)) && stepsToIndex(run.db, 1).length === 0;
    return { run: run.row().id, ...reader.statistics(columns), complete: all };
  },
};

function readerOf(directory: string): StatisticsReader {
  const reader = readers.get(directory) ?? new StatisticsReader();
  readers.delete(directory);
  readers.set(directory, reader); // the last one asked for stands last
  if (readers.size > MOST_READERS) readers.delete(readers.keys().next().value!);
  return reader;
}

/** Whether this much processor time has gone since. */
function overdueAfter(ms: number): () => boolean {
  const start = process.threadCpuUsage();
  return () => {
    const { user, system } = process.threadCpuUsage(start);
    return (user + system) / 1000 > ms;
  };
}

function opened(store: RunStore): OpenRun {
  const { id, name, config, inherited } = store.row();
  return { id, name, db: store.db, reading: runReading(config), inherited };
}

function watch(): Watch {
  return {
    reading: (run, step, row) => {
      watched[WATCH.run] = run;
      watched[WATCH.step] = step;
      watched[WATCH.row] = row;
      watched[WATCH.tick]++;
      watched[WATCH.busy] = 1;
    },
    idle: () => void (watched[WATCH.busy] = 0),
    overdue: overdueAfter(PAGE_MS),
  };
}

function outcomeOf({ name, directories, asks }: Job): Outcome {
  const stores: RunStore[] = [];
  try {
    for (const directory of directories) {
      if (!existsSync(directory)) throw errors.runUnknown(basename(directory)); // it was removed while the job waited for its turn
      stores.push(RunStore.open(directory));
    }
    return { answer: (work[name] as (runs: RunStore[], asks: unknown) => unknown)(stores, asks) };
  } catch (error) {
    const known = error instanceof WorkbenchError;
    return { error: { ...errorBody(error), http: known ? error.http : 500, ...(known && { exit: error.exit }) } };
  } finally {
    watched[WATCH.busy] = 0;
    for (const store of stores) store[Symbol.dispose]();
  }
}

parentPort!.on('message', (job: Job) => parentPort!.postMessage(outcomeOf(job)));
