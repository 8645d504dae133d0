/** What a file system or SQLite refuses, told apart by what helps. */
import { accessSync, constants, statfsSync } from 'node:fs';
import { dirname } from 'node:path';

/** Enough for many steps, and for the journal to be folded in. */
const ROOM_BYTES = 256 << 20;
/** Of a disk that is small: so much of it. */
const ROOM_SHARE = 0.05;

/** Result codes of SQLite (https://www.sqlite.org/rescode.html) that say that the machine refused, and nothing of what the file holds. */
const SQLITE = { PERM: 3, BUSY: 5, LOCKED: 6, READONLY: 8, IOERR: 10, FULL: 13, CANTOPEN: 14, PROTOCOL: 15 };

/** The primary result code of an error of SQLite; its kinds have it as their low byte. */
const resultCode = (error: Error): number => ((error as { errcode?: number }).errcode ?? 0) % 256;

/** ENOSPC and EDQUOT of the file system, SQLITE_FULL of the database, our own name for either; on the error itself or what caused it. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, message, cause } = error as NodeJS.ErrnoException;
  const named = code === 'ENOSPC' || code === 'EDQUOT' || code === 'DISK_FULL' || resultCode(error) === SQLITE.FULL;
  return named || /database or disk is full|No space left on device/i.test(message) || isDiskFull(cause);
}

/** EIO of the file system, SQLITE_IOERR of the database, on the error itself or what caused it: the disk fails, or what it hangs on. */
export function isDiskError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, message, cause } = error as NodeJS.ErrnoException;
  return code === 'EIO' || resultCode(error) === SQLITE.IOERR || /disk I\/O error|^EIO:/i.test(message) || isDiskError(cause);
}

/** SQLITE_BUSY and its like: another program holds the database for longer than was waited. */
export function isBusy(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return [SQLITE.BUSY, SQLITE.LOCKED, SQLITE.PROTOCOL].includes(resultCode(error)) || /database is locked/i.test(error.message);
}

/** SQLITE_CANTOPEN: a database, its journal or its index can be neither opened nor made. */
export const cannotOpen = (error: unknown): boolean => error instanceof Error && resultCode(error) === SQLITE.CANTOPEN;

/** SQLite may not open `file`, or not write to it. A file whose header says that it is only to be read is another matter: that bit was not written so. */
export function isDenied(error: unknown, file: string): boolean {
  if (!(error instanceof Error)) return false;
  const code = resultCode(error);
  return cannotOpen(error) || code === SQLITE.PERM || (code === SQLITE.READONLY && !isWritable(file));
}

function isWritable(file: string): boolean {
  try {
    for (const path of [file, dirname(file)]) accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

export function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** Bytes of a disk that are free, and those of them that are kept so that a training can still write its logs and checkpoints. */
export function roomOf(directory: string): { free: number; reserve: number } {
  const { bavail, blocks, bsize } = statfsSync(directory);
  return { free: bavail * bsize, reserve: Math.min(ROOM_BYTES, ROOM_SHARE * blocks * bsize) };
}

/** Room for a write of about so many bytes, and for what follows it. */
export function hasRoom(directory: string, bytes = 0): boolean {
  const { free, reserve } = roomOf(directory);
  return free >= reserve + bytes;
}
