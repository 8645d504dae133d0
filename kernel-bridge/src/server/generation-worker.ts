/**
 * The process that answers from checkpoints and model directories. It is started by the first question, keeps its model while questions
 * come, and ends after some idle minutes, when a run wants the device, and with the server, however that ends.
 */
import { join } from 'node:path';
import type { Answer, Ask, ModelSource } from '../protocol/generate.ts';
import type { Job, Jobs } from './jobs.ts';

export interface GenerationWorkerOptions {
  home: string;
  jobs: Jobs;
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

  async ask(ask: Ask, source: ModelSource, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted();
    clearTimeout(this.#idle);
    const job = (this.#job ??= this.#start());
    this.#asked++;
    try {
      return (await job.ask(ask, source, signal, this.#options.grace_ms ?? GRACE_MS)).answer;
    } finally {
      this.#asked--;
      if (this.#asked === 0) this.#rest();
    }
  }

  /** Ends the process as soon as it answers nobody, so that its memory is free. */
  release(): void {
    this.#release = true;
    if (this.#asked === 0) this.#end();
  }

  #start(): Job {
    const { home, jobs, module } = this.#options;
    this.#release = false;
    return jobs.start({
      kind: 'answer',
      id: 'answer',
      module,
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
