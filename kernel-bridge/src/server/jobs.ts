/**
 * The owner of every process that holds a model: those that train, evaluate and answer questions. It starts each in its own process group, hears
 * what it says, knows when it is gone and what it said last, and ends them all when the server stops. Who waits for what, and what the end of a process
 * means to its run, is for the three who ask for processes: supervisor.ts, evaluations.ts and generation-worker.ts.
 */
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { readTailSync } from '../files/plain.ts';
import type { AnswerTo, AnyAsk, FromWorker, ToWorker } from '../protocol/channel.ts';
import { WorkbenchError } from '../protocol/errors.ts';
import type { ModelSource } from '../protocol/generate.ts';
import { errors } from '../runs/errors.ts';
import { forkWorker } from './fork-worker.ts';
import type { JobKind, Place } from './placement.ts';

export interface JobOptions {
  kind: JobKind;
  /** Of the run or the evaluation; the kind where it is neither. */
  id: string;
  /** Module of the process; worker/main.ts when left out. */
  module?: string;
  args?: readonly string[];
  /** File that takes what the process prints. */
  log: string;
  /** In place of what the log held. */
  truncate?: boolean;
  /** It holds nothing that could be left half made: it is killed where others are given time, and an interrupt from the keyboard ends it too. */
  disposable?: boolean;
  /** Where it is (device-pool.ts); nowhere where nobody counts. */
  place?: Place;
  /** As people know it: "run a-b". */
  label?: string;
  /** Called for each message but answers, refusals and signs of life. */
  heard?: (message: Said, job: Job) => void;
  /** Called once, when the process is gone or could not be started. */
  gone?: (how: string, job: Job) => void;
}

type Reply = Extract<FromWorker, { type: 'answer' | 'refused' }>;
/** What a process says of its own accord. */
export type Said = Exclude<FromWorker, Reply | 'alive'>;

const MAIN = fileURLToPath(new URL('../worker/main.ts', import.meta.url));
/** A process that was told to end writes a checkpoint first. */
const KILL_AFTER_MS = 60_000;

export class Jobs {
  readonly #jobs = new Set<Job>();
  readonly #onFree: (() => void)[] = [];
  readonly #fork: typeof forkWorker;
  #closing = false;

  /** `fork` starts a process. */
  constructor({ fork = forkWorker }: { fork?: typeof forkWorker } = {}) {
    this.#fork = fork;
  }

  /** No process is started any more. */
  get closing(): boolean {
    return this.#closing;
  }

