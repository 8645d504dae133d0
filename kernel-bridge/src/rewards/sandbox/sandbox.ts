/** A user's reward file in a thread of its own: started when needed, ended when a call outlasts its wall time, then started anew. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { RewardSource } from '../../protocol/index.ts';
import { LIMITS, type Limits } from './limits.ts';
import type { Answer, Ask, Failure, Job, Outcome, Start } from './messages.ts';

const THREAD = new URL('./thread.ts', import.meta.url);
/** JavaScript heap of the thread around the engine, whose own memory is limited apart. */
const HEAP_MB = 256;

let compiled: WebAssembly.Module | undefined;
const engine = (): WebAssembly.Module =>
  (compiled ??= new WebAssembly.Module(readFileSync(createRequire(import.meta.url).resolve('quickjs-wasi/quickjs.wasm'))));

export class Sandbox implements Disposable {
  readonly #start: Omit<Start, 'engine'>;
  #thread: Worker | null = null;
  #calls = 0;
  /** Calls are made one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor({ file, source }: Pick<RewardSource, 'file' | 'source'>, limits: Partial<Limits> = {}) {
    this.#start = { file, source, limits: { ...LIMITS, ...limits } };
  }

  /** Never rejects: what goes wrong is a failure. */
  ask(ask: Ask): Promise<Outcome> {
    const answer = this.#last.then(() => this.#ask(ask));
    this.#last = answer;
    return answer;
  }

  #ask(ask: Ask): Promise<Outcome> {
    const thread = (this.#thread ??= this.#open());
    const job: Job = { ...ask, id: ++this.#calls };
    const { wallMs } = this.#start.limits;
    return new Promise((resolve) => {
      const end = (outcome: Outcome, lost: boolean): void => {
        clearTimeout(timer);
        thread.off('message', onMessage).off('error', onError).off('exit', onExit);
        if (lost) this.#drop();
        else thread.unref();
        resolve(outcome);
      };
      const gone = (kind: Failure['kind'], what: string): void =>
        end({ log: [], failure: { kind, what, line: null, completion: null } }, true);
      const onMessage = ({ id, outcome }: Answer): void => {
        // a machine that failed for want of memory may have left its thread in a bad state
        if (id === job.id) end(outcome, 'failure' in outcome && outcome.failure.kind === 'memory');
      };
      const onError = (error: unknown): void =>
        gone('memory', `its thread ended (${error instanceof Error ? error.message : String(error)})`);
      const onExit = (): void => gone('memory', 'its thread ended');
      // three calls' time at most: the batch, and the completion that is to blame looked for
      const timer = setTimeout(() => gone('time', `it had not answered after ${wallMs / 1000} s`), wallMs);
      thread.on('message', onMessage).on('error', onError).on('exit', onExit);
      thread.ref();
      thread.postMessage(job);
    });
  }

  #open(): Worker {
    const thread = new Worker(THREAD, {
      workerData: { ...this.#start, engine: engine() } satisfies Start,
      env: {},
      stdin: false,
      execArgv: ['--disable-warning=ExperimentalWarning'],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    thread.on('error', () => {}); // heard where a call waits; between calls there is nothing to say
    thread.unref();
    return thread;
  }

  #drop(): void {
    void this.#thread?.terminate();
    this.#thread = null;
  }

  [Symbol.dispose](): void {
    this.#drop();
  }
}
