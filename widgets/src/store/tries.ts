/** What was asked of models about questions, and their answers. They outlive the view, another choice of question and a reload of the page. */
import type { Crop, Generation, GenerateRequest } from '../connector.ts';
import type { Load } from '../load.ts';
import { Observable } from '../observable.ts';

export type Variant = NonNullable<GenerateRequest['variant']>;

export type Answer = Exclude<Load<Generation>, { status: 'idle' }>;

/** What one policy said to one variant of the prompt. */
export interface TryAnswer {
  policy: { key: string; heading: string };
  variant: Variant;
  /** Whom, what and with which prompt, as a request names it. */
  asked: Pick<GenerateRequest, 'run' | 'model' | 'dataset' | 'item' | 'question' | 'image' | 'blank' | 'crop' | 'variant'>;
  answer: Answer;
}

/** How answers are sampled. */
export interface TrySettings {
  num: number;
  temperature: number;
  max_new_tokens: number;
  /** Null: a random one. */
  seed: number | null;
}

/** A press of Ask, with all that its answers follow from. */
export interface Try {
  id: number;
  settings: TrySettings;
  /** Of the question in other words; null where it was asked as it stands. */
  edit: Edit | null;
  look: Look;
  answers: TryAnswer[];
  running: boolean;
}

/** The question in other words, or about another image. */
export interface Edit {
  question: string;
  /** Path inside the data set; '' = no image. */
  image: string;
}

/** What of the image the model sees. */
export interface Look {
  /** Grey in its place. */
  blank: boolean;
  /** Null: all of it. */
  crop: Crop | null;
}

/** Of a question the tries, and questions, that are kept; and characters of JSON that outlive the page: the workspace is written as a whole. */
const MOST = { tries: 12, questions: 24, characters: 200_000 };

/** Of a question: data set and id as JSON. The one that was asked last stands last. */
type Kept = Readonly<Record<string, readonly Try[]>>;

export class Tries extends Observable<Kept> {
  constructor() {
    super({});
  }

  /** Of one question, the newest first. */
  of(dataset: string, item: string): readonly Try[] {
    return this.value[keyOf(dataset, item)] ?? NONE;
  }

  put(dataset: string, item: string, tries: readonly Try[]): void {
    const key = keyOf(dataset, item);
    const { [key]: before = NONE, ...others } = this.value;
    if (before === tries) return;
    const kept = tries.length > 0 ? { ...others, [key]: tries.slice(0, MOST.tries) } : others;
    this.set(Object.fromEntries(Object.entries(kept).slice(-MOST.questions)));
  }

  /** Tries with answers, the newest as far as there is room for them. */
  toJSON(): Kept {
    let room = MOST.characters;
    const kept = Object.entries(this.value)
      .reverse()
      .map(([key, tries]): [string, Try[]] => {
        const fit = tries.flatMap(answered).filter((one) => (room -= JSON.stringify(one).length) > 0);
        return [key, fit];
      });
    return Object.fromEntries(kept.filter(([, tries]) => tries.length > 0).reverse());
  }

  /** Takes what is well formed and ignores the rest; what was asked since stays. */
  restore(json: unknown): void {
    if (!isRecord(json)) return;
    const kept = Object.entries(json).map(([key, tries]): [string, Try[]] => [key, Array.isArray(tries) ? tries.filter(isTry) : []]);
    this.set({ ...Object.fromEntries(kept.filter(([, tries]) => tries.length > 0)), ...this.value });
  }
}

const NONE: readonly Try[] = [];

const keyOf = (dataset: string, item: string): string => JSON.stringify([dataset, item]);

/** Without what is not there to be read again: answers that failed or were not given, and the tokens of the prompt. */
function answered(one: Try): Try[] {
  const answers = one.answers.flatMap((each): TryAnswer[] => {
    if (each.answer.status !== 'ready') return [];
    const { value } = each.answer;
    return [{ ...each, answer: { status: 'ready', value: { ...value, prompt: { ...value.prompt, tokens: [] } } } }];
  });
  return answers.length > 0 ? [{ ...one, answers, running: false }] : [];
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function isTry(json: unknown): json is Try {
  if (!isRecord(json) || !isRecord(json.settings) || !isRecord(json.look) || !Array.isArray(json.answers)) return false;
  const { num, temperature, max_new_tokens, seed } = json.settings;
  if (![json.id, num, temperature, max_new_tokens].every(Number.isFinite) || !(seed === null || Number.isFinite(seed))) return false;
  const { edit } = json;
  if (edit !== null && !(isRecord(edit) && typeof edit.question === 'string' && typeof edit.image === 'string')) return false;
  const { crop } = json.look;
  return (crop === null || isRecord(crop)) && json.answers.length > 0 && json.answers.every(isAnswer);
}

function isAnswer(json: unknown): boolean {
  if (!isRecord(json) || !isRecord(json.policy) || !isRecord(json.asked) || !isRecord(json.answer)) return false;
  const { value, status } = json.answer;
  if (typeof json.policy.heading !== 'string' || typeof json.variant !== 'string') return false;
  if (status !== 'ready' || !isRecord(value) || !isRecord(value.prompt) || typeof value.prompt.text !== 'string') return false;
  return typeof value.seconds === 'number' && Array.isArray(value.completions) && value.completions.every(isCompletion);
}

const isCompletion = (json: unknown): boolean =>
  isRecord(json) && typeof json.text === 'string' && [json.token_ids, json.tokens, json.logprobs].every(Array.isArray);
