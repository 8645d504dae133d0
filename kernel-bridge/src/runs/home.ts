/** Where things lie on disk. `MEDR1_HOME`, or `.medr1` in the clone:
 *
 *     runs/<id>/run.db  last-step  config.yaml  worker.log  worker.lock  processor/  checkpoints/step-000123/  reserve (while it trains: room for its last words)
 *     trash/<id>-<time>/        deleted runs
 *     server.json               who serves this home: pid, socket or port, secret (readable by the owner only)
 */
import { randomBytes } from 'node:crypto';
import { accessSync, chmodSync, constants } from 'node:fs';
import { join } from 'node:path';
import { makeFolders } from '../files/durable.ts';
import { notWritable } from '../log/errors.ts';
import { clearAway } from '../log/making.ts';

export { homeDir } from '../data/home.ts';

/** Makes the home's directories. Throws NOT_WRITABLE. */
export function prepareHome(home: string): string {
  for (const part of ['runs', 'trash']) makeDirectory(join(home, part));
  clearAway(runsDirectory(home));
  chmodSync(home, 0o700); // another command may have made it, for data sets and their thumbnails, which quote patients' images too
  return home;
}

/** A directory of the home that can be written to; readable by the owner only, since rollouts may quote patients' images. Throws NOT_WRITABLE. */
export function makeDirectory(path: string): void {
  try {
    makeFolders(path, 0o700);
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw notWritable(path, cause);
  }
}

export const runsDirectory = (home: string): string => join(home, 'runs');
export const runDirectory = (home: string, id: string): string => join(home, 'runs', id);
export const checkpointName = (step: number): string => `step-${String(step).padStart(6, '0')}`;

const ID = /^\d{8}-\d{6}-[0-9a-z]{4}$/;
export const isRunId = (id: string): boolean => ID.test(id);

const BASE_32 = '0123456789abcdefghijklmnopqrstuv'; // in the order of their codes
let last = 0;

/** Sortable by time of creation (UTC, to the millisecond; strictly within a process), for example 20261123-154501-k3f9. */
export function newRunId(): string {
  last = Math.max(Date.now(), last + 1);
  const stamp = new Date(last).toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  const ms = last % 1000;
  const digits = [ms >> 5, ms, ...randomBytes(2)].map((value) => BASE_32[value % 32]);
  return `${stamp}-${digits.join('')}`;
}
