/**
 * One writer a data set, over all processes. The lock is SQLite's own on an empty database beside the data sets: the system gives it back
 * when its holder is gone, however it went.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { WorkbenchError } from '../../protocol/errors.ts';
import { homeDir } from '../home.ts';

/** Throws DATA_BUSY while another process indexes or forgets the data set. */
export function lockDataset(name: string, home?: string): Disposable {
  const dir = join(homeDir(home), 'cache', 'locks');
  mkdirSync(dir, { recursive: true });
  const db = new DatabaseSync(join(dir, `${name}.db`), { timeout: 0 });
  try {
    db.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    db.close();
    throw busy(name, cause);
  }
  return { [Symbol.dispose]: () => db.close() };
}

function busy(name: string, cause: unknown): WorkbenchError {
  return new WorkbenchError({
    code: 'DATA_BUSY',
    http: 409,
    cause,
    message: `${name} is being indexed by another process`,
    remedy: 'Wait until that has ended, or stop it; what it did stays.',
  });
}
