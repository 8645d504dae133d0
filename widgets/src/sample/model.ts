/** One question with all that belongs to it: its record, its neighbours under the filter of the Data view, and what runs answered. */
import type { Connector, DataSample, ErrorBody, ItemAnswers, ItemPlace, ItemQuery } from '../connector.ts';
import { Latest, type Load } from '../load.ts';
import { Observable } from '../observable.ts';

export interface SampleState {
  /** `loading`: nothing to show yet. While another question is on its way, the one before stays and `stale` is set. */
  status: Load<DataSample>['status'];
  stale: boolean;
  dataset: string | null;
  item: string | null;
  sample: DataSample | null;
  error: ErrorBody | null;
  /** Null until it is known. */
  place: ItemPlace | null;
  answers: Load<ItemAnswers[]>;
}

export class SampleModel {
  readonly state: Observable<SampleState>;
  readonly #connector: Connector;
  readonly #sample = new Latest<DataSample>();
  readonly #place = new Latest<ItemPlace>();
  readonly #answers = new Latest<ItemAnswers[]>();
  #dataset: string | null = null;
  #item: string | null = null;
  #filter: ItemQuery = {};
  /** Steps that were asked for and not made yet. */
  #ways: (1 | -1)[] = [];
  /** Where the last step leads. */
  #next: string | null = null;
  #go: (item: string) => void = () => {};

  constructor(connector: Connector) {
    this.#connector = connector;
    this.state = new Observable(this.#state());
    for (const part of this.#parts) part.subscribe(() => this.state.set(this.#state()));
    this.#place.subscribe(() => this.#walkOn());
  }

  /** Shows this question; `filter` decides what is before and after it. The last call wins. */
  show(dataset: string | null, item: string | null, filter: ItemQuery = {}): void {
    const filtered = JSON.stringify(filter) !== JSON.stringify(this.#filter);
    if (filtered) this.#filter = filter;
    const elsewhere = dataset !== this.#dataset;
    const other = elsewhere || item !== this.#item;
    if (item !== this.#item) {
      if (item !== this.#next) this.#ways = []; // somebody chose another one meanwhile
      this.#next = item;
    }
    this.#dataset = dataset;
    this.#item = item;
    if (dataset === null || item === null) {
      for (const part of this.#parts) part.clear();
      if (elsewhere) this.state.set(this.#state());
    } else if (other) {
      if (elsewhere) this.#sample.clear();
      this.#load(dataset, item);
    } else if (filtered) this.#locate(dataset, item);
  }

  reload(): void {
    if (this.#dataset !== null && this.#item !== null) this.#load(this.#dataset, this.#item);
  }

  /** Writes tags and note of the question that is shown, in place of those before. Rejects with the reason where they are refused. */
  async note(change: { tags: string[]; note: string }): Promise<void> {
    const [dataset, item] = [this.#dataset!, this.#item!];
    await this.#connector.data.note(dataset, { query: { ids: [item] }, ...change });
    if (this.#dataset === dataset && this.#item === item)
      await this.#sample.ask((signal) => this.#connector.data.sample(dataset, item, signal), { keep: true });
  }

  /** Asks again what runs answered: they go on answering. */
  async loadAnswers(): Promise<void> {
    await this.#answers.retry();
  }

  /** Id of the question before or after; null at the end of the filter. */
  neighbour(way: 1 | -1): string | null {
    const { place } = this.state.value;
    return (way === 1 ? place?.next : place?.previous) ?? null;
  }

  /** Gives `go` the question before or after as soon as it is known: keys come faster than answers, and none is lost. At the end of the filter nothing comes. */
  walk(way: 1 | -1, go: (item: string) => void): void {
    this.#go = go;
    this.#ways.push(way);
    this.#walkOn();
  }

  #walkOn(): void {
    if (this.#next !== this.#item || this.#place.value.status === 'loading') return; // it is called again when the place is known
    const way = this.#ways.shift();
    if (way === undefined) return;
    const item = this.neighbour(way);
    if (item === null) this.#ways = [];
    else this.#go((this.#next = item));
  }

  #load(dataset: string, item: string): void {
    const { data } = this.#connector;
    void this.#sample.ask((signal) => data.sample(dataset, item, signal), { keep: true });
    void this.#answers.ask((signal) => data.answers(dataset, item, {}, signal));
    this.#locate(dataset, item);
  }

  /** Without its neighbours the question is still there to be read: a failure is not shown. */
  #locate(dataset: string, item: string): void {
    const filter = this.#filter;
    void this.#place.ask((signal) => this.#connector.data.place(dataset, item, filter, signal));
  }

  get #parts(): [Latest<DataSample>, Latest<ItemPlace>, Latest<ItemAnswers[]>] {
    return [this.#sample, this.#place, this.#answers];
  }

  #state(): SampleState {
    const { value } = this.#sample;
    return {
      status: value.status,
      stale: value.status === 'ready' && value.stale === true,
      dataset: this.#dataset,
      item: this.#item,
      sample: this.#sample.answer,
      error: this.#sample.error,
      place: this.#place.answer,
      answers: this.#answers.value,
    };
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
