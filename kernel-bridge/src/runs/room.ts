/** When a disk counts as full, and as having room again. */
import { statfsSync } from 'node:fs';

/** Enough for many steps, and for the journal to be folded in. */
const ROOM_BYTES = 256 << 20;

/** ENOSPC and EDQUOT of the file system, SQLITE_FULL of the database, on the error itself or what caused it. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, message, cause } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT' || /database or disk is full|No space left on device/i.test(message) || isDiskFull(cause);
}

export function hasRoom(directory: string): boolean {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize >= ROOM_BYTES;
}
