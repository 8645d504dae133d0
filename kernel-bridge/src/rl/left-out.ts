/**
 * Questions that a run leaves out because they cannot be shown to the model: an image that changed, vanished or cannot be read since the data set was
 * looked at, a text with a special token, a prompt that is too long. No such question ends a run. What stands in for it follows from its place in the
 * data order alone, and it stays out from the step on at which it was first left out, so that every rank, and a run that is resumed after the image came
 * back, asks the same.
 */
import { WorkbenchError, type VqaItem } from '../protocol/index.ts';

const OF_ONE_QUESTION: readonly string[] = [
  'DATA_IMAGE',
  'DATA_IMAGE_CHANGED',
  'IMAGE_UNREADABLE',
  'IMAGE_SHAPE',
  'PROMPT_RESERVED_TOKEN',
  'PROMPT_TOO_LONG',
];

/** Whether an error is one question's own. */
export const isOfOneQuestion = (error: unknown): error is WorkbenchError =>
  error instanceof WorkbenchError && OF_ONE_QUESTION.includes(error.code);

export interface LeftOutQuestion {
  id: string;
  /** The first step that went without it. */
  step: number;
  why: string;
}

/** Questions that an alert names; the others it counts. */
const NAMED = 3;

export class LeftOut {
  readonly #known = new Map<string, LeftOutQuestion>();
  /** Ids that were told of. */
  readonly #told: Set<string>;
  #news: LeftOutQuestion[] = [];

  /** `told`: items that the checkpoint left out. `known`: all items that the run ever left out, also after that checkpoint. */
  constructor(told: readonly LeftOutQuestion[], known: readonly LeftOutQuestion[]) {
    for (const question of [...known, ...told]) this.#known.set(question.id, question);
    this.#told = new Set(told.map(({ id }) => id));
  }

  /** Those that an alert told of. */
  get all(): LeftOutQuestion[] {
    return [...this.#told].map((id) => this.#known.get(id)!);
  }

  get lastWhy(): string {
    return [...this.#known.values()].at(-1)?.why ?? '';
  }

  /** Whether the question is out by the time of this step. */
  has({ id }: VqaItem, step: number): boolean {
    const known = this.#known.get(id);
    if (known === undefined || known.step > step) return false;
    this.#hear(known);
    return true;
  }

  add({ id }: VqaItem, step: number, { message }: WorkbenchError): void {
    const question = { id, step, why: message };
    this.#known.set(id, question);
    this.#hear(question);
  }

  #hear(question: LeftOutQuestion): void {
    if (!this.#told.has(question.id) && !this.#news.some(({ id }) => id === question.id)) this.#news.push(question);
  }

  /** What this rank found since the last time. */
  takeNews(): LeftOutQuestion[] {
    const news = this.#news;
    this.#news = [];
    return news;
  }

  /** Takes what all ranks found, the same on each. Returns what is to be told of, or null. */
  settle(found: readonly LeftOutQuestion[]): { questions: LeftOutQuestion[]; alert: WorkbenchError } | null {
    const questions = found.filter(({ id }, i) => !this.#told.has(id) && found.findIndex((one) => one.id === id) === i);
    if (questions.length === 0) return null;
    for (const question of questions) {
      this.#known.set(question.id, question);
      this.#told.add(question.id);
    }
    const named = questions.slice(0, NAMED).map(({ id, why }) => `${id} (${why})`);
    if (questions.length > NAMED) named.push(`${questions.length - NAMED} more`);
    const what = questions.length === 1 ? 'question is left out' : 'questions are left out';
    const alert = new WorkbenchError({
      code: 'TRAIN_QUESTION_LEFT_OUT',
      message: `${questions.length} ${what} from here on, ${this.#told.size} so far: ${named.join(', ')}`,
      remedy: 'The run goes on without them. Mend the data and index it again before the next run.',
    });
    return { questions, alert };
  }
}
