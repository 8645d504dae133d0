/** What a file system or SQLite refuses, told apart by what helps. */
import { statfsSync } from 'node:fs';

/** Enough for many steps, and for the journal to be folded in. */
const ROOM_BYTES = 256 << 20;
/** Of a disk that is small: so much of it. */
const ROOM_SHARE = 0.05;

/** ENOSPC and EDQUOT of the file system, SQLITE_FULL of the database, our own name for either; on the error itself or what caused it. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, message, cause } = error as NodeJS.ErrnoException;
  const named = code === 'ENOSPC' || code === 'EDQUOT' || code === 'DISK_FULL';
  return named || /database or disk is full|No space left on device/i.test(message) || isDiskFull(cause);
}

/** EIO of the file system, SQLITE_IOERR of the database, on the error itself or what caused it: the disk fails, or what it hangs on. */
export function isDiskError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (error as NodeJS.ErrnoException).code === 'EIO' || /disk I\/O error|^EIO:/i.test(error.message) || isDiskError(error.cause);
}

/** SQLITE_BUSY: another program holds the database for longer than was waited. */
export const isBusy = (error: unknown): boolean => error instanceof Error && /database is locked/i.test(error.message);

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
