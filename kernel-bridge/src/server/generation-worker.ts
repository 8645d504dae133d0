/**
 * The processes that answer from checkpoints and model directories, at most one a device. One is started by the first question, and another when a
 * question comes while all are busy and a device has room. Each answers one question at a time, keeps its model while questions come, and ends after
 * some idle minutes, when a run wants the device, and with the server, however that ends.
 */
import { join } from 'node:path';
import type { AnswerTo, AnyAsk } from '../protocol/channel.ts';
import type { ModelSource } from '../protocol/generate.ts';
import { errors } from '../runs/errors.ts';
import type { Job, Jobs } from './jobs.ts';
import { sharesMemory, type Place, type Wish } from './placement.ts';
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

/** Questions that one process answers, one after another. */
interface Line {
  number: number;
  job: Job;
  /** Whose model the last of them asks. */
  path: string;
  waiting: number;
  /** Ends with the last of them, however that ends. */
  last: Promise<unknown>;
  idle?: NodeJS.Timeout;
  /** A run wants the device: the process ends as soon as it answers nobody. */
  release: boolean;
}

export class GenerationWorker {
  readonly #options: GenerationWorkerOptions;
  readonly #lines = new Set<Line>();

  constructor(options: GenerationWorkerOptions) {
    this.#options = options;
  }

  async ask<A extends AnyAsk>(ask: A, source: ModelSource, signal: AbortSignal): Promise<AnswerTo<A>> {
    signal.throwIfAborted();
    const wish: Wish = {
      kind: 'answer',
      device: source.device,
      devices: 1,
      exclusive: false,
      bytes: this.#options.bytesOf?.(source, ask) ?? 0,
    };
    const line = this.#lineFor(wish, source.path);
    clearTimeout(line.idle);
    line.waiting++;
    line.path = source.path;
    const turn = line.last.then(async () => {
      signal.throwIfAborted();
      if (!this.#lines.has(line)) return this.ask(ask, source, signal); // its process ended with a question before this one
      return (await line.job.ask(ask, source, signal, this.#options.grace_ms ?? GRACE_MS)).answer;
    });
    line.last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      line.waiting--;
      if (line.waiting === 0 && this.#lines.has(line)) this.#rest(line);
    }
  }

  /** Ends the processes on these devices as soon as they answer nobody, so that their memory is free for a run. */
  release(on: readonly string[]): void {
    for (const line of this.#lines) {
      if (!line.job.on.some((own) => on.some((id) => sharesMemory(own, id)))) continue;
      line.release = true;
      if (line.waiting === 0) this.#end(line);
    }
  }

  /** One that answers nobody, the one that has this model first; else a new one where a device has room; else the one with the fewest questions. */
  #lineFor(wish: Wish, path: string): Line {
    const { pool } = this.#options;
    const able = pool.candidates(wish);
    const has = (line: Line): number => (line.path === path ? 0 : 1);
    const there = [...this.#lines]
      .filter(({ job, release }) => !release && able.includes(job.on[0]))
      .sort((a, b) => a.waiting - b.waiting || has(a) - has(b) || a.number - b.number);
    if (there.length > 0 && there[0].waiting === 0) return there[0];
    for (const line of this.#lines) if (!able.includes(line.job.on[0]) && line.waiting === 0) this.#end(line); // a question is about another device now
    const taken = new Set(there.flatMap(({ job }) => job.on));
    const never = pool.impossible({ ...wish, bytes: 0 });
    if (never) throw never;
    const place = pool.place(wish, taken);
    if (typeof place !== 'string') return this.#start(place, path);
    if (there.length > 0) return there[0];
    throw errors.noRoomToAnswer(place);
  }

  #start(place: Place, path: string): Line {
    const { home, jobs, module } = this.#options;
    const numbers = new Set([...this.#lines].map((line) => line.number));
    let number = 1;
    while (numbers.has(number)) number++;
    const name = number === 1 ? '' : `-${number}`;
    const job = jobs.start({
      kind: 'answer',
      id: `answer${name}`,
      module,
      place,
      log: join(home, `generate${name}.log`),
      truncate: true,
      disposable: true,
      gone: () => void this.#lines.delete(line),
    });
    const line: Line = { number, job, path, waiting: 0, last: Promise.resolve(), release: false };
    this.#lines.add(line);
    return line;
  }

  #rest(line: Line): void {
    if (line.release) return this.#end(line);
    clearTimeout(line.idle);
    line.idle = setTimeout(() => this.#end(line), this.#options.idle_ms ?? IDLE_MS);
    line.idle.unref();
  }

  #end(line: Line): void {
    clearTimeout(line.idle);
    line.job.disconnect();
    this.#lines.delete(line);
  }
}
