/** Runs as a table: its columns, a query, and a page of rows. */
import Type from 'typebox';

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
