/** One question with all that belongs to it: its record, its neighbours under the filter of the Data view, and what runs answered. */
import {
  errorBody,
  type Connector,
  type DataSample,
  type ErrorBody,
  type ItemAnswers,
  type ItemPlace,
  type ItemQuery,
} from '../connector.ts';
import { Observable } from '../observable.ts';

export type Answers = { status: 'loading' } | { status: 'ready'; value: ItemAnswers[] } | { status: 'error'; error: ErrorBody };

export interface SampleState {
  /** `loading`: nothing to show yet. While another question is on its way, the one before stays and `stale` is set. */
  status: 'idle' | 'loading' | 'ready' | 'error';
  stale: boolean;
  dataset: string | null;
  item: string | null;
  sample: DataSample | null;
  error: ErrorBody | null;
  /** Null until it is known. */
  place: ItemPlace | null;
  answers: Answers;
}

const NOTHING: SampleState = {
  status: 'idle',
  stale: false,
  dataset: null,
  item: null,
  sample: null,
  error: null,
  place: null,
  answers: { status: 'loading' },
};

export class SampleModel {
  readonly state = new Observable<SampleState>(NOTHING);
  readonly #connector: Connector;
  #filter: ItemQuery = {};
  #wanted = '';

  constructor(connector: Connector) {
    this.#connector = connector;
  }

  /** Shows this question; `filter` decides what is before and after it. The last call wins. */
  show(dataset: string | null, item: string | null, filter: ItemQuery = {}): void {
    const key = `${dataset}/${item}`;
    const filtered = JSON.stringify(filter) !== JSON.stringify(this.#filter);
    if (filtered) this.#filter = filter;
    if (dataset === null || item === null) {
      this.#wanted = key;
      if (this.state.value.status !== 'idle' || this.state.value.dataset !== dataset) this.state.set({ ...NOTHING, dataset });
      return;
    }
    if (key !== this.#wanted) {
      this.#wanted = key;
      void this.#load(dataset, item);
    } else if (filtered) void this.#locate(dataset, item);
  }

  reload(): void {
    const { dataset, item } = this.state.value;
    if (dataset !== null && item !== null) void this.#load(dataset, item);
  }

  /** Asks again what runs answered: they go on answering. */
  async loadAnswers(): Promise<void> {
    const { dataset, item } = this.state.value;
    if (dataset !== null && item !== null) await this.#readAnswers(dataset, item);
  }

  /** Id of the question before or after; null at the end of the filter. */
  neighbour(way: 1 | -1): string | null {
    const { place } = this.state.value;
    return (way === 1 ? place?.next : place?.previous) ?? null;
  }

  async #load(dataset: string, item: string): Promise<void> {
    const shown = this.state.value.sample !== null && this.state.value.dataset === dataset;
    this.#change(
      shown
        ? { stale: true, item, place: null, error: null, answers: { status: 'loading' } }
        : { ...NOTHING, status: 'loading', dataset, item },
    );
    void this.#locate(dataset, item);
    void this.#readAnswers(dataset, item);
    try {
      const sample = await this.#connector.data.sample(dataset, item);
      if (this.#isWanted(dataset, item)) this.#change({ status: 'ready', stale: false, sample, error: null });
    } catch (error) {
      if (this.#isWanted(dataset, item)) this.#change({ status: 'error', stale: false, sample: null, error: errorBody(error) });
    }
  }

  async #locate(dataset: string, item: string): Promise<void> {
    const filter = this.#filter;
    // Without its neighbours the question is still there to be read.
    const place = await this.#connector.data.place(dataset, item, filter).catch(() => null);
    if (this.#isWanted(dataset, item) && filter === this.#filter) this.#change({ place });
  }

  async #readAnswers(dataset: string, item: string): Promise<void> {
    try {
      const value = await this.#connector.data.answers(dataset, item);
      if (this.#isWanted(dataset, item)) this.#change({ answers: { status: 'ready', value } });
    } catch (error) {
      if (this.#isWanted(dataset, item)) this.#change({ answers: { status: 'error', error: errorBody(error) } });
    }
  }

  #isWanted(dataset: string, item: string): boolean {
    return this.#wanted === `${dataset}/${item}`;
  }

  #change(change: Partial<SampleState>): void {
    this.state.update((state) => ({ ...state, ...change }));
  }
}

export interface RunAnswers {
  run: string;
  name: string;
  /** Of the run's own answers; '' where all were sampled by the run that it was forked from. */
  variant: string;
  /** Newest first. */
  answers: ItemAnswers[];
}

/** Answers by run, the selected runs first, others in the order they come. */
export function byRun(answers: readonly ItemAnswers[], selected: readonly string[]): RunAnswers[] {
  const runs = [...Map.groupBy(answers, ({ run }) => run).values()].map((list) => ({
    run: list[0].run,
    name: list[0].run_name,
    variant: list.find(({ sampled_by }) => sampled_by === null)?.variant ?? '',
    answers: list.toSorted((a, b) => b.step - a.step),
  }));
  const rank = ({ run }: RunAnswers): number => (selected.includes(run) ? selected.indexOf(run) : selected.length);
  return runs.sort((a, b) => rank(a) - rank(b));
}

/** How many of those that could be judged are right. */
export function tally({ completions }: ItemAnswers): { right: number; judged: number } {
  const judged = completions.filter(({ correct }) => correct !== null);
  return { right: judged.filter(({ correct }) => correct).length, judged: judged.length };
}
