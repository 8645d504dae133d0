/** A search in the selected runs and its hits so far. No DOM. */
import type { ErrorBody, SearchHit, SearchPage, SearchQuery } from '../connector.ts';
import type { Connector } from '../connector.ts';
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
}

export const EMPTY: SearchForm = {
  ...{ text: '', mode: 'words', case: false, from: '', to: '', item: '', question: '', modality: '', question_type: '', verdict: '' },
  ...{ finish: '', letter: '', flag: '', tag: '', least_reward: '', most_reward: '', least_advantage: '', most_advantage: '' },
  ...{ least_tokens: '', most_tokens: '', order: 'newest', near: null },
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

const number = (text: string): number | undefined => (text.trim() === '' || !Number.isFinite(Number(text)) ? undefined : Number(text));
const range = (least: string, most: string) => {
  const [min, max] = [number(least), number(most)];
  return min === undefined && max === undefined ? undefined : { ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
};
const list = (text: string): string[] | undefined => (text.trim() === '' ? undefined : [text.trim()]);

export function queryOf(form: SearchForm, runs: readonly string[]): SearchQuery {
  const [, sort, ascending] = ORDERS[form.order as keyof typeof ORDERS] ?? ORDERS.newest;
  const query = {
    ...{ runs: [...runs], text: form.text.trim() || undefined, mode: form.mode, case: form.case || undefined },
    ...{ from: number(form.from), to: number(form.to), items: list(form.item), question: form.question.trim() || undefined },
    ...{ modality: list(form.modality), question_type: list(form.question_type), verdict: list(form.verdict), finish: list(form.finish) },
    ...{ letters: list(form.letter), flags: list(form.flag), tags: list(form.tag), near: form.near ?? undefined },
    reward: range(form.least_reward, form.most_reward),
    advantage: range(form.least_advantage, form.most_advantage),
    tokens: range(form.least_tokens, form.most_tokens),
    ...{ sort, ascending },
  };
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as SearchQuery;
}

/** Filters that are set, beside text and order. */
export const filtersSet = (form: SearchForm): number =>
  (Object.keys(EMPTY) as (keyof SearchForm)[]).filter((key) => !['text', 'mode', 'case', 'order'].includes(key) && form[key] !== EMPTY[key])
    .length;

export interface SearchState {
  form: SearchForm;
  status: 'idle' | 'searching' | 'ready' | 'error';
  hits: readonly SearchHit[];
  /** The page that came last: what is left, and how much of each run is indexed. */
  page: SearchPage | null;
  error: ErrorBody | null;
}

export class SearchModel {
  readonly state = new Observable<SearchState>({ form: EMPTY, status: 'idle', hits: [], page: null, error: null });
  readonly #connector: Connector;
  readonly #page = new Latest<SearchPage>();
  #query: SearchQuery | null = null;

  constructor(connector: Connector) {
    this.#connector = connector;
  }

  set(change: Partial<SearchForm>): void {
    this.state.update((state) => ({ ...state, form: { ...state.form, ...change } }));
  }

  /** The first page, in place of what was found before. */
  search(runs: readonly string[]): Promise<void> {
    this.#query = queryOf(this.state.value.form, runs);
    return this.#ask(this.#query, []);
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
    this.state.update((state) => ({ ...state, status: 'searching', error: null, hits: before }));
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
