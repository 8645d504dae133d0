/** An indexed data set as the browser view asks for it: pages under filters with counts, one sample with all that belongs to it. */
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as breathe } from 'node:timers/promises';
import {
  ITEM_COLUMNS,
  type ColumnsQuery,
  type DataItem,
  type DataPage,
  type DataSample,
  type ItemPlace,
  type ItemQuery,
} from '../../protocol/data.ts';
import { WorkbenchError } from '../../protocol/errors.ts';
import { HashTable } from '../image/near.ts';
import { FacetTable, NOTED, tagColumn, type Column } from './facets.ts';
import { QuestionNotes } from '../notes.ts';
import { isRunFacet, RunColumns, runFacet, runsOf, type OutcomesOf } from './run-facets.ts';
import { openForReading } from './list.ts';
import { getMeta } from './schema.ts';
import { FACETS, SORTS, type Sort } from '../../protocol/facets.ts';
import { parseSearch, type Search } from './search.ts';
import { partsOfSplit, soundSplitsOf, stampOfSplits } from '../splits/files.ts';

/** Sort orders and their columns; ties keep the order of the files. */
/** What each order sorts by, in SQL. */
const ORDER: Record<Sort, string> = {
  file: 't.n',
  id: 't.id COLLATE NOCASE, t.n',
  dataset: 't.dataset COLLATE NOCASE, t.n',
  modality: 't.modality, t.n',
  question_type: 't.question_type, t.n',
  question: 't.question COLLATE NOCASE, t.n',
  image: 't.image, t.n',
};
const PAGE_LIMIT = 500;
/** Questions that are read in one go; others are answered in between. */
const BLOCK = 5000;

const ITEM = `SELECT t.n, t.id, t.dataset, i.path AS image, t.question, t.options, t.answer, t.modality, t.question_type,
                     coalesce(t.problem, i.problem) AS problem, i.sha256, i.width, i.height, t.image AS image_n
              FROM items t JOIN images i ON i.n = t.image`;

interface ItemRow extends Omit<DataItem, 'options' | 'splits' | 'group'> {
  n: number;
  options: string;
  image_n: number;
}

