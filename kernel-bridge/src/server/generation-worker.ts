/**
 * The process that answers from checkpoints and model directories. It is started by the first question, keeps its model while questions
 * come, and ends after some idle minutes, when a run wants the device, and with the server, however that ends.
 */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Answer, Ask, ModelSource } from '../protocol/generate.ts';
import { askProcess } from './channel.ts';
import { forkWorker } from './fork-worker.ts';
import { lastLine } from './supervisor.ts';

export interface GenerationWorkerOptions {
  home: string;
  /** Module that the process runs. */
  module?: string;
  idle_ms?: number;
  /** How long a process that was told to stop answering may take. */
  grace_ms?: number;
}

const MODULE = fileURLToPath(new URL('../worker/generate-main.ts', import.meta.url));

export class GenerationWorker {
  readonly #options: GenerationWorkerOptions;
  readonly #log: string;
  #child: ChildProcess | null = null;
  #idle: NodeJS.Timeout | undefined;
  #asked = 0;
  #release = false;

  constructor(options: GenerationWorkerOptions) {
    this.#options = options;
    this.#log = join(options.home, 'generate.log');
  }

  /** Id of the process while there is one. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  async ask(ask: Ask, source: ModelSource, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted();
    clearTimeout(this.#idle);
    const child = (this.#child ??= this.#start());
    this.#asked++;
    try {
      return (await askProcess(child, { ask, source }, signal, () => lastLine(this.#log))).answer;
    } catch (error) {
      if (signal.aborted) this.#killUnlessIdle(child);
      throw error;
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

  /** Resolves when the process is gone. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const child = this.#child;
    if (!child) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL'); // it holds nothing that could be left half made
    await gone;
  }

  #start(): ChildProcess {
    const { module = MODULE } = this.#options;
    const child = forkWorker(module, [], { log: this.#log, truncate: true, detached: false });
    const gone = (): void => {
      if (this.#child === child) this.#child = null;
    };
    child.once('error', gone);
    child.once('exit', gone);
    this.#release = false;
    return child;
  }

  #rest(): void {
    if (this.#release) return this.#end();
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#end(), this.#options.idle_ms ?? 5 * 60_000);
    this.#idle.unref();
  }

  #end(): void {
    clearTimeout(this.#idle);
    const child = this.#child;
    this.#child = null;
    if (child?.connected) child.disconnect();
  }

  /** An answer that nobody waits for is cut off between two tokens; a process that does not get there is killed. */
  #killUnlessIdle(child: ChildProcess): void {
    const timer = setTimeout(() => child.kill('SIGKILL'), this.#options.grace_ms ?? 10_000);
    const settled = (): void => {
      clearTimeout(timer);
      child.off('message', settled).off('exit', settled);
    };
    child.on('message', settled).on('exit', settled); // the refusal of the withdrawn question
  }
}
