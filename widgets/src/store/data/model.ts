/** What the Data view shows: a data set under a filter, what is picked of it, and filters kept under a name. */
import type { Connector, DataItem, DataPage, ErrorBody, ExportFormat, IndexJob } from '../../connector.ts';
import { Doing, Latest } from '../../load.ts';
import { Observable } from '../../observable.ts';
import type { SelectionModel } from '../../selection.ts';
import { Datasets } from './datasets.ts';
import { PAGE, Pages } from './pages.ts';
import { ALL, NO_PICKS, picked, pickOnly, pickToggle, type Picks } from './picks.ts';
import { askedRuns, filterOf, MOST_RUNS, pythonOf, type Filter } from './query.ts';

/** A rule, not a copy: it shows whatever passes it today. */
export interface SavedView {
  name: string;
  dataset: string;
  filter: Filter;
}

export interface DataState {
  dataset: string | null;
  filter: Filter;
  /** `loading`: nothing to show yet. With `stale`, what is shown belongs to the filter before. */
  status: 'idle' | 'loading' | 'ready' | 'error';
  stale: boolean;
  error: ErrorBody | null;
  /** Questions that pass. */
  total: number;
  facets: DataPage['facets'];
  pages: Pages | null;
  picks: Picks;
  /** Place of the item that the keyboard is at. */
  active: number | null;
  views: SavedView[];
  /** What went wrong with the picked questions. */
  refusal: ErrorBody | null;
  /** Something is being done with them: an export, a selection for a run. */
  working: boolean;
  /** How large thumbnails are. */
  thumbs: ThumbSize;
}

/** Heights in pixels that rows of thumbnails come near. */
export const THUMB_SIZES = { small: 96, medium: 150, large: 260 } as const;
export type ThumbSize = keyof typeof THUMB_SIZES;

/** More than this many picked one by one through pages that are not here would be a filter. */
const MOST_PICKED = 10_000;

export class DataModel {
  readonly state = new Observable<DataState>({
    dataset: null,
    filter: {},
    status: 'idle',
    stale: false,
    error: null,
    total: 0,
    facets: {},
    pages: null,
    picks: NO_PICKS,
    active: null,
    views: [],
    refusal: null,
    working: false,
    thumbs: 'medium',
  });
  readonly datasets: Datasets;
  readonly #connector: Connector;
  readonly #selection: SelectionModel;
  #lookers = 0;
  readonly #first = new Latest<DataPage>();
  readonly #doing = new Doing();
  /** The one that was added last. */
  #added: IndexJob | null = null;
  /** Where a range of picks began. */
  #from = 0;
  /** Runs of the filter that is shown: another choice of runs asks anew. */
  #runs = '';
  #stops: (() => void)[] = [];

  constructor(connector: Connector, selection: SelectionModel) {
    this.#connector = connector;
    this.#selection = selection;
    this.datasets = new Datasets(connector);
    this.#doing.subscribe(() => this.#change({ refusal: this.#doing.error, working: this.#doing.isBusy() }));
  }

