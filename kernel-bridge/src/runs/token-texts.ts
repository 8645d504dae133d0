/**
 * Texts of tokens that runs stored. A tokenizer of megabytes takes half a second to parse: a thread of its own does it while others are
 * served, and what decoding needs of it is kept in memory that the next thread shares.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { WorkbenchError } from '../protocol/errors.ts';
import type { TrainConfig } from '../protocol/index.ts';
import type { Answer, Question } from './token-texts-thread.ts';
import type { Vocabulary } from './vocabulary.ts';

const THREAD = new URL('./token-texts-thread.ts', import.meta.url);
/** Vocabularies; one of Qwen2-VL takes 2 MB. */
const MOST_KEPT = 4;

export class TokenTexts {
  /** By the state of its file, the one that was used last at the end. */
  readonly #kept = new Map<string, Vocabulary>();
  #last: Promise<unknown> = Promise.resolve();

  /**
   * One list of texts for each list of ids, decoded by the tokenizer of the model that the run began with.
   * Throws TOKENIZER_MISSING, TOKENIZER_UNREADABLE.
   */
  of({ model_name_or_path: model }: Pick<TrainConfig, 'model_name_or_path'>, lists: readonly number[][]): Promise<string[][]> {
    // One at a time: parsing takes 170 MB for as long as it lasts, and the second of two that need the same file finds it kept.
    const texts = this.#last.then(() => this.#ask(model, lists));
    this.#last = texts.catch(() => {});
    return texts;
  }

  /** How many vocabularies are kept. */
  get size(): number {
    return this.#kept.size;
  }

  async #ask(model: string, lists: readonly number[][]): Promise<string[][]> {
    const question: Question = { model, lists, kept: this.#kept };
    const thread = new Worker(THREAD, { workerData: question, execArgv: [] });
    const [answer] = (await once(thread, 'message')) as [Answer];
    if ('error' in answer) throw new WorkbenchError(answer.error);
    const { state, vocabulary } = answer;
    this.#kept.delete(state);
    this.#kept.set(state, vocabulary);
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    return answer.texts;
  }
}
