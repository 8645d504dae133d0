/**
 * Searches, one at a time in a thread of their own: others wait, and the thread ends when nobody has asked for a while. One whose regular expression does not come
 * back from a text is ended with the thread. Runs of before get their index between searches.
 */
import { Worker } from 'node:worker_threads';
import { WorkbenchError } from '../protocol/errors.ts';
import { errors } from '../search/errors.ts';
import { WATCH, WATCHED, type Job, type JobName, type Jobs, type Outcome } from './search-jobs.ts';

const THREAD = new URL('./search-thread.ts', import.meta.url);

interface Patience {
  /** How long a regular expression may take for one text. */
  text_ms: number;
  /** How long a whole job may take: a machine may be busy. */
  job_ms: number;
  idle_ms: number;
}
const PATIENCE: Patience = { text_ms: 3000, job_ms: 120_000, idle_ms: 60_000 };
const MOST_WAITING = 20;
/** Steps that are put into an index before the next search is looked at. */
const STEPS_AT_ONCE = 20;

interface Waiting {
  job: Job;
  signal?: AbortSignal;
  done: (answer: unknown) => void;
  failed: (error: unknown) => void;
}

export class Searches {
  readonly #patience: Patience;
  #thread: Worker | null = null;
  #watched = new Int32Array(new SharedArrayBuffer(4 * WATCHED));
  #waiting: Waiting[] = [];
  #current: Waiting | null = null;
  #timers: NodeJS.Timeout[] = [];
  #idle: NodeJS.Timeout | null = null;
  #closed = false;
  /** Directories of runs whose index is being made. */
  readonly #indexing = new Set<string>();

  constructor(patience: Partial<Patience> = {}) {
    this.#patience = { ...PATIENCE, ...patience };
  }

  /** Throws SEARCH_BUSY, SEARCH_STOPPED, SEARCH_REGEXP_ENDLESS, and what the job does. */
  ask<Name extends JobName>(
    name: Name,
    directories: string[],
    asks: Jobs[Name]['asks'],
    signal?: AbortSignal,
  ): Promise<Jobs[Name]['answers']> {
    if (this.#waiting.length >= MOST_WAITING) return Promise.reject(errors.busy(MOST_WAITING));
    return this.#add({ name, directories, asks } as Job, signal) as Promise<Jobs[Name]['answers']>;
  }

  /** Makes the index of a run that lacks some of it, a few steps at a time, after the searches that wait. */
  index(directory: string): void {
    if (this.#indexing.has(directory)) return;
    this.#indexing.add(directory);
    const goOn = async (): Promise<void> => {
      const { left } = (await this.#add({ name: 'index', directories: [directory], asks: { steps: STEPS_AT_ONCE } })) as { left: number };
      if (left > 0 && !this.#closed) return goOn();
    };
    goOn()
      .catch(() => undefined) // the run is gone, or its disk is full: the next search tries again
      .finally(() => this.#indexing.delete(directory));
  }

  async close(): Promise<void> {
    this.#closed = true;
    const left = [...(this.#current ? [this.#current] : []), ...this.#waiting];
    this.#waiting = [];
    await this.#end();
    for (const { failed } of left) failed(errors.stopped());
  }

  #add(job: Job, signal?: AbortSignal): Promise<unknown> {
    return new Promise((done, failed) => {
      if (this.#closed || signal?.aborted) return failed(errors.stopped());
      const waiting: Waiting = { job, signal, done, failed };
      signal?.addEventListener('abort', () => this.#withdraw(waiting), { once: true });
      this.#waiting.push(waiting);
      this.#next();
    });
  }

  #withdraw(waiting: Waiting): void {
    if (this.#current === waiting) void this.#give(errors.stopped());
    else if (this.#waiting.includes(waiting)) {
      this.#waiting = this.#waiting.filter((one) => one !== waiting);
      waiting.failed(errors.stopped());
    }
  }

  #next(): void {
    if (this.#current || this.#closed) return;
    // people go before indexes
    const at = this.#waiting.findIndex(({ job }) => job.name !== 'index');
    const [next] = this.#waiting.splice(Math.max(at, 0), 1);
    if (this.#idle) clearTimeout(this.#idle);
    if (!next) {
      this.#idle = setTimeout(() => void this.#end(), this.#patience.idle_ms).unref();
      return;
    }
    this.#current = next;
    this.#watched.fill(0);
    this.#started().postMessage(next.job);
    const { text_ms, job_ms } = this.#patience;
    let seen = -1;
    const look = (): void => {
      if (this.#watched[WATCH.busy] === 1 && this.#watched[WATCH.tick] === seen) void this.#give(this.#endless(next.job));
      seen = this.#watched[WATCH.tick];
    };
    this.#timers = [setInterval(look, text_ms), setTimeout(() => void this.#give(errors.slow(job_ms / 1000)), job_ms)];
  }

  #endless(job: Job): WorkbenchError {
    const text = job.name === 'find' ? (job.asks.query.text ?? '') : '';
    const directory = job.directories[this.#watched[WATCH.run]] ?? '';
    const where = { run: directory.split('/').at(-1)!, step: this.#watched[WATCH.step], row: this.#watched[WATCH.row] };
    return errors.endlessRegexp(text, where, this.#patience.text_ms / 1000);
  }

  #started(): Worker {
    if (this.#thread) return this.#thread;
    const thread = new Worker(THREAD, { workerData: { shared: this.#watched.buffer }, execArgv: [] });
    thread.unref();
    thread.on('message', (outcome: Outcome) => {
      if (thread !== this.#thread) return;
      this.#settle((current) =>
        'answer' in outcome ? current.done(outcome.answer) : current.failed(new WorkbenchError({ exit: 1, ...outcome.error })),
      );
    });
    thread.on('error', (error) => thread === this.#thread && void this.#give(errors.died(error)));
    return (this.#thread = thread);
  }

  /** Ends the job with the thread that is at it. */
  async #give(error: WorkbenchError): Promise<void> {
    await this.#end();
    this.#settle((current) => current.failed(error));
  }

  #settle(how: (current: Waiting) => void): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
    const current = this.#current;
    this.#current = null;
    if (current) how(current);
    this.#next();
  }

  async #end(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
    if (this.#idle) clearTimeout(this.#idle);
    const thread = this.#thread;
    this.#thread = null;
    await thread?.terminate();
  }
}
