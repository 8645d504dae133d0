/** One number of a metric over a run. */
import type { DatabaseSync } from 'node:sqlite';
import type { RunStatistic } from '../protocol/run-columns.ts';

export interface StatisticQuery {
  of: RunStatistic;
  /** Values that `mean` takes in. */
  last: number;
  /** Steps up to this one are another run's: a fork is told by its own. */
  after: number;
  /** The best value is the lowest. */
  lower: boolean;
}

const VALUES =
  'SELECT value FROM metric JOIN metric_name ON id = name_id WHERE name = ? AND metric.step > ? AND value IS NOT NULL ORDER BY metric.step DESC';

/** Null where no step has a finite value. */
export function metricStatistic(db: DatabaseSync, name: string, { of, last, after, lower }: StatisticQuery): number | null {
  const sql = {
    last: `${VALUES} LIMIT 1`,
    best: `SELECT ${lower ? 'min' : 'max'}(value) AS value FROM (${VALUES})`,
    mean: `SELECT avg(value) AS value FROM (${VALUES} LIMIT ${last})`,
  }[of];
  return (db.prepare(sql).get(name, after)?.value as number | null | undefined) ?? null;
}
