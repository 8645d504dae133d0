/** An image of a data set for the browser: never its own bytes, always decoded here and encoded anew. */
import { join } from 'node:path';
import { identify, toSharp } from '../data/image/picture.ts';
import { isConfined } from '../data/images.ts';
import { FileRefused, readPlain } from '../files/plain.ts';
import { errors } from '../runs/errors.ts';

const MAX_BYTES = 64 << 20;

/**
 * @param path relative to `root`, as the records write it
 * @param size longest side in pixels; never enlarged
 * @returns PNG. Throws PATH_REFUSED, IMAGE_MISSING, IMAGE_UNREADABLE.
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
  if (!isConfined(path)) throw errors.pathRefused(path);
  try {
    return await readPlain(join(root, path), MAX_BYTES);
  } catch (cause) {
    throw cause instanceof FileRefused && cause.reason === 'size' ? errors.imageBad(path, cause) : errors.imageMissing(path);
  }
}
