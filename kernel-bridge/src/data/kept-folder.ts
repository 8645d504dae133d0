/**
 * The folder that was read last, with all its questions, for as long as it says what it said. The backend is asked about one data set again and again: for
 * each estimate of a form, for the checks of a new run, for its place in the queue. To read the sample's 3,840 questions takes seconds of CPU time.
 *
 * Before it is given again, all that the reading rested on is looked at: which files there are, each file of questions and each folder of images. A change
 * moves the time, the size or the inode of a file or a folder. Where this does not hold, the folder is read each time: links to images, whose targets come
 * and go, folders of images that are missing or empty and may turn up elsewhere, images that lie outside of the folder, and what changed too shortly
 * before for its time to tell.
 */
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isConfined } from './images.ts';
import type { Layout } from './layout.ts';
import type { WholeDataset } from './types.ts';
import { readFolder, type ReadFolder } from './whole.ts';

/** Clocks of file systems tell changes apart that are further from one another, FAT's with its two seconds among them. */
const SETTLED_MS = 3000;
const FORGOTTEN_AFTER_MS = 10 * 60_000;

interface Kept {
  layout: string;
  /** Of files of questions and folders of images, what the file system says of them. */
  states: Map<string, string>;
  whole: WholeDataset;
}

export class KeptFolder {
  readonly #read: ReadFolder;
  readonly #settledMs: number;
  #kept: Kept | null = null;
  #forget: NodeJS.Timeout | undefined;
  /** One reading after the other, so that the second finds what the first has read. */
  #last: Promise<unknown> = Promise.resolve();

  constructor({ read = readFolder, settledMs = SETTLED_MS }: { read?: ReadFolder; settledMs?: number } = {}) {
    this.#read = read;
    this.#settledMs = settledMs;
  }

  readonly read: ReadFolder = (asked, layout, options) => {
    const next = this.#last.then(() => this.#keptOrRead(asked, layout, options));
    this.#last = next.catch(() => undefined);
    return next;
  };

  async #keptOrRead(...[asked, layout, options]: Parameters<ReadFolder>): Promise<WholeDataset> {
    const kept = this.#kept;
    if (kept === null || kept.layout !== JSON.stringify(layout) || !(await unchanged(kept.states))) {
      this.#kept = null;
      const began = Date.now();
      const whole = await this.#read(asked, layout, options);
      this.#kept = await keepable(whole, layout, began - this.#settledMs);
      this.#refresh();
      return whole;
    }
    this.#refresh();
    return { ...kept.whole, name: asked };
  }

  #refresh(): void {
    clearTimeout(this.#forget);
    this.#forget = setTimeout(() => (this.#kept = null), FORGOTTEN_AFTER_MS).unref();
  }
}

/** What may be given again; null where a change might not be seen, as of what changed after `since`. */
async function keepable({ root, ...rest }: WholeDataset, layout: Layout, since: number): Promise<Kept | null> {
  if (root !== layout.dir) return null;
  const folders = new Set(rest.items.flatMap(({ image }) => (isConfined(image) ? dirname(join(root, image)) : [])));
  for (const folder of folders) if (!(await holdsPlainFiles(folder))) return null;
  const states = new Map<string, string>();
  for (const path of [...layout.questions, ...layout.splits].map((source) => source.path).concat(...folders)) {
    const found = await stateOf(path);
    if (found === null || found.changed > since) return null;
    states.set(path, found.state);
  }
  return { layout: JSON.stringify(layout), states, whole: { root, ...rest } };
}

async function holdsPlainFiles(folder: string): Promise<boolean> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.some((entry) => entry.isFile()) && !entries.some((entry) => entry.isSymbolicLink());
}

async function unchanged(states: ReadonlyMap<string, string>): Promise<boolean> {
  for (const [path, state] of states) if ((await stateOf(path))?.state !== state) return false;
  return true;
}

/** Milliseconds since 1970 of the last change, and all that a change would move; null of what is not there. */
async function stateOf(path: string): Promise<{ changed: number; state: string } | null> {
  const info = await stat(path, { bigint: true }).catch(() => null);
  if (info === null) return null;
  const { dev, ino, size, mode, mtimeNs, ctimeNs } = info;
  return { changed: Math.max(Number(info.mtimeMs), Number(info.ctimeMs)), state: [dev, ino, size, mode, mtimeNs, ctimeNs].join(' ') };
}
