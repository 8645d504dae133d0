/**
 * The fault matrix: what is promised, how it is tried to break, how often. A row has one test (`fault(id, ...)` in a file of this folder), whose
 * counts stand in test/output/faults afterwards.
 */
export interface Row {
  /** What holds whatever happens. */
  promise: string;
  /** What one try does. */
  how: string;
  /** Tries in plain `npm test`, and with --whole. `every`: as many as there are places to try. */
  minute: number;
  whole: number | 'every';
  /** What is switched off for the control, whose tries must break the promise: without it a row that holds would mean nothing. */
  control: string;
}

export const ROWS = {
  D5: {
    promise: 'a checkpoint that is damaged is passed over for the one before it',
    how: 'a bit of one of its files flips, or the file is cut off, or it is gone',
    minute: 25,
    whole: 2000,
    control: 'the manifest holds the digests of the damaged files',
  },
} satisfies Record<string, Row>;

export type RowId = keyof typeof ROWS;
