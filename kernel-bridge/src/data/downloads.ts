/**
 * Downloads that were started from the browser: one a data set, kept until the next one. Where one broke off, the next goes on. One that is
 * there whole is handed on to be indexed.
 */
import { isAbsolute, join, resolve } from 'node:path';
import type { Download, DownloadJob } from '../protocol/data.ts';
import { expandHome } from '../files/user-path.ts';
import { WorkbenchError, errorBody } from '../protocol/errors.ts';
import { getDataset, KNOWN } from './get.ts';

interface Running {
  job: DownloadJob;
  abort: AbortController;
  ended: Promise<void>;
}

/** Starts to index a folder under a name. */
export type StartIndex = (dir: string, name: string) => Promise<unknown>;

export class Downloads {
  readonly #home: string;
  readonly #startIndex: StartIndex;
  readonly #hubUrl: string | undefined;
  readonly #running = new Map<string, Running>();

  constructor(home: string, startIndex: StartIndex, hubUrl?: string) {
    this.#home = home;
    this.#startIndex = startIndex;
    this.#hubUrl = hubUrl;
  }

  /** What can be fetched, and on which terms. */
  known(): Download[] {
    return Object.entries(KNOWN).map(([name, { repo, size, licence, layout }]) => ({
      name,
      repo,
      size,
      licence,
      layout,
      dir: this.#place(name),
    }));
  }

  /** Starts a download, or returns the one that runs already. Throws DATA_LICENCE, DATA_DOWNLOAD_UNKNOWN, DATA_DOWNLOAD_DIR. */
  start(name: string, { dir: typed, accept_licence }: { dir?: string; accept_licence: boolean }): DownloadJob {
    const dir = typed === undefined ? undefined : expandHome(typed);
    const { repo } = knownOrThrow(name);
    if (!accept_licence) throw licence(name);
    if (dir !== undefined && !isAbsolute(dir)) throw relativeDir(dir);
    const before = this.#running.get(name);
    if (before?.job.state === 'running') return before.job;
    const job: DownloadJob = {
      name,
      repo,
      dir: dir === undefined ? this.#place(name) : resolve(dir),
      state: 'running',
      phase: 'download',
      file: null,
      done: 0,
      total: null,
      files: [],
      started_at: Date.now() / 1000,
      seconds_left: null,
      dataset: null,
      error: null,
    };
    const abort = new AbortController();
    this.#running.set(name, { job, abort, ended: this.#run(job, abort.signal) });
    return job;
  }

  get(name: string): DownloadJob {
    const running = this.#running.get(name);
    if (running) return running.job;
    knownOrThrow(name);
    throw new WorkbenchError({
      code: 'DATA_DOWNLOAD_UNKNOWN',
      http: 404,
      message: `${name} is not being downloaded`,
      remedy: 'POST /api/data/downloads starts it.',
    });
  }

  all(): DownloadJob[] {
    return [...this.#running.values()].map(({ job }) => job);
  }

  /** Ends a download; what is here stays, and the next start goes on from it. */
  async stop(name: string): Promise<DownloadJob> {
    const job = this.get(name);
    const { abort, ended } = this.#running.get(name)!;
    abort.abort(new Error('stopped'));
    await ended;
    return job;
  }

  #place(name: string): string {
    return join(this.#home, 'downloads', name);
  }

  async #run(job: DownloadJob, signal: AbortSignal): Promise<void> {
    let [since, had] = [performance.now(), 0];
    try {
      const files = await getDataset({
        repo: job.repo,
        dir: job.dir,
        hubUrl: this.#hubUrl,
        signal,
        progress: ({ phase, file, done, total }) => {
          const another = job.phase !== 'unpack' && file !== job.file;
          if (another && job.file !== null) job.files.push(job.file);
          if (another || phase !== job.phase) [since, had] = [performance.now(), done];
          const rate = (done - had) / Math.max(1, performance.now() - since);
          Object.assign(job, { phase, file, done, total, seconds_left: rate > 0 ? (total - done) / rate / 1000 : null });
        },
      });
      await this.#startIndex(job.dir, job.name);
      Object.assign(job, { state: 'done', files, file: null, seconds_left: 0, dataset: job.name });
    } catch (error) {
      Object.assign(job, { seconds_left: null, ...(signal.aborted ? { state: 'stopped' } : { state: 'failed', error: errorBody(error) }) });
    }
  }
}

function knownOrThrow(name: string): { repo: string } {
  if (Object.hasOwn(KNOWN, name)) return KNOWN[name as keyof typeof KNOWN];
  throw new WorkbenchError({
    code: 'DATA_DOWNLOAD_UNKNOWN',
    http: 404,
    message: `there is no download ${JSON.stringify(name.slice(0, 100))}`,
    remedy: `There are: ${Object.keys(KNOWN).join(', ')}.`,
  });
}

function licence(name: string): WorkbenchError {
  return new WorkbenchError({
    code: 'DATA_LICENCE',
    message: `the licence of ${name} was not accepted`,
    remedy: 'Read it (GET /api/data/downloads) and send accept_licence: true.',
  });
}

function relativeDir(dir: string): WorkbenchError {
  return new WorkbenchError({
    code: 'DATA_DOWNLOAD_DIR',
    message: `${JSON.stringify(dir.slice(0, 200))} is no absolute path`,
    remedy: 'Name the folder from the root on, or leave it out.',
  });
}
