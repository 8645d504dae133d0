/** Runs as a table: which columns there are, what is asked for, and a page of what is shown. */
import Type from 'typebox';

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

export const RunTableQuery = Type.Object({
  q: Type.Optional(Type.String({ maxLength: 2000 })),
  columns: Type.Optional(Type.Array(Type.String())),
  sort: Type.Optional(Type.String({ description: 'a column; with - in front from high to low' })),
  last: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
  archived: Type.Optional(Type.Boolean({ description: 'with those that are archived' })),
  limit: Type.Optional(Type.Integer({ minimum: 0 })),
  offset: Type.Optional(Type.Integer({ minimum: 0 })),
});
export type RunTableQuery = Type.Static<typeof RunTableQuery>;

export const RunTableRow = Type.Object({
  id: Type.String(),
  /** By column. Times are milliseconds since 1970; null = the run has none. */
  values: Type.Record(Type.String(), Type.Unknown()),
});
export type RunTableRow = Type.Static<typeof RunTableRow>;

export const RunTable = Type.Object({
  rows: Type.Array(RunTableRow),
  total: Type.Integer({ description: 'runs that pass' }),
  archived: Type.Integer({ description: 'of those that pass, left out because they are archived' }),
  /** Metrics that any of the runs logged. */
  metrics: Type.Array(Type.String()),
  /** Keys of the configuration in which the runs that pass differ. */
  differing: Type.Array(Type.String()),
});
export type RunTable = Type.Static<typeof RunTable>;
