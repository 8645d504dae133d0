/** The table of runs without its drawing: columns, order, search, and the pages that are in sight. */
import { MEAN_OF_LAST } from '@medr1/kernel-bridge/protocol/run-columns';
import type { Connector, ErrorBody, RunTable, RunTableRow } from '../connector.ts';
import { Latest } from '../load.ts';
import { Observable } from '../observable.ts';
import { DEFAULT_COLUMNS } from './columns.ts';

/** Rows that are asked for at a time. */
export const PAGE = 100;
/** While runs train, the rows in sight are read again at most this often. */
const REFRESH_MS = 1000;
const TYPING_MS = 250;
export const MOST_COLUMNS = 40;

/** What the user chose; kept with the workspace. */
export interface TableChoice {
  columns: string[];
  /** Column, with - in front from high to low; '' = newest first. */
  sort: string;
  search: string;
  /** Values that columns of means take in. */
  last: number;
  archived: boolean;
}

export interface TableState extends TableChoice {
  status: 'loading' | 'ready' | 'error';
  error: ErrorBody | null;
  /** What the server said of the search or of a column; the rows stay as they were. */
  refusal: ErrorBody | null;
  /** By place in the whole table. */
  rows: ReadonlyMap<number, RunTableRow>;
  total: number;
  /** Runs that pass and are archived. */
  hidden: number;
  metrics: string[];
  differing: string[];
}

export const CHOICE: TableChoice = { columns: DEFAULT_COLUMNS, sort: '', search: '', last: MEAN_OF_LAST, archived: false };

export class RunsTableModel {
  readonly state = new Observable<TableState>({
    ...CHOICE,
    status: 'loading',
    error: null,
    refusal: null,
    rows: new Map(),
    total: 0,
    hidden: 0,
    metrics: [],
    differing: [],
  });
  readonly #connector: Pick<Connector, 'runTable'>;
  /** Pages in sight. */
  #first = 0;
  #last = 0;
  readonly #pages = new Latest<[number, RunTable][]>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #read = 0;

  constructor(connector: Pick<Connector, 'runTable'>) {
    this.#connector = connector;
  }

  /** Rows `from` to `to` are in sight: those that are not here are read. */
  see(from: number, to: number): void {
    this.#first = Math.floor(from / PAGE);
    this.#last = Math.max(this.#first, Math.floor(to / PAGE));
    const { rows, total, status } = this.state.value;
    if (status !== 'ready') return;
    for (let page = this.#first; page <= this.#last; page++)
      if (page * PAGE < total && !rows.has(page * PAGE)) return void this.#load(false);
  }

  /** Reads what is in sight. */
  load(): Promise<void> {
    return this.#load(true);
  }

  /** Some run changed: what is in sight is read again, soon. */
  stale(): void {
    if (this.#timer !== undefined) return;
    const wait = Math.max(0, this.#read + REFRESH_MS - Date.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#load(true);
    }, wait);
  }

  set(change: Partial<TableChoice>): void {
    this.#change(change);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        void this.#load(true);
      },
      'search' in change ? TYPING_MS : 0,
    );
  }

  /** Up, down, and back to newest first. A metric begins with its highest value. */
  sortBy(column: string): void {
    const { sort } = this.state.value;
    const orders = /^(last|best|mean):|_at$|^step$/.test(column) ? [`-${column}`, column, ''] : [column, `-${column}`, ''];
    this.set({ sort: orders[(orders.indexOf(sort) + 1) % orders.length] });
  }

  toggleColumn(id: string): void {
    const { columns, sort } = this.state.value;
    const next = columns.includes(id) ? columns.filter((one) => one !== id) : [...columns, id].slice(0, MOST_COLUMNS);
    this.set({ columns: next, ...(sort.replace(/^-/, '') === id && !next.includes(id) ? { sort: '' } : {}) });
  }

  moveColumn(id: string, by: -1 | 1): void {
    const columns = [...this.state.value.columns];
    const at = columns.indexOf(id);
    const to = at + by;
    if (at < 0 || to < 0 || to >= columns.length) return;
    [columns[at], columns[to]] = [columns[to], columns[at]];
    this.set({ columns });
  }

  toJSON(): TableChoice {
    const { columns, sort, search, last, archived } = this.state.value;
    return { columns, sort, search, last, archived };
  }

  /** Takes what is well formed and ignores the rest. */
  restore(json: unknown): void {
    if (!json || typeof json !== 'object') return;
    const { columns, sort, search, last, archived } = json as Partial<Record<keyof TableChoice, unknown>>;
    this.#change({
      ...(Array.isArray(columns) && { columns: columns.filter((id) => typeof id === 'string').slice(0, MOST_COLUMNS) }),
      ...(typeof sort === 'string' && { sort }),
      ...(typeof search === 'string' && { search }),
      ...(Number.isInteger(last) && (last as number) > 0 && { last: last as number }),
      ...(typeof archived === 'boolean' && { archived }),
    });
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pages.stop();
  }

  /** `anew`: also rows that are here. Rows out of sight are forgotten then, for they may have changed too. */
  async #load(anew: boolean): Promise<void> {
    this.#read = Date.now();
    const pages = await this.#pages.ask((signal) => this.#readPages(anew, signal));
    if (pages?.status === 'ready') this.#take(pages.value, anew);
    else if (pages?.error.code === 'REQUEST_INVALID') this.#refused(pages.error);
    else if (pages) this.#change(pages);
  }

  #readPages(anew: boolean, signal: AbortSignal): Promise<[number, RunTable][]> {
    const { search: q, last, archived, columns, sort, rows } = this.state.value;
    const query = { q, last, archived, limit: PAGE, columns: ['name', ...columns], sort };
    const wanted: number[] = [];
    for (let page = this.#first; page <= this.#last; page++) if (anew || !rows.has(page * PAGE)) wanted.push(page * PAGE);
    return Promise.all(wanted.map(async (offset) => [offset, await this.#connector.runTable({ ...query, offset }, signal)]));
  }

  #take(pages: readonly [number, RunTable][], anew: boolean): void {
    if (pages.length === 0) return;
    const rows = new Map(anew ? [] : this.state.value.rows);
    for (const [offset, table] of pages) table.rows.forEach((row, at) => rows.set(offset + at, row));
    const { total, archived, metrics, differing } = pages[0][1];
    this.#change({ status: 'ready', error: null, refusal: null, rows, total, hidden: archived, metrics, differing });
  }

  /** A column that no run has any more (its runs were removed) goes by itself; all else is the user's to mend. */
  #refused(body: ErrorBody): void {
    const { columns, sort } = this.state.value;
    const gone = /no column "([^"]+)"/.exec(body.message)?.[1];
    if (gone !== undefined && body.message.includes('query columns') && columns.includes(gone)) {
      this.#change({ columns: columns.filter((id) => id !== gone) });
      return void this.#load(true);
    }
    if (gone !== undefined && body.message.includes('query sort') && sort.replace(/^-/, '') === gone) {
      this.#change({ sort: '' });
      return void this.#load(true);
    }
    // the table has one search: nobody needs to be told where the mistake is
    const message = body.message.replace(/^query q: (.)/, (_, first: string) => first.toUpperCase());
    this.#change({ status: 'ready', refusal: { ...body, message } });
  }

  #change(change: Partial<TableState>): void {
    this.state.update((state) => ({ ...state, ...change }));
  }
}
