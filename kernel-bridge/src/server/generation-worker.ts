/**
 * The process that answers from checkpoints and model directories. It is started by the first question, keeps its model while questions
 * come, and ends after some idle minutes, when a run wants the device, and with the server, however that ends.
 */
import { join } from 'node:path';
import type { AnswerTo, AnyAsk } from '../protocol/channel.ts';
import type { ModelSource } from '../protocol/generate.ts';
import { errors } from '../runs/errors.ts';
import type { Job, Jobs } from './jobs.ts';
import { sharesMemory, type Wish } from './placement.ts';
import type { DevicePool } from './device-pool.ts';

export interface GenerationWorkerOptions {
  home: string;
  jobs: Jobs;
  pool: DevicePool;
  /** Bytes that answers take, by the planner's estimate. */
  bytesOf?: (source: ModelSource, ask: AnyAsk) => number;
  /** Module that the process runs. */
  module?: string;
  idle_ms?: number;
  /** How long a process that was told to stop answering may take. */
  grace_ms?: number;
}

const GRACE_MS = 10_000;
const IDLE_MS = 5 * 60_000;

export class GenerationWorker {
  readonly #options: GenerationWorkerOptions;
  #job: Job | null = null;
  #idle: NodeJS.Timeout | undefined;
  #asked = 0;
  #release = false;

  constructor(options: GenerationWorkerOptions) {
    this.#options = options;
  }

  /** Id of the process while there is one. */
  get pid(): number | null {
    return this.#job?.pid ?? null;
  }

  async ask<A extends AnyAsk>(ask: A, source: ModelSource, signal: AbortSignal): Promise<AnswerTo<A>> {
    signal.throwIfAborted();
    clearTimeout(this.#idle);
    const wish: Wish = {
      kind: 'answer',
      device: source.device,
      devices: 1,
      exclusive: false,
      bytes: this.#options.bytesOf?.(source, ask) ?? 0,
    };
    if (this.#job && !this.#options.pool.candidates(wish).includes(this.#job.on[0])) this.#end(); // it is on another device
    const job = (this.#job ??= this.#start(wish));
    this.#asked++;
    try {
      return (await job.ask(ask, source, signal, this.#options.grace_ms ?? GRACE_MS)).answer;
    } finally {
      this.#asked--;
      if (this.#asked === 0) this.#rest();
    }
  }

  /** Ends the process as soon as it answers nobody, so that its memory on these devices is free for a run. */
  release(on: readonly string[]): void {
    if (!this.#job?.on.some((own) => on.some((id) => sharesMemory(own, id)))) return;
    this.#release = true;
    if (this.#asked === 0) this.#end();
  }

  #start(wish: Wish): Job {
    const { home, jobs, module, pool } = this.#options;
    const never = pool.impossible({ ...wish, bytes: 0 });
    if (never) throw never;
    const place = pool.place(wish);
    if (typeof place === 'string') throw errors.noRoomToAnswer(place);
    this.#release = false;
    return jobs.start({
      kind: 'answer',
      id: 'answer',
      module,
      place,
      log: join(home, 'generate.log'),
      truncate: true,
      disposable: true,
      gone: (_, job) => {
        if (this.#job === job) this.#job = null;
      },
    });
  }

  #rest(): void {
    if (this.#release) return this.#end();
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#end(), this.#options.idle_ms ?? IDLE_MS);
    this.#idle.unref();
  }

  #end(): void {
    clearTimeout(this.#idle);
    this.#job?.disconnect();
    this.#job = null;
  }
}
