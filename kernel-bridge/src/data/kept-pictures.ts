/**
 * Images of a data set whose records hold pictures themselves (readers/pictures.ts keeps these in a cache) and may name files as well. A data set
 * has one root, which is the cache here, so that a link in it leads to the folder that the files are in.
 */
import { readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ImageFolder, isConfined } from './images.ts';

/** Name of the link. */
const FILES = 'files';

type Place = Awaited<ReturnType<ImageFolder['find']>>;

export class KeptPictures {
  readonly #cache: ImageFolder;

  private constructor(cache: string) {
    this.#cache = new ImageFolder(cache, { grows: true });
  }

  /** `folder`: where the paths of the others start. */
  static async over(cache: string, folder: string): Promise<KeptPictures> {
    await link(join(cache, FILES), folder);
    return new KeptPictures(cache);
  }

  /** `written`: as the record has it, which is the name of a picture that was kept. `path`: in the folder of the others. */
  async find(written: string, path: string): Promise<Place> {
    if (!isConfined(path)) return this.#cache.find(written);
    const kept = written.includes('/') ? null : await this.#cache.find(written);
    if (kept?.problem === null) return kept;
    return this.#cache.find(`${FILES}/${path}`);
  }
}

/** In one move: another process may be reading the same data. */
async function link(path: string, folder: string): Promise<void> {
  if ((await readlink(path).catch(() => null)) === folder) return;
  const part = `${path}.${process.pid}.part`;
  await rm(part, { force: true });
  await symlink(folder, part);
  await rename(part, path);
}
