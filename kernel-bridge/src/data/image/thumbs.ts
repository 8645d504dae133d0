/**
 * Thumbnails: WebP, made once and kept under the image's content hash and size, so that an address never changes its picture.
 * At most a few images are decoded at a time; a request that is given up before its turn costs nothing.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { machine } from '../../machine.ts';
import { Lanes } from '../lanes.ts';
import { imageError, openPicture, toSharp } from './picture.ts';

/** Longest sides that are offered, in pixels: few, so that the cache is shared by all views. */
const THUMB_SIZES = [96, 192, 384, 768] as const;

export class Thumbs {
  readonly #dir: string;
  readonly #lanes = new Lanes(Math.min(4, machine().cpus));
  readonly #making = new Map<string, Promise<Buffer>>();

  constructor(cacheDir: string) {
    this.#dir = cacheDir;
  }

  /** The thumbnail whose longest side is `size` or the next size that is offered. Throws ImageError, or the signal's reason. */
  async get(root: string, image: string, sha256: string, size: number, signal?: AbortSignal): Promise<Buffer> {
    const side = THUMB_SIZES.find((offered) => offered >= size) ?? THUMB_SIZES.at(-1)!;
    const path = join(this.#dir, sha256.slice(0, 2), `${sha256}-${side}.webp`);
    const kept = await readFile(path).catch(() => null);
    if (kept) return kept;
    const making = this.#making.get(path);
    if (making) return making;
    return this.#lanes.run(async () => {
      const work = this.#making.get(path) ?? make(root, image, side, path).finally(() => this.#making.delete(path));
      this.#making.set(path, work);
      return work;
    }, signal);
  }
}

async function make(root: string, image: string, side: number, path: string): Promise<Buffer> {
  const picture = await openPicture(root, image);
  const thumb = await toSharp(picture)
    .resize(side, side, { fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 82 })
    .toBuffer()
    .catch((cause: unknown) => {
      throw imageError(cause, image);
    });
  await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
  const part = `${path}.${randomUUID()}`;
  try {
    await writeFile(part, thumb);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  return thumb;
}