export class Dataset {
  readonly name: string;
  readonly db: DatabaseSync;
  #revision = -1;
  #tables: {
    facets: FacetTable;
    orders: Map<string, Int32Array>;
    texts: Map<string, Uint8Array>;
    near: NearTable | null;
    runs: RunColumns;
    tags: { stamp: number; column: Column } | null;
  } | null = null;
  /** What people note of its questions. */
  readonly notes: QuestionNotes;
  readonly #outcomes: OutcomesOf;
  readonly #home: string | undefined;
  /** Of the drawn splits that the tables know. */
  #splits = '';

  /** `outcomes`: what runs answered, where the caller knows. */
  constructor(name: string, home?: string, outcomes: OutcomesOf = noRuns) {
    this.name = name;
    this.#home = home;
    this.#outcomes = outcomes;
    this.notes = new QuestionNotes(name, home);
    this.db = openForReading(name, home);
  }

  get root(): string {
    return getMeta<string>(this.db, 'root')!;
  }
  get revision(): number {
    return getMeta<number>(this.db, 'revision') ?? 0;
  }
  close(): void {
    this.notes[Symbol.dispose]();
    this.db.close();
  }

  /** Tables of the present revision; made anew when the index was, or a split was drawn. */
  #current() {
    const revision = this.revision;
    const splits = stampOfSplits(this.name, this.#home);
    if (!this.#tables || revision !== this.#revision || splits !== this.#splits) {
      const facets = new FacetTable(this.db, soundSplitsOf(this.name, this.#home).flatMap(partsOfSplit));
      this.#splits = splits;
      this.#tables = { facets, orders: new Map(), texts: new Map(), near: null, runs: new RunColumns(this.db, facets.rows), tags: null };
      this.#revision = revision;
    }
    return this.#tables;
  }

  /** One page of the items that pass a filter, with the counts of every facet. Cursor and offset are exclusive. */
  page(query: ItemQuery = {}): DataPage {
    return this.#atOnce(() => this.#page(query));
  }

  /** One revision from the first look to the last: another process may be writing the next one. */
  #atOnce<T>(read: () => T): T {
    this.db.exec('BEGIN');
    try {
      return read();
    } finally {
      this.db.exec('COMMIT');
    }
  }

  #page(query: ItemQuery): DataPage {
    const { facets } = this.#current();
    const { passed, total, counts } = this.#filter(query);
    const grouped = query.group === 'image';
    const order = this.#order(grouped ? 'image' : (query.sort ?? 'file'));
    const descending = query.descending === true;
    const limit = Math.min(query.limit ?? 100, PAGE_LIMIT);
    let at = this.#cursor(query.cursor);
    let skip = query.cursor ? 0 : (query.offset ?? 0);
    let last = -1; // image of the row before, when grouped
    const groups: number[][] = [];
    const imageOf = grouped ? this.#imageOf() : null;
    const images = imageOf ? imagesAmong(order, passed, imageOf) : null;
    for (; at < facets.rows; at++) {
      const row = order[descending ? facets.rows - 1 - at : at];
      if (passed[row] === 0) continue;
      if (imageOf && imageOf[row] === last) {
        groups.at(-1)?.push(row);
        continue;
      }
      if (skip === 0 && groups.length === limit) break;
      if (imageOf) last = imageOf[row];
      if (skip > 0) skip--;
      else groups.push([row]);
    }
    return {
      items: this.#items(groups, grouped, query.runs ?? []),
      total,
      ...(images !== null && { images }),
      facets: counts,
      revision: this.#revision,
      cursor: at < facets.rows ? `${this.#revision}.${at}` : null,
    };
  }

  /** Ids of all items that pass a filter, in the order of the files. */
  ids(query: ItemQuery): string[] {
    return this.#atOnce(() => {
      const { passed } = this.#filter(query);
      const all = this.db.prepare('SELECT id FROM items ORDER BY n').all() as { id: string }[];
      return all.filter((_, row) => passed[row] === 1).map(({ id }) => id);
    });
  }

  /**
   * Every question that passes a filter, in blocks of columns: lists of equal length by ITEM_COLUMNS and `run:<id>`. All are of one
   * revision, which a connection of its own holds until `close`. Throws DATA_CURSOR where the index was made anew this moment.
   */
  columns(query: ColumnsQuery): ColumnBlocks {
    const { rows, total } = this.#atOnce(() => this.#rowsOf(query));
    const { facets } = this.#current();
    const said = (query.runs ?? []).map((run) => [runFacet(run), this.#outcomes(run, this).byItem] as const);
    const db = openForReading(this.name, this.#home);
    db.exec('BEGIN');
    if ((getMeta<number>(db, 'revision') ?? 0) !== this.#revision) {
      db.close();
      throw changed(this.name);
    }
    return { total, blocks: blocksOf(db, rows, { facets, said, notes: this.notes.all }), close: () => db.isOpen && db.close() };
  }

  #rowsOf(query: ColumnsQuery): { rows: Int32Array; total: number } {
    const { passed, total } = this.#filter(query);
    const order = this.#order(query.sort ?? 'file');
    const rows = (query.descending ? order.toReversed() : order).filter((row) => passed[row] === 1);
    return { rows: rows.subarray(0, query.limit ?? rows.length), total };
  }

  item(id: string): DataItem {
    this.#current();
    return this.#item(this.#row(id));
  }

  sample(id: string): DataSample {
    return this.#atOnce(() => this.#sample(id));
  }

  #sample(id: string): DataSample {
    this.#current();
    const row = this.#row(id);
    const { raw, file, at } = this.db.prepare('SELECT raw, file, row AS at FROM items WHERE n = ?').get(row.n) as {
      raw: string;
      file: string;
      at: number;
    };
    const siblings = this.db
      .prepare(`${ITEM} WHERE t.image = ? AND t.n <> ? ORDER BY t.n LIMIT 200`)
      .all(row.image_n, row.n) as unknown as ItemRow[];
    return {
      item: this.#item(row),
      raw: JSON.parse(raw) as unknown,
      file,
      row: at,
      same_image: siblings.map((s) => this.#item(s)),
      near: this.#near(row.image_n),
    };
  }

  /** Where a question stands under a filter: what is before and after it, whether it passes or not. */
  place(id: string, query: ItemQuery = {}): ItemPlace {
    return this.#atOnce(() => this.#place(id, query));
  }

  #place(id: string, query: ItemQuery): ItemPlace {
    const { n } = this.#row(id);
    const { passed, total } = this.#filter(query);
    const order = this.#order(query.group === 'image' ? 'image' : (query.sort ?? 'file'));
    const at = order.indexOf(n - 1);
    const rows = query.descending === true ? order.toReversed() : order;
    const here = query.descending === true ? order.length - 1 - at : at;
    let before = 0;
    let previous = -1;
    for (let i = 0; i < here; i++) if (passed[rows[i]] === 1) [before, previous] = [before + 1, rows[i]];
    let next = here + 1;
    while (next < rows.length && passed[rows[next]] === 0) next++;
    const idOf = this.db.prepare('SELECT id FROM items WHERE n = ?');
    const name = (row: number | undefined) => (row === undefined || row < 0 ? null : (idOf.get(row + 1) as { id: string }).id);
    return { index: passed[n - 1] === 1 ? before : null, total, previous: name(previous), next: name(rows[next]) };
  }

  #row(id: string): ItemRow {
    const row = this.db.prepare(`${ITEM} WHERE t.id = ?`).get(id) as unknown as ItemRow | undefined;
    if (!row) throw noItem(this.name, id);
    return row;
  }

  /** Path of the image that a thumbnail's address names by content. */
  imageByHash(sha256: string): string | null {
    const found = this.db.prepare('SELECT path FROM images WHERE sha256 = ? AND problem IS NULL LIMIT 1').get(sha256) as
      { path: string } | undefined;
    return found?.path ?? null;
  }

  /** Every split with its size, in the order of names. */
  splits(): Record<string, number> {
    const rows = this.db.prepare('SELECT split, count(*) AS size FROM members GROUP BY split ORDER BY split').all() as {
      split: string;
      size: number;
    }[];
    return Object.fromEntries(rows.map(({ split, size }) => [split, size]));
  }

  #filter(query: ItemQuery) {
    const { facets, runs } = this.#current();
    const search = parseSearch(query.q ?? '');
    const chosen: Partial<Record<string, string[]>> = { ...search.facets };
    for (const [facet, values] of Object.entries(query.facets ?? {})) {
      if (!isRunFacet(facet) && !FACETS.some((known) => known === facet)) throw noFacet(facet);
      if (values && values.length > 0) chosen[facet] = values;
    }
    const columns = runsOf(query).map((run) => [runFacet(run), runs.column(run, this.#outcomes(run, this))] as [string, Column]);
    const further: [string, Column][] = [[NOTED, this.#tags()], ...columns];
    return facets.filter({ facets: chosen, excluded: search.excluded }, this.#base(search, query), further);
  }

  #tags(): Column {
    const tables = this.#current();
    const { stamp, all } = this.notes;
    if (tables.tags?.stamp !== stamp) tables.tags = { stamp, column: tagColumn(this.db, tables.facets.rows, all.values()) };
    return tables.tags.column;
  }

  /** Rows that pass everything but the facets; null when nothing else is asked. */
  #base(search: Search, query: ItemQuery): Uint8Array | null {
    const masks: Uint8Array[] = [];
    if (search.text) masks.push(this.#text(search.text));
    if (search.without) masks.push(this.#text(search.without).map((bit) => 1 - bit));
    if (search.id) masks.push(this.#rows('SELECT n FROM items WHERE id = ?', [search.id]));
    const image = query.image ?? search.image;
    if (image) masks.push(this.#rows('SELECT n FROM items WHERE image = (SELECT n FROM images WHERE path = ?1 OR sha256 = ?1)', [image]));
    if (query.ids) masks.push(this.#rows('SELECT n FROM items WHERE id IN (SELECT value FROM json_each(?))', [JSON.stringify(query.ids)]));
    return masks.length === 0 ? null : masks.reduce((a, b) => a.map((bit, row) => bit & b[row]));
  }

  /** Rows whose words match, kept for the next pages of the same search. */
  #text(expression: string): Uint8Array {
    const { texts } = this.#current();
    let rows = texts.get(expression);
    if (!rows) {
      rows = this.#rows('SELECT rowid AS n FROM items_fts WHERE items_fts MATCH ?', [expression]);
      if (texts.size >= 16) texts.delete(texts.keys().next().value!);
      texts.set(expression, rows);
    }
    return rows;
  }

  #rows(sql: string, parameters: string[]): Uint8Array {
    const mask = new Uint8Array(this.#current().facets.rows);
    const statement = this.db.prepare(`SELECT group_concat(n, ' ') AS list FROM (${sql})`); // one string, not a row object for each of 89,000
    const { list } = statement.get(...parameters) as { list: string | number | null };
    if (list !== null) for (const n of String(list).split(' ')) mask[Number(n) - 1] = 1;
    return mask;
  }

  #order(sort: string): Int32Array {
    if (!Object.hasOwn(ORDER, sort)) throw badSort(sort);
    const columns = ORDER[sort as Sort];
    const { orders } = this.#current();
    let order = orders.get(sort);
    if (!order) {
      const rows = this.db.prepare(`SELECT t.n FROM items t ORDER BY ${columns}`).iterate() as Iterable<{ n: number }>;
      orders.set(sort, (order = Int32Array.from(rows, ({ n }) => n - 1)));
    }
    return order;
  }

  #imageOf(): Int32Array {
    const { orders } = this.#current();
    let images = orders.get('image-of-row');
    if (!images) {
      const rows = this.db.prepare('SELECT image FROM items ORDER BY n').iterate() as Iterable<{ image: number }>;
      orders.set('image-of-row', (images = Int32Array.from(rows, ({ image }) => image)));
    }
    return images;
  }

  #cursor(cursor: string | undefined): number {
    if (!cursor) return 0;
    const [revision, at] = cursor.split('.').map(Number);
    if (revision === this.#revision && Number.isInteger(at)) return at;
    throw changed(this.name);
  }

  #items(groups: number[][], grouped: boolean, runs: readonly string[]): DataItem[] {
    const wanted = JSON.stringify(groups.map(([row]) => row + 1));
    const rows = this.db.prepare(`${ITEM} WHERE t.n IN (SELECT value FROM json_each(?))`).all(wanted) as unknown as ItemRow[];
    const byN = new Map(rows.map((row) => [row.n, row]));
    const idOf = this.db.prepare('SELECT id FROM items WHERE n = ?');
    const id = (row: number) => (idOf.get(row + 1) as { id: string }).id;
    const said = runs.map((run) => [run, this.#outcomes(run, this).byItem] as const);
    const answers = (item: string) => Object.fromEntries(said.flatMap(([run, of]) => (of.has(item) ? [[run, of.get(item)!]] : [])));
    return groups.map((group) => {
      const item = this.#item(byN.get(group[0] + 1)!);
      return { ...item, ...(grouped && { group: group.map(id) }), ...(said.length > 0 && { answers: answers(item.id) }) };
    });
  }

  #item({ n, image_n: _, options, ...rest }: ItemRow): DataItem {
    const noted = this.notes.all.get(rest.id);
    const splits = (this.#tables ?? this.#current()).facets.splitsOf(n - 1);
    return { ...rest, options: JSON.parse(options) as string[], splits, ...(noted && { tags: noted.tags, note: noted.note }) };
  }

  #near(image: number): DataSample['near'] {
    const tables = this.#current();
    tables.near ??= new NearTable(this.db);
    type Near = DataSample['near'][number];
    const picture = this.db.prepare('SELECT path, sha256, width, height FROM images WHERE n = ?');
    const questions = this.db.prepare('SELECT id FROM items WHERE image = ? ORDER BY n LIMIT 200');
    const splits = this.db.prepare('SELECT DISTINCT split FROM members WHERE item IN (SELECT n FROM items WHERE image = ?) ORDER BY split');
    return tables.near.near(image).map(({ n, distance }) => ({
      ...(picture.get(n) as Pick<Near, 'path' | 'sha256' | 'width' | 'height'>),
      distance,
      items: (questions.all(n) as { id: string }[]).map(({ id }) => id),
      splits: (splits.all(n) as { split: string }[]).map(({ split }) => split),
    }));
  }
}

/** To be closed by who asked for it, read to the end or not. */
export interface ColumnBlocks {
  /** Questions that pass. */
  total: number;
  blocks: AsyncGenerator<Record<string, unknown[]>>;
  close(): void;
}

async function* blocksOf(
  db: DatabaseSync,
  rows: Int32Array,
  beside: {
    facets: FacetTable;
    said: readonly (readonly [column: string, byItem: ReadonlyMap<string, string>])[];
    notes: QuestionNotes['all'];
  },
): AsyncGenerator<Record<string, unknown[]>> {
  const read = db.prepare(`${ITEM} WHERE t.n IN (SELECT value FROM json_each(?))`);
  for (let from = 0; from < rows.length; from += BLOCK) {
    const block = rows.subarray(from, from + BLOCK);
    const found = read.all(JSON.stringify(Array.from(block, (row) => row + 1))) as unknown as ItemRow[];
    const byN = new Map(found.map((row) => [row.n, row]));
    const items = Array.from(block, (row) => byN.get(row + 1)!);
    const columns: Record<string, unknown[]> = Object.fromEntries(
      ITEM_COLUMNS.map((name) => [name, items.map((item) => item[name as keyof ItemRow])]),
    );
    columns.options = items.map(({ options }) => JSON.parse(options) as string[]);
    columns.splits = items.map(({ n }) => beside.facets.splitsOf(n - 1));
    columns.tags = items.map(({ id }) => beside.notes.get(id)?.tags ?? []);
    columns.note = items.map(({ id }) => beside.notes.get(id)?.note || null);
    for (const [name, byItem] of beside.said) columns[name] = items.map(({ id }) => byItem.get(id) ?? null);
    yield columns;
    await breathe();
  }
}

function changed(name: string): WorkbenchError {
  return new WorkbenchError({
    code: 'DATA_CURSOR',
    http: 409,
    message: `the index of ${name} changed since this page was asked for`,
    remedy: 'Start again at the first page, or ask by offset.',
  });
}

/** Images with a row that passes; `order` has the rows of an image side by side. */
function imagesAmong(order: Int32Array, passed: Uint8Array, imageOf: Int32Array): number {
  let count = 0;
  let last = -1;
  for (const row of order) {
    if (passed[row] === 0 || imageOf[row] === last) continue;
    last = imageOf[row];
    count++;
  }
  return count;
}

class NearTable {
  readonly #n: number[];
  readonly #hashes: HashTable;

  constructor(db: DatabaseSync) {
    const rows = db.prepare('SELECT n, dhash FROM images WHERE dhash IS NOT NULL').all() as { n: number; dhash: Uint8Array }[];
    this.#n = rows.map(({ n }) => n);
    this.#hashes = new HashTable(rows.map(({ dhash }) => dhash));
  }

  near(image: number): { n: number; distance: number }[] {
    const row = this.#n.indexOf(image);
    if (row < 0) return [];
    return this.#hashes
      .near(row)
      .slice(0, 50)
      .map((found) => ({ n: this.#n[found.row], distance: found.distance }));
  }
}

export function noItem(name: string, id: string): WorkbenchError {
  return new WorkbenchError({
    code: 'DATA_ITEM_UNKNOWN',
    http: 404,
    message: `${name} has no question ${id}`,
    remedy: 'The data set may have been indexed again; go back to the list.',
  });
}

function noRuns(run: string): never {
  throw new WorkbenchError({
    code: 'RUN_UNKNOWN',
    http: 404,
    message: `the answers of run ${run} are not known here`,
    remedy: 'Ask the server for pages with the answers of runs.',
  });
}

function noFacet(facet: string): WorkbenchError {
  return new WorkbenchError({
    code: 'DATA_FACET',
    message: `there is no facet ${JSON.stringify(facet)}`,
    remedy: `Use ${FACETS.join(', ')} or run:<id>.`,
  });
}

function badSort(sort: string): WorkbenchError {
  return new WorkbenchError({
    code: 'DATA_SORT',
    message: `there is no order ${JSON.stringify(sort)}`,
    remedy: `Use ${Object.keys(SORTS).join(', ')}.`,
  });
}
