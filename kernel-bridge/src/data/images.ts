/**
 * Where an image path leads. A record's path is hostile until shown otherwise: by its words it must stay in the data folder. Links in the folder
 * are another thing: whoever put them there wants them followed, to another disk or to the blobs of the hub's cache. One directory listing answers for all images of a folder, so that 89,000 records cost some dozens of system calls.
 */
import { lstat, readdir, stat } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import type { Dirent } from 'node:fs';
import type { Problem } from '../protocol/problems.ts';

/** Whether `path` is `root` or below it, by their words. Never a comparison of prefixes: /data is no parent of /database. */
export function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === '' || (!isAbsolute(way) && way !== '..' && !way.startsWith(`..${sep}`));
}

/** The rules that need no file system: relative, no NUL, no scheme, no drive, no way up out of the root. */
export function isConfined(path: string): boolean {
  if (path === '' || path.includes('\0') || isAbsolute(path) || /^[a-z][a-z0-9+.-]*:/i.test(path)) return false;
  return isInside('/root', resolve('/root', path));
}

export class ImageFolder {
  readonly root: string;
  /** Whether images are added while they are asked for, as from a Parquet file. */
  readonly #grows: boolean;
  #folders = new Map<string, Promise<Folder | null>>();

  constructor(root: string, { grows = false } = {}) {
    this.root = root;
    this.#grows = grows;
  }

  /** Where the image is, and null when it is a file in the folder; otherwise why it is not, with its path as it was. */
  async find(path: string): Promise<{ path: string; problem: Problem | null }> {
    const problem = await this.check(path);
    if (problem !== 'image-missing' || isAscii(path)) return { path, problem };
    const other = await this.#otherForm(path);
    return other === null ? { path, problem } : { path: other, problem: await this.check(other) };
  }

  /** Null when the image is a file in the folder; otherwise why it is not. */
  async check(path: string): Promise<Problem | null> {
    if (path === '') return 'image-none';
    if (!isConfined(path)) return 'image-outside';
    const full = resolve(this.root, path);
    const folder = await this.#folder(dirname(full));
    if (!folder) return 'image-missing';
    const entry = folder.entries.get(full.slice(dirname(full).length + 1));
    if (!entry) return this.#grows && (await lstat(full).catch(() => null))?.isFile() ? null : 'image-missing';
    if (entry.isFile()) return null;
    if (!entry.isSymbolicLink()) return 'image-not-a-file';
    return this.#link(full);
  }

  /** The path in the file system's own form of Unicode: macOS takes letters with accents apart, most records hold them whole. */
  async #otherForm(path: string): Promise<string | null> {
    const found: string[] = [];
    for (const part of path.split('/')) {
      const folder = await this.#folder(resolve(this.root, ...found));
      const name = folder?.entries.has(part) ? part : folder?.names().get(part.normalize());
      if (name === undefined) return null;
      found.push(name);
    }
    return found.join('/');
  }

  async #link(full: string): Promise<Problem | null> {
    const info = await stat(full).catch(() => null);
    if (!info) return 'image-missing'; // a link that leads nowhere
    return info.isFile() ? null : 'image-not-a-file';
  }

  #folder(path: string): Promise<Folder | null> {
    let folder = this.#folders.get(path);
    if (!folder) this.#folders.set(path, (folder = this.#list(path)));
    return folder;
  }

  async #list(path: string): Promise<Folder | null> {
    try {
      const entries = await readdir(path, { withFileTypes: true });
      let names: Map<string, string> | null = null;
      return {
        entries: new Map(entries.map((entry) => [entry.name, entry])),
        names: () => (names ??= new Map(entries.map(({ name }) => [name.normalize(), name]))),
      };
    } catch {
      return null;
    }
  }
}

interface Folder {
  entries: Map<string, Dirent>;
  /** Names as they are by their composed form. */
  names: () => Map<string, string>;
}

const isAscii = (text: string) => /^[\0-\x7f]*$/.test(text);
