/** Metrics in columns, and their reduction to about the points a chart can show. */
import type { DatabaseSync } from 'node:sqlite';
import { elements, lazily, type Json } from '../files/json-parts.ts';
import { prepared } from '../log/database.ts';
import type { MetricTable } from '../protocol/run.ts';
import { errors } from './errors.ts';

export interface MetricQuery {
  /** All when left out. */
  names?: string[];
  from?: number;
  to?: number;
  /** Points per metric; rows kept are the union over the metrics asked for, so ask by name for a long run. */
  max_points?: number;
}

export function metricNames(db: DatabaseSync): string[] {
  return db
    .prepare('SELECT name FROM metric_name ORDER BY id')
    .all()
    .map((row) => row.name as string);
}

/** Inside the transaction of the step. */
export function writeMetrics(db: DatabaseSync, step: number, metrics: Record<string, number | null>): void {
  const addName = prepared(db, 'INSERT INTO metric_name (name) VALUES (?) ON CONFLICT DO NOTHING');
  const addValue = prepared(
    db,
    'INSERT OR REPLACE INTO metric (name_id, step, value, special) VALUES ((SELECT id FROM metric_name WHERE name = ?), ?, ?, ?)',
  );
  for (const [name, value] of Object.entries(metrics)) {
    addName.run(name);
    const finite = value === null || Number.isFinite(value);
    addValue.run(name, step, finite ? value : null, finite ? null : String(value));
  }
}

type Columns = Pick<MetricTable, 'step' | 'time' | 'metrics' | 'non_finite'>;
type Column = (number | null)[];

const VALUES = `SELECT step, value, special FROM metric JOIN metric_name ON id = name_id
  WHERE name = ? AND step BETWEEN ? AND ? AND (value IS NOT NULL OR special IS NOT NULL) ORDER BY step`;

/** `run`, `epoch` and `seq` are the caller's, read in the same moment. Where rows are left out, one column at a time is in memory as a whole. */
export function readMetrics(db: DatabaseSync, query: MetricQuery): Columns {
  const { from = 0, to = Number.MAX_SAFE_INTEGER, max_points } = query;
  const [steps, times] = [[] as number[], [] as number[]];
  const rows = db.prepare('SELECT step, time FROM step WHERE step BETWEEN ? AND ? ORDER BY step');
  rows.setReturnArrays(true);
  for (const [step, time] of rows.iterate(from, to) as unknown as Iterable<[number, number]>) {
    steps.push(step);
    times.push(time);
  }
  const names = query.names ?? metricNames(db);
  const select = db.prepare(VALUES);
  select.setReturnArrays(true);
  const non_finite: NonNullable<MetricTable['non_finite']> = {};
  const column = (name: string): Column => {
    const values = new Array<number | null>(steps.length).fill(null);
    const special: [number, string][] = [];
    let at = 0;
    for (const [step, value, named] of select.iterate(name, from, to) as unknown as Iterable<[number, number, string | null]>) {
      while (steps[at] < step) at++;
      if (named === null) values[at] = value;
      else special.push([step, named]);
    }
    if (special.length > 0) non_finite[name] = special;
    return values;
  };
  const whole = !max_points || steps.length <= max_points;
  const kept = whole ? null : minMaxRows(names.values().map(column), steps.length, max_points);
  const chosen = <T>(values: T[]): T[] => (kept === null ? values : kept.map((at) => values[at]));
  return {
    step: chosen(steps),
    time: chosen(times),
    metrics: Object.fromEntries(names.map((name) => [name, chosen(column(name))])),
    ...(Object.keys(non_finite).length ? { non_finite } : {}),
  };
}

/** Steps of which the values of one metric are read at once. */
const STRETCH = 1024;

/** As `readMetrics` has it; lists are read as they are gone through, and what is not finite is known after the columns. */
export interface LongColumns {
  step: Iterable<Json<number>>;
  time: Iterable<Json<number>>;
  metrics: Record<string, Iterable<Json<number | null>>>;
  readonly non_finite: MetricTable['non_finite'];
}

/**
 * The same, every row, in stretches. `open` gives the run anew each time. Throws RUN_CONFLICT where the run was rolled back meanwhile: columns of two
 * histories are no table.
 */