  /** Throws SERVER_STOPPED while it closes. */
  start(options: JobOptions): Job {
    if (this.#closing) throw errors.serverStopped();
    const job = new Job(options, this.#fork, () => this.#jobs.delete(job));
    this.#jobs.add(job);
    void job.ended.then(() => this.#closing || this.#onFree.forEach((free) => free()));
    return job;
  }

  /** Called after each end of a process: its devices are free. */
  onFree(free: () => void): void {
    this.#onFree.push(free);
  }

  /** Those whose processes are there. */
  all(kind?: JobKind): Job[] {
    return [...this.#jobs].filter((job) => kind === undefined || job.kind === kind);
  }

  find(kind: JobKind, id: string): Job | undefined {
    return this.all(kind).find((job) => job.id === id);
  }

  /** Processes end as `interrupted`, after a checkpoint or the batch at hand; those that do not in a minute are killed. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.all().map((job) => job.end()));
  }
}

interface Asked {
  resolve: (reply: { answer: AnswerTo<AnyAsk>; step: number | null }) => void;
  reject: (error: Error) => void;
}

export class Job {
  readonly kind: JobKind;
  readonly id: string;
  readonly label: string;
  /** Ids of its devices. */
  readonly on: readonly string[];
  /** That it takes on each of them, by the planner's estimate. */
  readonly bytes: number;
  readonly exclusive: boolean;
  /** It has lent its turn: a paused run. */
  resting = false;
  /** A worker that has its run: from then on it writes itself how the run ends. */
  opened = false;
  readonly startedAt = Date.now();
  /** When it last said anything; null while it loads its code. A process that computes is silent until the end of a step. */
  heardAt: number | null = null;
  /** Resolves with how it ended, after `gone` was called. */
  readonly ended: Promise<string>;
  readonly #options: JobOptions;
  readonly #child: ChildProcess;
  readonly #asked = new Map<number, Asked>();
  #keys = 0;

  constructor(options: JobOptions, fork: typeof forkWorker, forget: () => void) {
    const { kind, id, module = MAIN, args = [], log, truncate, disposable = false, place, label = id } = options;
    this.kind = kind;
    this.id = id;
    this.label = label;
    this.on = place?.on ?? [];
    this.bytes = place?.bytes ?? 0;
    this.exclusive = place?.exclusive ?? false;
    this.#options = options;
    this.#child = fork(module, [kind, ...args], { log, truncate, detached: !disposable, env: place?.env });
    this.#child.on('message', (message: FromWorker) => this.#hear(message));
    const gone = new Promise<string>((resolve) => {
      this.#child.once('error', () => resolve('it could not be started'));
      this.#child.once('exit', (code, signal) => resolve(signal ? `killed by ${signal}` : `exit code ${code}`));
    });
    this.ended = gone.then((how) => {
      forget();
      for (const { reject } of this.#asked.values()) reject(errors.generateDied(how, this.lastWords()));
      this.#asked.clear();
      options.gone?.(how, this);
      return how;
    });
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /** A closed channel is no error: the end of the process follows. */
  send(message: ToWorker): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /**
   * A question to its model; `source` is the model that it is to load. Rejects with the refusal, the end of the process, or the reason of `signal`. A
   * process that has not come to an end with a withdrawn question after `grace_ms` is killed.
   */
  ask<A extends AnyAsk>(
    ask: A,
    source: ModelSource | null,
    signal: AbortSignal,
    grace_ms?: number,
  ): Promise<{ answer: AnswerTo<A>; step: number | null }> {
    signal.throwIfAborted();
    const key = ++this.#keys;
    return new Promise((resolve, reject) => {
      const withdraw = (): void => {
        this.#asked.delete(key);
        if (grace_ms !== undefined) {
          const timer = setTimeout(() => this.kill(), grace_ms);
          const settled = (): void => clearTimeout(timer);
          this.#asked.set(key, { resolve: settled, reject: settled }); // it still refuses the question
        }
        this.send({ type: 'cancel', key });
        reject(signal.reason as Error);
      };
      const settled = (): void => signal.removeEventListener('abort', withdraw);
      signal.addEventListener('abort', withdraw, { once: true });
      this.#asked.set(key, {
        resolve: (reply) => (settled(), resolve(reply as { answer: AnswerTo<A>; step: number | null })),
        reject: (error) => (settled(), reject(error)),
      });
      this.send({ type: 'ask', key, ask, source });
    });
  }

  /** Asks for an end after the step or the batch at hand, as of a user who stops it. */
  stop(): void {
    this.#child.kill('SIGTERM');
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Closes its channel, at which a process ends as it does when its server dies. */
  disconnect(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  /** Resolves when the process is gone. */
  async end(): Promise<void> {
    if (this.#options.disposable) this.kill();
    else this.disconnect();
    const timer = setTimeout(() => this.kill(), KILL_AFTER_MS);
    await this.ended.finally(() => clearTimeout(timer));
  }

  /** The line that says why it ended. */
  lastWords(): string {
    return lastLine(this.#options.log);
  }

  #hear(message: FromWorker): void {
    this.heardAt = Date.now();
    if (message === 'alive') return;
    if (typeof message === 'string' || message.type === 'score') return this.#options.heard?.(message, this);
    const asked = this.#asked.get(message.key);
    this.#asked.delete(message.key);
    if (message.type === 'answer') asked?.resolve(message);
    else asked?.reject(new WorkbenchError(message.error));
  }
}

const LAST_BYTES = 64 << 10;

/** What Node writes after the message of an error that nobody caught: the stack, the error's own fields, its version. */
const AFTER_ERROR = /^(\s|}|Node\.js v|$)/;

/** The end of a log that says why its process ended. */
export function lastLine(file: string): string {
  try {
    return (readTailSync(file, LAST_BYTES).findLast((line) => !AFTER_ERROR.test(line)) ?? '').slice(-300);
  } catch {
    return '';
  }
}
