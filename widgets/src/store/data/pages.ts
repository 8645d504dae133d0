/**
 * The items of one filter by their place, fetched in pages around what is looked at. Pages that were scrolled past before they came
 * are given up, and only some are kept: a tour of 89,000 questions takes no more memory than a look at a few thousand.
 */
import type { DataItem, DataPage, ErrorBody } from '../../connector.ts';
import { Latest } from '../../load.ts';
import { Observable } from '../../observable.ts';

export const PAGE = 100;
const KEPT = 80;
const AT_ONCE = 2;
/** Between two starts of requests: while the scroll bar is dragged, what is passed in between is never asked for. */
const PACE_MS = 60;
const RETRY_MS = 3000;

export type FetchPage = (offset: number, limit: number, signal: AbortSignal) => Promise<DataPage>;

export class Pages {
  /** Rows of all pages: questions, or images when grouped. */
  readonly count: number;
  readonly revision: number;
  /** Replaced when a page came or failed. */
  readonly changed = new Observable(0);
  /** Why the last page could not be read; null once one could. */
  error: ErrorBody | null = null;
  readonly #fetch: FetchPage;
  /** The data set's index changed since the first page. */
  readonly #onStale: () => void;
  readonly #pages = new Map<number, DataItem[]>(); // least recently wanted first
  readonly #asked = new Map<number, Latest<DataPage>>();
  #wanted: [number, number] = [0, 0];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #disposed = false;

  constructor(first: DataPage, count: number, fetch: FetchPage, onStale: () => void) {
    this.count = count;
    this.revision = first.revision;
    this.#fetch = fetch;
    this.#onStale = onStale;
    this.#pages.set(0, first.items);
  }

  get pageCount(): number {
    return Math.ceil(this.count / PAGE);
  }

  page(index: number): DataItem[] | undefined {
    return this.#pages.get(index);
  }

  item(index: number): DataItem | undefined {
    return this.#pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  /** What is looked at: these pages first, then one on each side. */
  want(first: number, last: number): void {
    this.#wanted = [first, last];
    for (let page = first; page <= last; page++) {
      const items = this.#pages.get(page);
      if (!items) continue;
      this.#pages.delete(page);
      this.#pages.set(page, items);
    }
    for (const [page, asked] of this.#asked) {
      if (page >= first - 2 && page <= last + 2) continue;
      asked.stop();
      this.#asked.delete(page);
    }
    this.#next();
  }

  /** Items from one place to another, both included, fetched where they are not here. */
  async range(from: number, to: number): Promise<DataItem[]> {
    const items: DataItem[] = [];
    for (let at = from; at <= to;) {
      const known = this.item(at);
      if (known) {
        items.push(known);
        at++;
        continue;
      }
      const page = await this.#fetch(at, Math.min(500, to - at + 1), new AbortController().signal);
      if (page.revision !== this.revision) this.#onStale();
      if (page.revision !== this.revision || page.items.length === 0) break;
      items.push(...page.items);
      at += page.items.length;
    }
    return items;
  }

  retry(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#next();
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
    for (const asked of this.#asked.values()) asked.stop();
  }

  #next(): void {
    if (this.#disposed || this.#timer !== undefined || this.#asked.size >= AT_ONCE) return;
    const page = this.#missing();
    if (page === undefined) return;
    void this.#ask(page);
    this.#pause(PACE_MS);
  }

  #pause(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#next();
    }, ms);
  }

  #missing(): number | undefined {
    const [first, last] = this.#wanted;
    const inside = Array.from({ length: last - first + 1 }, (_, at) => first + at);
    return [...inside, last + 1, first - 1].find(
      (page) => page >= 0 && page < this.pageCount && !this.#pages.has(page) && !this.#asked.has(page),
    );
  }

  async #ask(page: number): Promise<void> {
    const asked = new Latest<DataPage>();
    this.#asked.set(page, asked);
    const settled = await asked.ask((signal) => this.#fetch(page * PAGE, PAGE, signal));
    if (settled === null) return; // given up
    this.#asked.delete(page);
    if (settled.status === 'error') this.#pause(RETRY_MS);
    else if (settled.value.revision !== this.revision) return this.#onStale();
    else this.#keep(page, settled.value.items);
    this.error = asked.error;
    this.#tell();
    this.#next();
  }

  #keep(page: number, items: DataItem[]): void {
    this.#pages.set(page, items);
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= KEPT) break;
      this.#pages.delete(oldest);
    }
  }

  #tell(): void {
    this.changed.update((count) => count + 1);
  }
}
