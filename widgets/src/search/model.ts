/** A search in the selected runs and its hits so far. No DOM. */
import type { Connector, ErrorBody, QuestionCurve, SavedQuery, SavedSearch, SearchHit, SearchPage, SearchQuery } from '../connector.ts';
import { Latest } from '../load.ts';
import { Observable } from '../observable.ts';

/** The form: texts as they were typed, '' = lets everything through. */
export interface SearchForm {
  text: string;
  mode: NonNullable<SearchQuery['mode']>;
  case: boolean;
  from: string;
  to: string;
  item: string;
  question: string;
  modality: string;
  question_type: string;
  verdict: string;
  finish: string;
  letter: string;
  flag: string;
  tag: string;
  least_reward: string;
  most_reward: string;
  least_advantage: string;
  most_advantage: string;
  least_tokens: string;
  most_tokens: string;
  order: string;
  near: SearchQuery['near'] | null;
  /** Least share of three-word stretches in common with `near`. */
  similarity: number | null;
}

export const EMPTY: SearchForm = {
  ...{ text: '', mode: 'words', case: false, from: '', to: '', item: '', question: '', modality: '', question_type: '', verdict: '' },
  ...{ finish: '', letter: '', flag: '', tag: '', least_reward: '', most_reward: '', least_advantage: '', most_advantage: '' },
  ...{ least_tokens: '', most_tokens: '', order: 'newest', near: null, similarity: null },
};

/** Orders, with what each is called. */
export const ORDERS = {
  newest: ['newest first', 'step', false],
  oldest: ['oldest first', 'step', true],
  'reward-high': ['largest reward', 'reward', false],
  'reward-low': ['smallest reward', 'reward', true],
  'advantage-high': ['largest advantage', 'advantage', false],
  'advantage-low': ['smallest advantage', 'advantage', true],
  longest: ['longest', 'tokens', false],
  shortest: ['shortest', 'tokens', true],
} as const satisfies Record<string, [string, SearchQuery['sort'], boolean]>;

export const FLAGS = {
  repeats: 'repeats itself',
  'no-answer': 'no readable answer',
  'think-disagrees': 'think part and answer disagree',
  'beats-prior': 'right against the prior',
} as const;

export type Choices = readonly (readonly [value: string, label: string])[];
export const VERDICTS: Choices = ['right', 'wrong', 'unknown'].map((one) => [one, one === 'unknown' ? 'not judged' : one] as const);
export const FINISHES: Choices = ['stop', 'length', 'other'].map((one) => [one, one] as const);
export const LETTERS: Choices = [...[...'ABCDEFGH'].map((one) => [one, one] as const), ['none', 'none'], ['other', 'another word']];

