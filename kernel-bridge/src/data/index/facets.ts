/**
 * The columns that are filtered and counted, as arrays in memory: 89,000 questions take about 2 MB, and a filter with all its counts
 * is one pass of a few milliseconds, which no GROUP BY reaches.
 */
import type { DatabaseSync } from 'node:sqlite';
import { FACETS, type Facet } from '../../protocol/facets.ts';

/** Rows are items: row r is item n = r + 1. A row may have several values (splits), one, or none. */
export interface Column {
  values: string[];
  /** Values of row r: codes[starts[r]] .. codes[starts[r + 1] - 1]. */
  starts: Uint32Array; // [rows + 1]
  codes: Uint16Array;
}

export interface FacetFilter {
  facets: Partial<Record<string, readonly string[]>>;
  excluded: Partial<Record<string, readonly string[]>>;
}

export type FacetCounts = Record<string, Record<string, number>>;

/** The facet of which a question may have several values, in a table of their own. */
const SEVERAL = 'split';
/** What people note stands outside the index, and changes while it does not: whoever filters brings the column. */
export const NOTED = 'tag';
/** Value of a question for each other facet, in SQL: `t` is the question, `i` its image. */
const VALUE: Record<Exclude<Facet, typeof SEVERAL | typeof NOTED>, string> = {
  modality: 't.modality',
  question_type: 't.question_type',
  dataset: 't.dataset',
  options: "(SELECT count(*) FROM json_each(t.options) WHERE value <> '')",
  answer: "ifnull(t.answer, 'none')",
  problem: "coalesce(t.problem, i.problem, 'none')",
};

export class FacetTable {
  readonly rows: number;
  readonly #columns: [Facet, Column][];

  /** `drawn`: splits made since, by name with the ids of their questions; the index holds those that the files bring. */
  constructor(db: DatabaseSync, drawn: readonly [name: string, ids: readonly string[]][] = []) {
    const single = FACETS.filter((facet) => facet !== SEVERAL && facet !== NOTED).map((facet) => [facet, new Coder()] as const);
    const items = db.prepare(
      `SELECT ${single.map(([facet]) => `${VALUE[facet]} AS ${facet}`).join(', ')} FROM items t JOIN images i ON i.n = t.image ORDER BY t.n`,
    );
    let rows = 0;
    for (const row of items.iterate() as Iterable<Record<Facet, string | number>>) {
      for (const [facet, coder] of single) coder.add(row[facet]);
      rows++;
    }
    this.rows = rows;
    const one = Uint32Array.from({ length: rows + 1 }, (_, row) => row);
    this.#columns = [
      ...single.map(([facet, coder]): [Facet, Column] => [facet, { ...coder.done(), starts: one }]),
      [SEVERAL, splitColumn(db, rows, drawn)],
    ];
  }

  /** Splits of a question, in the order of names within those of the files, then those that were drawn. */
  splitsOf(row: number): string[] {
    const [, { values, starts, codes }] = this.#columns.at(-1)!;
    return Array.from(codes.subarray(starts[row], starts[row + 1]), (code) => values[code]);
  }

  /**
   * Which rows pass, and how many there are of each value. A facet's own choice does not narrow its own counts: they say what choosing
   * another value would give. `base` marks the rows that passed search and ids, 1 each; all pass when it is null. `further` columns are
   * filtered and counted like the table's own.
   */
  filter(
    filter: FacetFilter,
    base: Uint8Array | null,
    further: readonly [string, Column][] = [],
  ): { passed: Uint8Array; total: number; counts: FacetCounts } {
    const passed = new Uint8Array(this.rows);
    const columns: [string, Column][] = [...this.#columns, ...further];
    const tests = columns.flatMap(([facet, column], at) => {
      const [chosen, excluded] = [filter.facets[facet], filter.excluded[facet]];
      if (!chosen?.length && !excluded?.length) return [];
      const allowed = Uint8Array.from(column.values, (value) => +(!chosen?.length || chosen.includes(value)));
      const refused = Uint8Array.from(column.values, (value) => +(excluded?.includes(value) ?? false));
      return [{ at, column, allowed, refused, mustHave: Boolean(chosen?.length) }];
    });
    const counts = columns.map(([, { values }]) => new Uint32Array(values.length));
    let total = 0;
    for (let row = 0; row < this.rows; row++) {
      if (base && base[row] === 0) continue;
      let failures = 0;
      let failedAt = -1;
      for (const test of tests) {
        if (passes(test, row)) continue;
        failedAt = test.at;
        if (++failures > 1) break;
      }
      if (failures > 1) continue;
      if (failures === 0) {
        passed[row] = 1;
        total++;
      }
      for (let c = 0; c < counts.length; c++) {
        if (failures === 1 && c !== failedAt) continue;
        const { starts, codes } = columns[c][1];
        for (let k = starts[row]; k < starts[row + 1]; k++) counts[c][codes[k]]++;
      }
    }
    return { passed, total, counts: named(columns, counts) };
  }
}

