/** What was read of databases, kept while their files stay as they are: lists of many open none twice. */
import { statSync, type Stats } from 'node:fs';

/**
 * How long a commit may be on its way: its bytes stand in the journal, and the file has the time of now, for as long as the disk takes to keep them;
 * only then can others read what was committed.
 */
const ON_ITS_WAY_MS = 10_000;

export interface Stamp {
  /**
   * Changes with every commit, whichever process makes it, and once more when the last one can be read for certain. Not when a database is opened or
   * closed: that makes and removes an empty journal.
   */
  text: string;
  /** False while a commit may be on its way: what is read now may be of before, and no other stamp will tell. */
  settled: boolean;
}

export function stampOf(database: string, now = Date.now()): Stamp {
  const files = [database, `${database}-wal`]
    .map((file) => statSync(file, { throwIfNoEntry: false }))
    .map((file): Stats | null => (file?.size ? file : null));
  const settled = files.every((file) => file === null || now - file.mtimeMs > ON_ITS_WAY_MS);
  return {
    text: [...files.map((file) => (file ? `${file.mtimeMs} ${file.size}` : '-')), ...(settled ? [] : ['moving'])].join(' '),
    settled,
  };
}

export class Kept<T> {
  readonly #known = new Map<string, { stamp: string; value: T }>();

  /** What `read` gives of the database, read again only when that may have changed. */
  of(key: string, database: string, read: (stamp: string) => T): T {
    const { text, settled } = stampOf(database);
    const known = this.#known.get(key);
    if (settled && known?.stamp === text) return known.value;
    const value = read(text);
    this.#known.set(key, { stamp: text, value });
    return value;
  }

  /** As it was read last. */
  last(key: string): { stamp: string; value: T } | undefined {
    return this.#known.get(key);
  }

  keys(): Iterable<string> {
    return this.#known.keys();
  }

  forget(key: string): void {
    this.#known.delete(key);
  }
}