const number = (text: string): number | undefined => (text.trim() === '' || !Number.isFinite(Number(text)) ? undefined : Number(text));
const range = (least: string, most: string) => {
  const [min, max] = [number(least), number(most)];
  return min === undefined && max === undefined ? undefined : { ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
};
/** Several stand apart by commas; none of them has one. */
const list = (text: string): string[] | undefined => {
  const parts = text.split(',').map((part) => part.trim());
  return parts.some(Boolean) ? parts.filter(Boolean) : undefined;
};
const one = (text: string): string[] | undefined => (text.trim() === '' ? undefined : [text.trim()]);

export function queryOf(form: SearchForm, runs: readonly string[]): SearchQuery {
  const [, sort, ascending] = ORDERS[form.order as keyof typeof ORDERS] ?? ORDERS.newest;
  const query = {
    ...{ runs: [...runs], text: form.text.trim() || undefined, mode: form.mode, case: form.case || undefined },
    ...{ from: number(form.from), to: number(form.to), items: one(form.item), question: form.question.trim() || undefined },
    ...{ modality: list(form.modality), question_type: list(form.question_type), verdict: list(form.verdict), finish: list(form.finish) },
    ...{ letters: list(form.letter), flags: list(form.flag), tags: list(form.tag), near: form.near ?? undefined },
    similarity: form.near ? (form.similarity ?? undefined) : undefined,
    reward: range(form.least_reward, form.most_reward),
    advantage: range(form.least_advantage, form.most_advantage),
    tokens: range(form.least_tokens, form.most_tokens),
    ...{ sort, ascending },
  };
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as SearchQuery;
}

/** What a saved search keeps of the form. */
export function savedQueryOf(form: SearchForm): SavedQuery {
  const { runs: _, ...query } = queryOf(form, []);
  return query;
}

/** The form that asks for what was saved. */
export function formOf(query: SavedQuery): SearchForm {
  const text = (value: unknown): string => (value === undefined ? '' : Array.isArray(value) ? value.join(', ') : String(value));
  const { sort = 'step', ascending = false } = query;
  const order = Object.entries(ORDERS).find(([, [, by, up]]) => by === sort && up === ascending)?.[0] ?? 'newest';
  return {
    ...EMPTY,
    ...{ text: text(query.text), mode: query.mode ?? 'words', case: query.case ?? false, from: text(query.from), to: text(query.to) },
    ...{
      item: text(query.items),
      question: text(query.question),
      modality: text(query.modality),
      question_type: text(query.question_type),
    },
    ...{
      verdict: text(query.verdict),
      finish: text(query.finish),
      letter: text(query.letters),
      flag: text(query.flags),
      tag: text(query.tags),
    },
    ...{ least_reward: text(query.reward?.min), most_reward: text(query.reward?.max) },
    ...{ least_advantage: text(query.advantage?.min), most_advantage: text(query.advantage?.max) },
    ...{ least_tokens: text(query.tokens?.min), most_tokens: text(query.tokens?.max) },
    ...{ order, near: query.near ?? null, similarity: query.similarity ?? null },
  };
}

/** Filters that are set, beside text and order. */
export const filtersSet = (form: SearchForm): number =>
  (Object.keys(EMPTY) as (keyof SearchForm)[]).filter(
    (key) => !['text', 'mode', 'case', 'order', 'similarity'].includes(key) && form[key] !== EMPTY[key],
  ).length;

export interface SearchState {
  form: SearchForm;
  status: 'idle' | 'searching' | 'ready' | 'error';
  /** What was asked last: the form may have changed since. */
  asked: SearchQuery | null;
  hits: readonly SearchHit[];
  /** The page that came last: what is left, and how much of each run is indexed. */
  page: SearchPage | null;
  error: ErrorBody | null;
}

export class SearchModel {
  readonly state = new Observable<SearchState>({ form: EMPTY, status: 'idle', asked: null, hits: [], page: null, error: null });
  readonly #connector: Connector;
  readonly #page = new Latest<SearchPage>();
  /** Of the question that is searched alone; one for each run that asked it. */
  readonly curves = new Latest<QuestionCurve[]>();
  readonly saved = new Latest<SavedSearch[]>();
  #query: SearchQuery | null = null;

  constructor(connector: Connector) {
    this.#connector = connector;
  }

  set(change: Partial<SearchForm>): void {
    this.state.update((state) => ({ ...state, form: { ...state.form, ...change } }));
  }

  /** The first page, in place of what was found before. */
  search(runs: readonly string[]): Promise<void> {
    this.#follow(this.state.value.form.item.trim(), runs);
    this.#query = queryOf(this.state.value.form, runs);
    return this.#ask(this.#query, []);
  }

  /** A run that never asked the question has no curve. */
  #follow(item: string, runs: readonly string[]): void {
    if (item === '') return this.curves.clear();
    void this.curves.ask(async (signal) => {
      const settled = await Promise.all(
        runs.map((run) =>
          this.#connector.search.question(run, { item }, signal).catch((error: { code?: string }) => {
            if (error.code === 'QUESTION_UNKNOWN') return null;
            throw error;
          }),
        ),
      );
      return settled.filter((curve): curve is QuestionCurve => curve !== null);
    });
  }

  loadSaved(): Promise<unknown> {
    return this.saved.ask((signal) => this.#connector.search.saved(signal), { keep: true });
  }

  /** Under a name that is new, or in place of the search `id`. Rejects with the reason where it cannot. */
  async save(name: string, id: string | null = null): Promise<SavedSearch> {
    const asked = { name, query: savedQueryOf(this.state.value.form) };
    const saved = await (id === null ? this.#connector.search.save(asked) : this.#connector.search.change(id, asked));
    await this.loadSaved();
    return saved;
  }

  async rename(id: string, name: string): Promise<SavedSearch> {
    const renamed = await this.#connector.search.change(id, { name });
    await this.loadSaved();
    return renamed;
  }

  async forget(id: string): Promise<void> {
    await this.#connector.search.forget(id);
    await this.loadSaved();
  }

  async more(): Promise<void> {
    const { page, hits } = this.state.value;
    if (this.#query && page?.next) await this.#ask({ ...this.#query, cursor: page.next }, hits);
  }

  stop(): void {
    this.#page.stop();
    if (this.state.value.status === 'searching') this.state.update((state) => ({ ...state, status: state.page ? 'ready' : 'idle' }));
  }

  /** Tags are words apart by commas. */
  async note(hit: SearchHit, tags: string, note: string): Promise<void> {
    const { run, step, group, index } = hit;
    const given = [...new Set(tags.split(',').map((tag) => tag.trim()))].filter(Boolean);
    const written = await this.#connector.search.note(run, { step, group, index, tags: given, note });
    const changed = { ...hit, tags: written?.tags ?? [], note: written?.note ?? '' };
    this.state.update((state) => ({ ...state, hits: state.hits.map((one) => (samePlace(one, hit) ? changed : one)) }));
  }

  async #ask(query: SearchQuery, before: readonly SearchHit[]): Promise<void> {
    this.stop();
    this.state.update((state) => ({ ...state, status: 'searching', asked: query, error: null, hits: before }));
    const page = await this.#page.ask((signal) => this.#connector.search.find(query, signal));
    if (page?.status === 'ready')
      this.state.update((state) => ({ ...state, status: 'ready', page: page.value, hits: [...before, ...page.value.hits] }));
    else if (page) this.state.update((state) => ({ ...state, ...page }));
  }
}

const samePlace = (a: SearchHit, b: SearchHit): boolean => placeOf(a) === placeOf(b);
export const placeOf = ({ run, step, group, index }: SearchHit): string => `${run} ${step} ${group} ${index}`;

/** A text in pieces, those that were found marked. */
export function pieces({ text, marks }: Pick<SearchHit, 'text' | 'marks'>): { text: string; marked: boolean }[] {
  const found: { text: string; marked: boolean }[] = [];
  let at = 0;
  for (const [from, to] of marks) {
    found.push({ text: text.slice(at, from), marked: false }, { text: text.slice(from, to), marked: true });
    at = to;
  }
  return [...found, { text: text.slice(at), marked: false }].filter((piece) => piece.text !== '');
}

/** "120 of 1,024 completions", "50 or more": what is known of how many there are. */
export function told({ hits, page }: Pick<SearchState, 'hits' | 'page'>): string {
  if (!page) return '';
  if (page.total !== null) return page.total === 1 ? '1 completion' : `${page.total.toLocaleString('en')} completions`;
  return page.next === null ? `${hits.length} completions` : `${hits.length} completions so far`;
}