export function longMetrics(open: () => LongRun, query: Omit<MetricQuery, 'max_points'>): LongColumns {
  const { epoch, step: last, db } = open();
  const to = Math.min(query.to ?? Infinity, last);
  const stretches = function* (sql: string, ...more: (string | number)[]): Generator<unknown[][]> {
    for (let after = (query.from ?? 0) - 1; ;) {
      const run = open();
      if (run.epoch !== epoch) throw errors.runHeld(run.row().id, 'be read on');
      const rows = prepared(run.db, sql, { arrays: true }).all(...more, after, to) as unknown as unknown[][];
      if (rows.length === 0) return;
      after = rows.at(-1)![0] as number;
      yield rows;
    }
  };
  const special: NonNullable<MetricTable['non_finite']> = {};
  const listed = (sql: string): Iterable<Json<number>> =>
    lazily(function* () {
      for (const rows of stretches(sql)) yield elements(rows.map((row) => row.at(-1) as number));
    });
  const column = (name: string): Iterable<Json<number | null>> =>
    lazily(function* () {
      delete special[name];
      for (const rows of stretches(LONG_COLUMN, name)) {
        for (const [step, , named] of rows) if (named !== null) (special[name] ??= []).push([step as number, named as string]);
        yield elements(rows.map(([, value]) => value as number | null));
      }
    });
  const names = query.names ?? metricNames(db);
  return {
    step: listed(`SELECT step FROM step ${IN_STRETCH}`),
    time: listed(`SELECT step, time FROM step ${IN_STRETCH}`),
    metrics: Object.fromEntries(names.map((name) => [name, column(name)])),
    get non_finite() {
      return Object.keys(special).length > 0 ? special : undefined;
    },
  };
}

interface LongRun {
  db: DatabaseSync;
  epoch: string;
  /** The last. */
  step: number;
  row(): { id: string };
}

type Stored = [step: number, name: string, value: number | null, special: string | null];

/** Steps of which all metrics are read at once. */
const ROWS = 64;

const IN_STRETCH = `WHERE step.step > ? AND step.step <= ? ORDER BY step.step LIMIT ${STRETCH}`;
const LONG_COLUMN = `SELECT step.step, value, special FROM step LEFT JOIN metric
  ON metric.step = step.step AND name_id = (SELECT id FROM metric_name WHERE name = ?) ${IN_STRETCH}`;

/** Rows with the step, its time and the values of these metrics: null where there is none, NaN and infinities as they were logged. */
export function* metricRows(db: DatabaseSync, names: readonly string[]): Generator<(number | null)[]> {
  const steps = db.prepare(`SELECT step, time FROM step WHERE step > ? ORDER BY step LIMIT ${ROWS}`);
  const values = db.prepare('SELECT step, name, value, special FROM metric JOIN metric_name ON id = name_id WHERE step BETWEEN ? AND ?');
  for (const one of [steps, values]) one.setReturnArrays(true);
  const place = new Map(names.map((name, at) => [name, at + 2]));
  for (let after = -1; ;) {
    const rows = steps.all(after) as unknown as [step: number, time: number][];
    if (rows.length === 0) return;
    after = rows.at(-1)![0];
    const table = new Map(rows.map(([step, time]): [number, (number | null)[]] => [step, [step, time, ...names.map(() => null)]]));
    for (const [step, name, value, special] of values.iterate(rows[0][0], after) as unknown as Iterable<Stored>) {
      const at = place.get(name);
      if (at !== undefined) table.get(step)![at] = special === null ? value : Number(special);
    }
    yield* table.values();
  }
}

/**
 * Rows to keep so that every column keeps its smallest and largest value in each of maxPoints / 2 equal stretches, and the first and
 * last row: no spike is lost, whatever its width.
 */
export function minMaxRows(columns: Iterable<Column>, length: number, maxPoints: number): number[] {
  if (length <= maxPoints) return Array.from({ length }, (_, i) => i);
  const buckets = Math.max(1, Math.floor(maxPoints / 2));
  const keep = new Set([0, length - 1]);
  for (const column of columns) {
    for (let bucket = 0; bucket < buckets; bucket++) {
      const start = Math.floor((bucket * length) / buckets);
      const end = Math.floor(((bucket + 1) * length) / buckets);
      let low = -1;
      let high = -1;
      for (let i = start; i < end; i++) {
        const value = column[i];
        if (value === null) continue;
        if (low < 0 || value < column[low]!) low = i;
        if (high < 0 || value > column[high]!) high = i;
      }
      if (low >= 0) keep.add(low).add(high);
    }
  }
  return [...keep].sort((a, b) => a - b);
}
