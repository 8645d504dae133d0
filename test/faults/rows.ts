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
  D1: {
    promise: 'kill -9 loses no step that was told of, and leaves a run that goes on to the same end',
    how: 'a process that trains is killed before or after one of its calls that write',
    minute: 5,
    whole: 300,
    control: 'steps are told before they are committed',
  },
  D3: {
    promise: 'a power cut loses no run and no step that was told of, and leaves a run that goes on to the same end',
    how: 'the power of a file system (ext4 in a file) goes while a run is made and trained on it',
    minute: 4,
    whole: 120,
    control: 'fsync does nothing and says that it did',
  },
  D4: {
    promise: 'a disk that refuses a write loses no step that was told of; the error is named, and the run goes on to the same end',
    how: 'one call that writes fails with EIO or ENOSPC, or all from one on with EIO',
    minute: 6,
    whole: 300,
    control: 'a write is dropped, and the disk says that it was made',
  },
  D5: {
    promise: 'a checkpoint that is damaged is passed over for the one before it',
    how: 'a bit of one of its files flips, or the file is cut off, or it is gone',
    minute: 25,
    whole: 2000,
    control: 'the manifest holds the digests of the damaged files',
  },
  C1: {
    promise: 'whatever clients do at the same time, no request breaks the server, and nothing that was answered is lost',
    how: 'four clients roll back, delete, put back, fork, start, pause, stop, rename, tag and note runs, with request ids used again; some order of it explains every answer and what is found',
    minute: 15,
    whole: 1000,
    control: 'what is noted of runs is answered and not written',
  },
} satisfies Record<string, Row>;

export type RowId = keyof typeof ROWS;
