/**
 * How runs answered, as further facets: run:<id> with right, wrong, mixed and unasked. This folder knows no run: whoever opens a data set
 * brings what the runs said.
 */
import type { DatabaseSync } from 'node:sqlite';
import { RUN_ANSWERS, type ItemQuery, type RunAnswer } from '../../protocol/data.ts';
import { WorkbenchError } from '../../protocol/errors.ts';
import type { Column } from './facets.ts';
import { FACETS } from '../../protocol/facets.ts';

/** A run's newest answers. */
export interface Outcomes {
  /** Other when the answers are. */
  stamp: string;
  byItem: ReadonlyMap<string, RunAnswer>;
}
/** Answers of a run to the questions of the data set in this folder; none where it was trained on another. Throws when there is no such run. */
export type OutcomesOf = (run: string, dataset: { name: string; root: string }) => Outcomes;

/** Runs whose answers may be looked at together. */
const MOST_RUNS = 4;
const PREFIX = 'run:';
const VALUES: readonly string[] = [...RUN_ANSWERS, 'unasked'];
const UNASKED = RUN_ANSWERS.length;

/** Runs that a query asks for, by name or by a choice among their answers. */
export function runsOf(query: ItemQuery): string[] {
  const chosen = Object.keys(query.facets ?? {}).flatMap((facet) => (isRunFacet(facet) ? [facet.slice(PREFIX.length)] : []));
  const runs = [...new Set([...(query.runs ?? []), ...chosen])];
  if (runs.length > MOST_RUNS) throw tooManyRuns(runs.length);
  return runs;
}

export const isRunFacet = (facet: string): boolean => facet.startsWith(PREFIX);
export const isFacet = (name: string): boolean => isRunFacet(name) || (FACETS as readonly string[]).includes(name);
export const runFacet = (run: string): string => PREFIX + run;

/** Columns of runs over the rows of one index. */
export class RunColumns {
  readonly #db: DatabaseSync;
  readonly #starts: Uint32Array;
  readonly #rowOf = new Map<string, number>();
  readonly #columns = new Map<string, { stamp: string; column: Column }>();

  constructor(db: DatabaseSync, rows: number) {
    this.#db = db;
    this.#starts = Uint32Array.from({ length: rows + 1 }, (_, row) => row);
  }

  column(run: string, { stamp, byItem }: Outcomes): Column {
    const known = this.#columns.get(run);
    if (known?.stamp === stamp) return known.column;
    this.#findRows(byItem);
    const codes = new Uint16Array(this.#starts.length - 1).fill(UNASKED);
    for (const [id, answer] of byItem) {
      const row = this.#rowOf.get(id);
      if (row !== undefined) codes[row] = VALUES.indexOf(answer);
    }
    const column = { values: [...VALUES], starts: this.#starts, codes };
    if (this.#columns.size >= 2 * MOST_RUNS) this.#columns.delete(this.#columns.keys().next().value!);
    this.#columns.set(run, { stamp, column });
    return column;
  }

  /** Only questions that were asked are looked up, once each. */
  #findRows(byItem: ReadonlyMap<string, RunAnswer>): void {
    const missing = [...byItem.keys()].filter((id) => !this.#rowOf.has(id));
    if (missing.length === 0) return;
    const rows = this.#db.prepare('SELECT id, n FROM items WHERE id IN (SELECT value FROM json_each(?))').all(JSON.stringify(missing));
    for (const { id, n } of rows as { id: string; n: number }[]) this.#rowOf.set(id, n - 1);
  }
}

function tooManyRuns(count: number): WorkbenchError {
  return new WorkbenchError({
    code: 'DATA_RUNS',
    message: `the answers of ${count} runs were asked for, at most ${MOST_RUNS} are shown together`,
    remedy: 'Choose fewer runs.',
  });
}
