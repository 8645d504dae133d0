import { mkdir, stat, statfs } from 'node:fs/promises';
import { WorkbenchError } from '../protocol/errors.ts';

/** Left free, so that running trainings can still write their checkpoints' last bytes and logs. */
const RESERVE = 256 << 20;

/** Size of a file in bytes; null when there is none. */
export const sizeOf = (path: string): Promise<number | null> =>
  stat(path).then(
    (info) => (info.isFile() ? info.size : null),
    () => null,
  );

/** Makes the folder, and fails with DATA_DISK when its disk has not `bytes` left for what is to be done. */
export async function ensureSpace(dir: string, bytes: number, what: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  const { bavail, bsize } = await statfs(dir);
  const free = bavail * bsize;
  if (bytes === 0 || free >= bytes + RESERVE) return;
  const gigabytes = (n: number) => `${(n / 1e9).toFixed(1)} GB`;
  throw new WorkbenchError({
    code: 'DATA_DISK',
    http: 507,
    message: `${dir} has ${gigabytes(free)} free; to ${what} takes ${gigabytes(bytes + RESERVE)}`,
    remedy: 'Free some space or name a folder on another disk; what is there already is gone on with.',
  });
}
