/**
 * Questions that a run leaves out because they cannot be shown to the model: an image that changed, vanished or cannot be read since the data set was looked
 * at, a text with a special token. No such question ends a run. What stands in for it follows from its place in the data order alone, so that every
 * rank, and a run that is resumed, takes the same.
 */
import { WorkbenchError, type VqaItem } from '../protocol/index.ts';

const OF_ONE_QUESTION: readonly string[] = ['DATA_IMAGE', 'IMAGE_UNREADABLE', 'IMAGE_SHAPE', 'PROMPT_RESERVED_TOKEN'];

/** Whether an error is one question's own. */
export const isOfOneQuestion = (error: unknown): error is WorkbenchError =>
  error instanceof WorkbenchError && OF_ONE_QUESTION.includes(error.code);

export class LeftOut {
  readonly #ids: Set<string>;
  readonly #tell: (error: WorkbenchError) => void;

  /** `ids`: those of the checkpoint that is gone on from. */
  constructor(ids: readonly string[], tell: (error: WorkbenchError) => void = () => {}) {
    this.#ids = new Set(ids);
    this.#tell = tell;
  }

  get ids(): string[] {
    return [...this.#ids];
  }
  has({ id }: VqaItem): boolean {
    return this.#ids.has(id);
  }

  /** Tells of each question once. */
  add({ id }: VqaItem, cause: WorkbenchError): void {
    if (this.#ids.has(id)) return;
    this.#ids.add(id);
    const count = this.#ids.size;
    this.#tell(
      new WorkbenchError({
        code: 'TRAIN_QUESTION_LEFT_OUT',
        cause,
        message: `question ${id} is left out from here on (${count} so far): ${cause.message}`,
        remedy: 'The run goes on without it. Mend the image and index the data set again before the next run.',
      }),
    );
  }
}
