/**
 * A lock held by one process until it lets go or dies, kill -9 included: SQLite's exclusive lock on an empty database, which the
 * kernel drops with the process. No pid to go stale, no clean-up to race over.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { insisted } from './database.ts';
import { isBusy } from './disk-space.ts';
import { machineRefusal } from './errors.ts';

export interface Lock extends Disposable {
  release(): void;
}

/** The lock, or null when another process holds it. Throws DISK_FULL and what else log/errors.ts names. */
export function tryLock(file: string, wait_ms = 0): Lock | null {
  let db: DatabaseSync;
  try {
    db = insisted(file, () => exclusive(file, wait_ms));
  } catch (error) {
    if (isBusy(error)) return null;
    throw machineRefusal(file, error) ?? error;
  }
  const release = (): void => {
    if (db.isOpen) db.close();
  };
  return { release, [Symbol.dispose]: release };
}

function exclusive(file: string, wait_ms: number): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: wait_ms });
  try {
    db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE'); // a journal on disk could not be made on a full one
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

export function isLocked(file: string): boolean {
  if (!existsSync(file)) return false;
  const lock = tryLock(file);
  lock?.release();
  return lock === null;
}

/** The process that holds the lock, where the system tells (Linux); null when none does or it does not. */
export function lockHolder(file: string): number | null {
  try {
    const { ino } = statSync(file);
    const held = readFileSync('/proc/locks', 'utf8')
      .split('\n')
      .map((line) => /(\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line))
      .find((found) => found?.[2] === String(ino));
    return held ? Number(held[1]) : null;
  } catch {
    return null;
  }
}
