/** Metrics in columns, and their reduction to about the points a chart can show. */
import type { DatabaseSync } from 'node:sqlite';
import { prepared } from '../log/database.ts';
import type { MetricTable } from '../protocol/run.ts';

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

/** `run`, `epoch` and `seq` are the caller's, read in the same moment. */
export function readMetrics(db: DatabaseSync, query: MetricQuery): Pick<MetricTable, 'step' | 'time' | 'metrics' | 'non_finite'> {
  const { from = 0, to = Number.MAX_SAFE_INTEGER } = query;
  const steps = db.prepare('SELECT step, time FROM step WHERE step BETWEEN ? AND ? ORDER BY step').all(from, to);
  const position = new Map(steps.map((row, i) => [row.step as number, i]));
  const known = metricNames(db);
  const names = query.names ?? known;
  const non_finite: NonNullable<MetricTable['non_finite']> = {};
  const columns: Record<string, (number | null)[]> = {};
  const select = db.prepare(
    `SELECT step, value, special FROM metric JOIN metric_name ON id = name_id
     WHERE name = ? AND step BETWEEN ? AND ? AND (value IS NOT NULL OR special IS NOT NULL)`,
  );
  for (const name of names) {
    const column = new Array<number | null>(steps.length).fill(null);
    for (const row of select.iterate(name, from, to)) {
      const at = position.get(row.step as number)!;
      if (row.special === null) column[at] = row.value as number;
      else (non_finite[name] ??= []).push([row.step as number, row.special as string]);
    }
    columns[name] = column;
  }
  const kept = query.max_points ? minMaxRows(Object.values(columns), steps.length, query.max_points) : steps.map((_, i) => i);
  return {
    step: kept.map((i) => steps[i].step as number),
    time: kept.map((i) => steps[i].time as number),
    metrics: Object.fromEntries(names.map((name) => [name, kept.map((i) => columns[name][i])])),
    ...(Object.keys(non_finite).length ? { non_finite } : {}),
  };
}

/**
 * Rows to keep so that every column keeps its smallest and largest value in each of maxPoints / 2 equal stretches, and the first and
 * last row: no spike is lost, whatever its width.
 */
export function minMaxRows(columns: (number | null)[][], length: number, maxPoints: number): number[] {
  if (length <= maxPoints) return Array.from({ length }, (_, i) => i);
  const buckets = Math.max(1, Math.floor(maxPoints / 2));
  const keep = new Set([0, length - 1]);
  for (let bucket = 0; bucket < buckets; bucket++) {
    const start = Math.floor((bucket * length) / buckets);
    const end = Math.floor(((bucket + 1) * length) / buckets);
    for (const column of columns) {
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
