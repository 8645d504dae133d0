/** Columns of the table of runs. Without a schema, so that pages load no more than they need. */

/** Columns that every run has, in the order in which they are offered. */
export const RUN_FACTS = [
  'name',
  'id',
  'state',
  'step',
  'total_steps',
  'created_at',
  'started_at',
  'ended_at',
  'runtime_s',
  'rollouts_per_s',
  'eta_s',
  'trainer',
  'variant',
  'device',
  'parent',
  'tags',
  'notes',
  'pinned',
  'archived',
] as const;
export type RunFact = (typeof RUN_FACTS)[number];

/** Of a metric over the run's own steps: its last value, its best one (lowerIsBetter says which way), the mean of its last ones. */
export const RUN_STATISTICS = ['last', 'best', 'mean'] as const;
export type RunStatistic = (typeof RUN_STATISTICS)[number];

/** Values that `mean` takes in where nothing else is asked for. */
export const MEAN_OF_LAST = 20;
