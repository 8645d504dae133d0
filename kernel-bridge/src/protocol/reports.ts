/**
 * A run that another machine trains and tells this server of: `medr1 train --report URL`. Its process sends the rows of the run's database as they
 * change, numbered, so that a connection that drops loses none and repeats none, and asks what people want of the run.
 */
import Type from 'typebox';

const Nullable = <S extends Type.TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

/** As SQLite holds it. b: bytes in base64; n: a number that JSON has not (NaN, Infinity, -Infinity). */
export const ReportValue = Type.Union([
  Type.String(),
  Type.Number(),
  Type.Null(),
  Type.Object({ b: Type.String() }, { additionalProperties: false }),
  Type.Object({ n: Type.String({ enum: ['Infinity', '-Infinity'] }) }, { additionalProperties: false }),
]);
export type ReportValue = Type.Static<typeof ReportValue>;

const Rows = Type.Array(Type.Array(ReportValue));

export const ReportRows = Type.Object(
  {
    source: Type.String({ maxLength: 64, description: 'of the numbers: those of another source do not go on from here' }),
    host: Type.String({ maxLength: 255, description: 'the machine that trains the run' }),
    directory: Type.String({ maxLength: 4096, description: 'of the run there' }),
    since: Type.Integer({ minimum: 0, description: 'number of the last change before these' }),
    to: Type.Integer({ minimum: 0, description: 'number of the last of these' }),
    anew: Type.Boolean({ description: 'they are the whole run: what is here is dropped' }),
    tables: Type.Array(
      Type.Object(
        {
          table: Type.String({ maxLength: 64 }),
          columns: Type.Array(Type.String({ maxLength: 64 }), { description: 'of rows' }),
          rows: Rows,
          gone: Type.Array(Type.Array(ReportValue), { description: 'keys of rows that are there no more' }),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);
export type ReportRows = Type.Static<typeof ReportRows>;

/** Where the copy stands now, whatever was sent. */
export const ReportTaken = Type.Object({
  source: Nullable(Type.String()),
  at: Type.Integer({ description: 'number of the last change that was taken' }),
});
export type ReportTaken = Type.Static<typeof ReportTaken>;

/** A request that somebody made here and that the process that trains the run carries out. */
export const ReportRequest = Type.Object({
  key: Type.String({ description: 'the same again when it is sent again' }),
  method: Type.String(),
  path: Type.String({ description: 'below /api, with its parameters' }),
  body: Nullable(Type.Unknown()),
});
export type ReportRequest = Type.Static<typeof ReportRequest>;

export const ReportAnswer = Type.Object(
  {
    key: Type.String(),
    status: Type.Integer(),
    headers: Type.Record(Type.String(), Type.String()),
    body: Type.String({ description: 'bytes in base64' }),
  },
  { additionalProperties: false },
);
export type ReportAnswer = Type.Static<typeof ReportAnswer>;

export const PollReports = Type.Object(
  {
    answers: Type.Array(ReportAnswer),
    wait_s: Type.Number({ minimum: 0, maximum: 60 }),
  },
  { additionalProperties: false },
);
export type PollReports = Type.Static<typeof PollReports>;
