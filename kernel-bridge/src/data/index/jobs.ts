/** Indexing that was started from the browser: one job a data set, kept until the next one. */
import { resolve } from 'node:path';
import type { IndexJob } from '../../protocol/data.ts';
import { expandHome } from '../../files/user-path.ts';
import { WorkbenchError, errorBody } from '../../protocol/errors.ts';
import { findLayout } from '../layout.ts';
import { addDataset, checkName, nameOf, refuseTaken } from './add.ts';

interface Running {
  job: IndexJob;
  abort: AbortController;
  ended: Promise<void>;
}

export class IndexJobs {
  readonly #home: string;
  readonly #jobs = new Map<string, Running>();

  constructor(home: string) {
    this.#home = home;
  }

  /** Starts to index; the job that runs already for the same folder is returned as it is. Throws before anything starts. */
  async start(dir: string, options: { name?: string; images?: boolean; images_dir?: string } = {}): Promise<IndexJob> {
    const path = resolve(expandHome(dir));
    const name = checkName(options.name ?? nameOf(path));
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

  async #run(job: IndexJob, { images, images_dir }: { images?: boolean; images_dir?: string }, signal: AbortSignal): Promise<void> {
    let phaseAt = performance.now();
    try {
      await addDataset(job.dir, {
        name: job.name,
        home: this.#home,
        images,
        imagesDir: images_dir,
        signal,
        progress: ({ phase, done, total }) => {
          if (phase !== job.phase) phaseAt = performance.now();
          const rate = done / Math.max(1, performance.now() - phaseAt);
          Object.assign(job, { phase, done, total, seconds_left: total === null || done === 0 ? null : (total - done) / rate / 1000 });
        },
      });
      Object.assign(job, { state: 'done', seconds_left: 0 });
    } catch (error) {
      Object.assign(job, signal.aborted ? { state: 'stopped' } : { state: 'failed', error: errorBody(error) });
    }
  }
}

function nameTaken(name: string): WorkbenchError {
  return new WorkbenchError({
    code: 'DATA_NAME_TAKEN',
    http: 409,
    message: `${name} is the name of a data set that is being indexed`,
    remedy: 'Choose another name, or wait.',
  });
}
