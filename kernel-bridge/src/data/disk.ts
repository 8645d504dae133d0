import { mkdir, stat } from 'node:fs/promises';
import { roomOf } from '../log/disk-space.ts';
import { WorkbenchError } from '../protocol/errors.ts';

/** Size of a file in bytes; null when there is none. */
export const sizeOf = (path: string): Promise<number | null> =>
  stat(path).then(
    (info) => (info.isFile() ? info.size : null),
    () => null,
  );

/** Makes the folder, and fails with DISK_FULL when its disk has not `bytes` left for what is to be done. */
export async function ensureSpace(dir: string, bytes: number, what: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  const { free, reserve } = roomOf(dir);
  if (bytes === 0 || free >= bytes + reserve) return;
  const gigabytes = (n: number) => `${(n / 1e9).toFixed(1)} GB`;
  throw new WorkbenchError({
    code: 'DISK_FULL',
    http: 507,
    message: `${dir} has ${gigabytes(free)} free; to ${what} takes ${gigabytes(bytes + reserve)}`,
    remedy: 'Free some space, or name a folder on another disk. The same command then goes on from what is there.',
  });
}