  /** A view looks on: the data is read, and follows the shared selection. To be called again with `unwatch`. */
  watch(): void {
    if (this.#lookers++ > 0) return;
    this.#stops = [this.#selection.subscribe(() => this.#follow()), this.datasets.state.subscribe(() => this.#settle())];
    void this.datasets.load();
  }

  unwatch(): void {
    if (--this.#lookers > 0) return;
    for (const stop of this.#stops) stop();
  }

  dispose(): void {
    this.#first.stop();
    this.state.value.pages?.dispose();
    this.datasets.dispose();
    for (const stop of this.#stops) stop();
  }

  /** The one entrance of filters: what a facet, a chip, a saved view, a stored layout or a notebook asks to see. */
  apply(query: unknown, dataset: string | null = this.state.value.dataset): void {
    const moved = dataset !== this.state.value.dataset;
    this.#change({ dataset, filter: filterOf(query), picks: NO_PICKS, active: null, refusal: null, ...(moved && NOTHING_SHOWN) });
    if (dataset !== null && this.#selection.value.dataset !== dataset) this.#selection.move({ dataset });
    if (dataset !== null && this.datasets.state.value.status === 'ready' && !this.datasets.get(dataset)) void this.datasets.load(); // added elsewhere
    void this.reload();
  }

  /** Indexes a folder and goes to it once it can be looked at, unless another was added after it. False where it was refused. */
  async add(dir: string, name?: string, images?: string | null): Promise<boolean> {
    const job = await this.datasets.add(dir, name, images);
    if (!job) return false;
    this.#added = job;
    void this.datasets.appeared(job).then((there) => there && this.#added === job && this.open(job.name));
    return true;
  }

  /** Another data set, all of it. */
  open(dataset: string | null): void {
    if (dataset !== this.state.value.dataset) this.apply({}, dataset);
  }

  /** Gives the data set that is shown another name: filter and saved views stay with it. False where it was refused, and the state says why. */
  async rename(to: string): Promise<boolean> {
    const { dataset, filter } = this.state.value;
    if (!(await this.#attempt((name) => this.#connector.data.rename(name, { name: to })))) return false;
    const views = this.state.value.views.map((view) => (view.dataset === dataset ? { ...view, dataset: to } : view));
    this.#change({ views });
    this.apply(filter, to);
    return true;
  }

  /** Reads the first page anew. The old page stays on screen until the new one has come. The last call wins. */
  async reload(): Promise<void> {
    const { dataset } = this.state.value;
    this.#first.stop();
    if (this.#lookers === 0 || dataset === null) return;
    const query = this.query;
    this.#runs = String(query.runs);
    const fetch = (offset: number, limit: number, signal: AbortSignal): Promise<DataPage> =>
      this.#connector.data.page(dataset, { ...query, offset, limit }, signal);
    this.#change(this.state.value.pages ? { stale: true } : { status: 'loading', error: null });
    const came = await this.#first.ask((signal) => fetch(0, PAGE, signal));
    if (came?.status === 'error') return this.#change({ ...came, stale: false });
    if (!came) return;
    const { value: first } = came;
    const { pages: before, active: at } = this.state.value;
    before?.dispose();
    const pages = new Pages(first, first.images ?? first.total, fetch, () => void this.reload());
    const active = at !== null && before?.item(at)?.id === pages.item(at)?.id ? at : null;
    this.#change({ status: 'ready', stale: false, error: null, total: first.total, facets: first.facets, pages, active });
  }

  /** The filter as the backend gets it: with the runs whose answers are shown. */
  get query(): Filter {
    const { filter } = this.state.value;
    const runs = [...new Set([...askedRuns(filter), ...(filter.runs ?? this.#selection.value.runs)])].slice(0, MOST_RUNS);
    return filterOf({ ...filter, runs });
  }

  /** The filter, where it is on this data set: it decides what is before and after a question. */
  queryOn(dataset: string | null): Filter {
    return dataset !== null && this.state.value.dataset === dataset ? this.query : {};
  }

  /** What is picked; all that passes the filter when nothing is. */
  get chosen(): Filter {
    const { picks, filter } = this.state.value;
    if (!picks.all && picks.ids.size > 0) return { ids: [...picks.ids] };
    return filterOf({ ...filter, runs: askedRuns(filter), group: undefined });
  }

  get chosenCount(): number {
    const { picks, total } = this.state.value;
    return picks.all || picks.ids.size === 0 ? total : picks.ids.size;
  }

  /** Puts the keyboard at a place, and the shared selection on its item once it is here. */
  go(index: number): void {
    const { pages, dataset } = this.state.value;
    if (!pages || pages.count === 0) return;
    const active = Math.min(pages.count - 1, Math.max(0, index));
    this.#change({ active });
    const item = pages.item(active);
    if (item) this.#selection.move({ dataset, item: item.id });
  }

  /** A click or a key on an item. `toggle` adds it or takes it away, `extend` picks from the one before to here. */
  async pick(index: number, how: 'only' | 'toggle' | 'extend' = 'only'): Promise<void> {
    this.go(index);
    const { pages, picks, active } = this.state.value;
    const item = active === null ? undefined : pages?.item(active);
    if (how === 'extend') return this.#pickRange(this.#from, active ?? 0);
    this.#from = active ?? 0;
    if (!item) return;
    this.#change({ picks: how === 'toggle' ? pickToggle(picks, idsOf(item)) : pickOnly(idsOf(item)) });
  }

  /** Begins a range at the present place, before it is extended by keys. */
  anchor(): void {
    this.#from = this.state.value.active ?? 0;
  }

  pickAll(): void {
    this.#change({ picks: ALL });
  }

  pickNone(): void {
    this.#change({ picks: NO_PICKS });
  }

  isPicked(item: DataItem): boolean {
    const { picks } = this.state.value;
    return picks.all || (picks.ids.size > 0 && picked(picks, idsOf(item)));
  }

  saveView(name: string): void {
    const { dataset, filter, views } = this.state.value;
    if (dataset === null || name.trim() === '') return;
    const view = { name: name.trim(), dataset, filter };
    this.#change({ views: [...views.filter((one) => one.name !== view.name), view].sort((a, b) => a.name.localeCompare(b.name)) });
  }

  deleteView(name: string): void {
    this.#change({ views: this.state.value.views.filter((view) => view.name !== name) });
  }

  /** A line of Python that gives what is chosen. */
  get python(): string {
    return pythonOf(this.state.value.dataset ?? '', this.chosen);
  }

  /** A file with what is chosen; null when it was refused, and the state says why. */
  export(format: ExportFormat): Promise<Blob | null> {
    return this.#attempt((dataset) => this.#connector.data.export(dataset, { format, query: this.chosen }));
  }

  /** The keys of a run's configuration that make it train on what is chosen; null when that was refused. */
  runConfig(): Promise<Record<string, unknown> | null> {
    return this.#attempt(async (dataset) => {
      const all = { dataset_name: dataset, dataset_train_split: null, modality: null, question_type: null };
      const plain = configOf(this.chosen);
      if (plain) return { ...all, ...plain };
      const { name } = await this.#connector.data.makeSplit(dataset, { kind: 'selection', query: this.chosen });
      return { ...all, dataset_train_split: `${name}/train` };
    });
  }

  setThumbs(thumbs: ThumbSize): void {
    this.#change({ thumbs });
  }

  /** Tags what is chosen, or takes the tag away. False where it was refused, and the state says why. */
  async tag(change: { add_tags?: string[]; remove_tags?: string[] }): Promise<boolean> {
    const done = await this.#attempt((dataset) => this.#connector.data.note(dataset, { query: this.chosen, ...change }));
    if (done) await this.reload();
    return done !== null;
  }

  forgive(): void {
    this.#change({ refusal: null });
  }

  toJSON(): Pick<DataState, 'dataset' | 'filter' | 'views' | 'thumbs'> {
    const { dataset, filter, views, thumbs } = this.state.value;
    return { dataset, filter, views, thumbs };
  }

  /** Takes what is well formed in `json` (a restored layout) and ignores the rest. */
  restore(json: unknown): void {
    if (!json || typeof json !== 'object') return;
    const { dataset, filter, views, thumbs } = json as Record<string, unknown>;
    this.#change({ views: viewsOf(views), ...(isThumbSize(thumbs) && { thumbs }) });
    if (typeof dataset === 'string') this.apply(filter, dataset);
  }

  /** Another data set, or other runs, were selected elsewhere. */
  #follow(): void {
    const { dataset } = this.#selection.value;
    if (dataset !== null && dataset !== this.state.value.dataset && this.datasets.get(dataset)) return this.open(dataset);
    if (this.state.value.dataset !== null && String(this.query.runs) !== this.#runs) void this.reload();
  }

  /** Once the list is read: a data set that is gone is left, the first is opened when none was; one that was indexed anew is read anew. */
  #settle(): void {
    const { status, datasets } = this.datasets.state.value;
    if (status !== 'ready') return;
    const { dataset, pages, status: shown } = this.state.value;
    const known = this.datasets.get(dataset);
    if (!known) {
      const next = (this.datasets.get(this.#selection.value.dataset) ?? datasets[0])?.name ?? null;
      if (dataset === null && next !== null) return this.apply(this.state.value.filter, next); // a filter may have come first
      return this.open(next);
    }
    if (shown === 'idle' || (pages && pages.revision < known.revision)) void this.reload();
  }

  async #pickRange(from: number, to: number): Promise<void> {
    const [first, last] = from < to ? [from, to] : [to, from];
    const { pages } = this.state.value;
    if (!pages) return;
    if (last - first >= MOST_PICKED) return this.#change({ refusal: tooMany(last - first + 1) });
    const items = await this.#attempt(() => pages.range(first, last));
    if (items && this.state.value.pages === pages) this.#change({ picks: pickOnly(items.flatMap(idsOf)) });
  }

  async #attempt<T>(action: (dataset: string) => Promise<T>): Promise<T | null> {
    return (await this.#doing.do(() => action(this.state.value.dataset!)))?.value ?? null;
  }

  #change(change: Partial<DataState>): void {
    this.state.update((state) => ({ ...state, ...change }));
  }
}

const NOTHING_SHOWN = { status: 'idle', stale: false, error: null, total: 0, facets: {}, pages: null } as const;

const isThumbSize = (value: unknown): value is ThumbSize => typeof value === 'string' && Object.hasOwn(THUMB_SIZES, value);

/** The questions that a tile stands for. */
const idsOf = (item: DataItem): string[] => item.group ?? [item.id];

/** A filter as keys of TrainConfig, where they can say it: modalities, question types, one split. */
function configOf({ facets = {}, q, ids, image }: Filter): Record<string, unknown> | null {
  const { modality, question_type, split, ...others } = facets;
  if (q || ids || image || (split && split.length > 1) || Object.keys(others).length > 0) return null;
  return { ...(modality && { modality }), ...(question_type && { question_type }), ...(split && { dataset_train_split: split[0] }) };
}

function viewsOf(json: unknown): SavedView[] {
  if (!Array.isArray(json)) return [];
  return json.flatMap((one: Partial<SavedView> | null) =>
    typeof one?.name === 'string' && typeof one.dataset === 'string'
      ? [{ name: one.name, dataset: one.dataset, filter: filterOf(one.filter) }]
      : [],
  );
}

const tooMany = (count: number): ErrorBody => ({
  code: 'DATA_PICKS',
  message: `${count.toLocaleString('en-US')} questions are too many to pick one by one.`,
  remedy: 'Narrow the filter to them and pick all with Ctrl+A.',
});
