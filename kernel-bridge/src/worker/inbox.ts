/** What the server asks this process to answer, over its channel: kept in order until the process gets to it. */
import type { AnswerTo, AnyAsk, ToWorker } from '../protocol/channel.ts';
import { errorBody, WorkbenchError } from '../protocol/errors.ts';
import type { ModelSource } from '../protocol/generate.ts';
import { tell } from './frame.ts';

interface Waiting {
  ask: AnyAsk;
  source: ModelSource | null;
  abort: AbortController;
}
/** `step`: of the policy that answers. */
export type Reply = (
  ask: AnyAsk,
  signal: AbortSignal,
  source: ModelSource | null,
) => Promise<{ answer: AnswerTo<AnyAsk>; step: number | null }>;

export class Inbox {
  readonly #waiting = new Map<number, Waiting>();

  /** `arrived` is called after each. */
  constructor(arrived: () => void = () => {}) {
    process.on('message', (message: ToWorker) => {
      if (typeof message === 'string' || message.type === 'scored') return;
      if (message.type === 'cancel') return this.#cancel(message.key);
      this.#waiting.set(message.key, { ask: message.ask, source: message.source, abort: new AbortController() });
      arrived();
    });
  }

  /** Answers all that wait, those that come meanwhile too. Never throws: a failure is what the asker gets. */
  async answerAll(reply: Reply, signal?: AbortSignal): Promise<void> {
    for (const [key, { ask, source, abort }] of this.#waiting) {
      if (signal?.aborted) return;
      const either = signal ? AbortSignal.any([signal, abort.signal]) : abort.signal;
      try {
        tell({ type: 'answer', key, ...(await reply(ask, either, source)) });
      } catch (error) {
        if (signal?.aborted) return; // the process ends, which tells the asker more than "aborted" would
        tell({ type: 'refused', key, error: { ...errorBody(named(error)), http: error instanceof WorkbenchError ? error.http : 500 } });
      }
      this.#waiting.delete(key);
    }
  }

  #cancel(key: number): void {
    this.#waiting.get(key)?.abort.abort();
    this.#waiting.delete(key);
  }
}

/** torch says in many words that memory is short. */
function named(error: unknown): unknown {
  if (error instanceof WorkbenchError || !(error instanceof Error) || !/out of memory|can't allocate memory/i.test(error.message))
    return error;
  return new WorkbenchError({
    code: 'GENERATE_OUT_OF_MEMORY',
    http: 507,
    message: `There is not enough memory to answer: ${error.message.split('\n')[0]}`,
    remedy: 'Ask for fewer or shorter answers, or stop what else uses the device.',
    cause: error,
  });
}
