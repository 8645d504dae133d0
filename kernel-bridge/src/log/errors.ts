/** What a machine refuses a command or a request, by its name: none of these says anything of what a file holds. */
import { existsSync } from 'node:fs';
import { reasonOf } from '../files/reason.ts';
import { WorkbenchError } from '../protocol/errors.ts';
import { isBusy, isDenied, isReadable, isDiskError, isDiskFull } from './disk-space.ts';

const make =
  (code: string, http: number) =>
  (message: string, remedy: string, cause: unknown): WorkbenchError =>
    new WorkbenchError({ code, http, exit: 1, message, remedy, cause });

/** Of what lies behind it, where that is known: SQLite says of most that it cannot open a file. */
const text = (cause: unknown): string => (cause instanceof Error && cause.cause ? text(cause.cause) : reasonOf(cause));

/** DISK_FULL: a disk refused what was about to be written. */
export const noRoom = (path: string, cause: unknown): WorkbenchError =>
  make('DISK_FULL', 507)(
    `The disk that holds ${path} is full.`,
    'Make room (old runs, the trash), then repeat this. What was done so far is kept.',
    cause,
  );

export const notWritable = (path: string, cause: unknown): WorkbenchError =>
  make('NOT_WRITABLE', 500)(
    `${path} cannot be made or written to: ${text(cause)}`,
    'Give yourself the right to write there, move away what stands there, or name another home with MEDR1_HOME.',
    cause,
  );

export const notReadable = (path: string, why: string, cause: unknown): WorkbenchError =>
  make('NOT_READABLE', 500)(
    `${path} cannot be read: ${why}`,
    'Give yourself the right to read it (its folders, too), or name another home with MEDR1_HOME.',
    cause,
  );

/** Calls of the file system that read alone; open does either. */
const READING = new Set(['scandir', 'opendir', 'stat', 'lstat', 'access', 'readlink', 'realpath']);

/** What the file system itself denies this user; null where it is something else. */
function deniedByFiles(error: unknown): WorkbenchError | null {
  const { code = '', path, syscall = '' } = error as NodeJS.ErrnoException;
  if (path === undefined || !['EACCES', 'EPERM', 'EROFS'].includes(code)) return null;
  const read = code !== 'EROFS' && (READING.has(syscall) || (syscall === 'open' && existsSync(path) && !isReadable(path)));
  return read ? notReadable(path, reasonOf(error), error) : notWritable(path, error);
}

const diskFailed = (path: string, cause: unknown): WorkbenchError =>
  make('DISK_FAILED', 500)(
    `The disk that holds ${path} could not be read or written: ${text(cause)}`,
    "Look at the system's log (dmesg) and at the disk, then repeat this. What was done so far is kept.",
    cause,
  );

const databaseBusy = (cause: unknown): WorkbenchError =>
  make('DATABASE_BUSY', 503)(
    `Another program holds the database: ${text(cause)}`,
    'Close the program that has a run.db open for writing (sqlite3, a backup), then try again.',
    cause,
  );

/** The error by its name where the machine refused to open, read or write `file`; null where the error is about something else. */
export function machineRefusal(file: string, error: unknown): WorkbenchError | null {
  if (error instanceof WorkbenchError) return error;
  if (isDiskFull(error)) return noRoom(file, error);
  if (isDiskError(error)) return diskFailed(file, error);
  if (isBusy(error)) return databaseBusy(error);
  return isDenied(error, file) ? notWritable(file, error) : deniedByFiles(error);
}
