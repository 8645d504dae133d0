/** An image of a data set for the browser: never its own bytes, always decoded here and encoded anew. */
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { identify, toSharp } from '../data/image/picture.ts';
import { errors } from '../runs/errors.ts';

const MAX_BYTES = 64 << 20;

/**
 * @param path relative to `root`, as the records write it
 * @param size longest side in pixels; never enlarged
 * @returns PNG. Throws PATH_REFUSED (also for links that lead out), IMAGE_MISSING, IMAGE_UNREADABLE.
 */
export async function readImage(root: string, path: string, size: number): Promise<Buffer> {
  const bytes = await readConfined(root, path);
  try {
    return await toSharp(await identify(bytes, path))
      .resize({ width: size, height: size, fit: 'inside', withoutEnlargement: true })
      .png()
      .toBuffer();
  } catch (cause) {
    throw errors.imageBad(path, cause);
  }
}

async function readConfined(root: string, path: string): Promise<Buffer> {
  if (path === '' || path.includes('\0') || isAbsolute(path)) throw errors.pathRefused(path);
  if (leaves(root, resolve(root, path))) throw errors.pathRefused(path);
  const [realRoot, file] = await Promise.all([realpath(root), realpath(resolve(root, path))]).catch(() => {
    throw errors.imageMissing(path);
  });
  if (leaves(realRoot, file)) throw errors.pathRefused(path);
  // O_NONBLOCK: opening a FIFO would otherwise wait for ever
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw errors.imageMissing(path);
    if (stat.size > MAX_BYTES) throw errors.imageBad(path, `it has ${stat.size} bytes, more than ${MAX_BYTES}`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

function leaves(root: string, file: string): boolean {
  const inside = relative(root, file);
  return inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside);
}
