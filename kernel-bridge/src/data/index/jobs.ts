/** Indexing that was started from the browser, or by a run: one job a data set, kept until the next one. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { IndexJob } from '../../protocol/data.ts';
import { expandHome } from '../../files/user-path.ts';
import { machineRefusal } from '../../log/errors.ts';
import { homeDir } from '../home.ts';
import { WorkbenchError, errorBody } from '../../protocol/errors.ts';
import { findLayout } from '../layout.ts';
import { addDataset, checkName, isTaken, nameFor, nameOf, refuseTaken } from './add.ts';
import { indexedName } from './list.ts';

interface Options {
  name?: string;
  images?: boolean;
  images_dir?: string;
  /** Gives way to what trains meanwhile. */
  background?: boolean;
}

interface Running {
  job: IndexJob;
  abort: AbortController;
  ended: Promise<void>;
}

export class IndexJobs {
  readonly #home: string;
  readonly #jobs = new Map<string, Running>();
  /** One after another: two runs that start at once would choose the same name. */
  #ensuring: Promise<unknown> = Promise.resolve();

  constructor(home: string) {
    this.#home = home;
  }

  /** Starts to index; the job that runs already for the same folder is returned as it is. Throws before anything starts. */
  async start(dir: string, options: Options = {}): Promise<IndexJob> {
    const path = resolve(expandHome(dir));
    const name = checkName(options.name ?? nameFor(path, this.#home));
    await findLayout(path);
    const before = this.#jobs.get(name);
    if (before?.job.state === 'running' && before.job.dir === path) return before.job;
    if (before?.job.state === 'running') throw nameTaken(name);
    refuseTaken(path, name, this.#home);
    const job: IndexJob = {
      name,
      dir: path,
      state: 'running',
      phase: 'questions',
      done: 0,
      total: null,
      started_at: Date.now() / 1000,
      seconds_left: null,
      error: null,
    };
    const abort = new AbortController();
    this.#jobs.set(name, { job, abort, ended: this.#run(job, options, abort.signal) });
    return job;
  }

  /**
   * Indexes what a run trains on, so that its questions can be looked at, where that is a folder or a file without an index. A name that is
   * taken gets a number. It never rejects: a run trains without an index, and what is wrong shows when the folder is added by hand.
   */
  ensure(nameOrDir: string): Promise<IndexJob | null> {
    const ensured = this.#ensuring.then(() => this.#ensure(nameOrDir)).catch(() => null);
    this.#ensuring = ensured;
    return ensured;
  }

  async #ensure(nameOrDir: string): Promise<IndexJob | null> {
    const path = resolve(expandHome(nameOrDir));
    if (!existsSync(path) || indexedName(nameOrDir, this.#home) !== null) return null;
    const running = this.all().find(({ state, dir }) => state === 'running' && dir === path);
    return running ?? this.start(path, { name: this.#free(path), background: true });
  }

  /** The folder's name, or with the first number that no other data set has. */
  #free(path: string): string {
    const name = nameOf(path);
    for (let number = 1; ; number++) {
      const numbered = number === 1 ? name : `${name.slice(0, 60)}-${number}`;
      if (this.#jobs.get(numbered)?.job.state !== 'running' && !isTaken(path, numbered, this.#home)) return numbered;
    }
  }

  get(name: string): IndexJob | null {
    return this.#jobs.get(name)?.job ?? null;
  }
  all(): IndexJob[] {
    return [...this.#jobs.values()].map(({ job }) => job);
  }

  /** Ends a job; resolves when its process is gone. */
  async stop(name: string): Promise<void> {
    const running = this.#jobs.get(name);
    running?.abort.abort(new Error('stopped'));
    await running?.ended;
  }

  async forget(name: string): Promise<void> {
    await this.stop(name);
    this.#jobs.delete(name);
  }

  /** Ends them all; what was hashed stays. */
  async close(): Promise<void> {
    await Promise.all([...this.#jobs.keys()].map((name) => this.stop(name)));
  }

  async #run(job: IndexJob, { images, images_dir, background }: Options, signal: AbortSignal): Promise<void> {
    let phaseAt = performance.now();
    try {
      await addDataset(job.dir, {
        name: job.name,
        home: this.#home,
        images,
        imagesDir: images_dir,
        background,
        signal,
        progress: ({ phase, done, total }) => {
          if (phase !== job.phase) phaseAt = performance.now();
          const rate = done / Math.max(1, performance.now() - phaseAt);
          Object.assign(job, { phase, done, total, seconds_left: total === null || done === 0 ? null : (total - done) / rate / 1000 });
        },
      });
      Object.assign(job, { state: 'done', seconds_left: 0 });
    } catch (error) {
      Object.assign(
        job,
        signal.aborted ? { state: 'stopped' } : { state: 'failed', error: errorBody(machineRefusal(homeDir(this.#home), error) ?? error) },
      );
    }
  }
}

function nameTaken(name: string): WorkbenchError {
  return new WorkbenchError({
    code: 'DATA_NAME_TAKEN',
    http: 409,
    message: `the name ${name} belongs to a data set that is being indexed`,
    remedy: 'Choose another name, or wait.',
  });
}
