/** What crosses the channel between the server and a process that holds a model. */
import type { ErrorBody } from './errors.ts';
import type { ExplainAsk, Explained } from './explain.ts';
import type { Answer, Ask, ModelSource } from './generate.ts';
import type { KernelCall, Scored } from './kernels.ts';

/** For completions, or about one. */
export type AnyAsk = Ask | ExplainAsk;
export type AnswerTo<A extends AnyAsk> = A extends ExplainAsk ? Explained : Answer;
/** What answers both kinds: a trainer, a loaded model. */
export interface Answers {
  /** Samples completions of a question. */
  answer(ask: Ask, signal?: AbortSignal): Promise<Answer>;
  /** Runs a completion again and says how it came about. */
  explain(ask: ExplainAsk, signal?: AbortSignal): Promise<Explained>;
}
export const answerTo = (model: Answers, ask: AnyAsk, signal?: AbortSignal): Promise<Answer | Explained> =>
  'explain' in ask ? model.explain(ask, signal) : model.answer(ask, signal);

/** `turn`: the answer to `turn?` of a worker that shares its device with the other run of its pair; it has the device until it says `turn-done`. */
export type ToWorker =
  | 'nudge'
  | 'turn'
  | { type: 'scored'; key: string; scored: Scored }
  | { type: 'ask'; key: number; ask: AnyAsk; source: ModelSource | null }
  | { type: 'cancel'; key: number };
/** `step`: of the policy that answered, where a trainer did. */
export type FromWorker =
  /** When it is loaded, and now and then. */
  | 'alive'
  | 'committed'
  | 'turn?'
  | 'turn-done'
  /** A reward function that a kernel serves, to be evaluated. */
  | { type: 'score'; call: KernelCall; timeout_s: number }
  | { type: 'answer'; key: number; answer: Answer | Explained; step: number | null }
  | { type: 'refused'; key: number; error: ErrorBody & { http: number } };
