/**
 * One writer a data set, over all processes. The lock is SQLite's own on an empty database beside the data sets: the system gives it back
 * when its holder is gone, however it went.
 */
import { join } from 'node:path';
import { tryLock } from '../../log/lock.ts';
import { WorkbenchError } from '../../protocol/errors.ts';
import { homeDir, makeInHome } from '../home.ts';

/** Throws DATA_BUSY while another process indexes or forgets the data set, DISK_FULL where the lock has no room. */
export function lockDataset(name: string, home?: string): Disposable {
  const dir = join(homeDir(home), 'cache', 'locks');
  makeInHome(dir, home);
  const lock = tryLock(join(dir, `${name}.db`));
  if (!lock) throw busy(name);
  return lock;
}

function busy(name: string): WorkbenchError {
  return new WorkbenchError({
    code: 'DATA_BUSY',
    http: 409,
    message: `${name} is being indexed by another process`,
    remedy: 'Wait until that process has ended, or stop it; the index keeps what the process has read.',
  });
}