function named(columns: readonly [string, Column][], counts: Uint32Array[]): FacetCounts {
  return Object.fromEntries(
    columns.map(([facet, { values }], c) => [facet, Object.fromEntries(values.map((value, v) => [value, counts[c][v]]))]),
  );
}

interface Test {
  column: Column;
  allowed: Uint8Array;
  refused: Uint8Array;
  /** Whether a row without any value fails. */
  mustHave: boolean;
}

function passes({ column, allowed, refused, mustHave }: Test, row: number): boolean {
  let any = !mustHave;
  for (let k = column.starts[row]; k < column.starts[row + 1]; k++) {
    if (refused[column.codes[k]] === 1) return false;
    if (allowed[column.codes[k]] === 1) any = true;
  }
  return any;
}

/** Numbers the values of a column as they come. */
class Coder {
  #codes = new Map<string | number, number>();
  #cells: number[] = [];

  add(value: string | number): void {
    let code = this.#codes.get(value);
    if (code === undefined) this.#codes.set(value, (code = this.#codes.size));
    this.#cells.push(code);
  }
  done(): { values: string[]; codes: Uint16Array } {
    return { values: [...this.#codes.keys()].map(String), codes: Uint16Array.from(this.#cells) };
  }
}

function splitColumn(db: DatabaseSync, rows: number, drawn: readonly [name: string, ids: readonly string[]][]): Column {
  const { add, done } = severalOf(rows);
  const members = db.prepare('SELECT item, split FROM members ORDER BY item, split');
  for (const { item, split } of members.iterate() as Iterable<{ item: number; split: string }>) add(item - 1, split);
  const rowsOf = db.prepare('SELECT n FROM items WHERE id IN (SELECT value FROM json_each(?)) ORDER BY n');
  for (const [split, ids] of drawn) for (const { n } of rowsOf.iterate(JSON.stringify(ids)) as Iterable<{ n: number }>) add(n - 1, split);
  return done();
}

/** A column of the tags of questions, by id. */
export function tagColumn(db: DatabaseSync, rows: number, notes: Iterable<{ item: string; tags: readonly string[] }>): Column {
  const { add, done } = severalOf(rows);
  const row = db.prepare('SELECT n FROM items WHERE id = ?');
  for (const { item, tags } of notes) {
    const found = row.get(item) as { n: number } | undefined; // a question that is gone keeps its note
    if (found) for (const tag of tags) add(found.n - 1, tag);
  }
  return done();
}

/** A column of which a row may have several values; they may come in any order. */
function severalOf(rows: number): { add(row: number, value: string): void; done(): Column } {
  const coder = new Coder();
  /** Of each cell as it came. */
  const rowOf: number[] = [];
  const starts = new Uint32Array(rows + 1);
  return {
    add(row, value) {
      coder.add(value);
      rowOf.push(row);
      starts[row + 1]++;
    },
    done() {
      for (let row = 0; row < rows; row++) starts[row + 1] += starts[row];
      const { values, codes: cells } = coder.done();
      const codes = new Uint16Array(cells.length);
      const next = starts.slice();
      cells.forEach((code, at) => (codes[next[rowOf[at]]++] = code));
      return { values, starts, codes };
    },
  };
}
