/** Searches that people saved: a small file in the home of the server, `searches.json`. Every Jupyter server has a home of its own, and so has each user. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Value } from 'typebox/value';
import Type from 'typebox';
import { writeDurably } from '../files/durable.ts';
import { readTextSync } from '../files/plain.ts';
import { SavedSearch, type ChangeSearch, type SaveSearch } from '../protocol/search.ts';
import { errors } from '../search/errors.ts';

const MOST = 1000;
const MOST_BYTES = 16 << 20;
const File = Type.Object({ searches: Type.Array(SavedSearch) });

export class SavedSearches {
  readonly #file: string;

  constructor(home: string) {
    this.#file = join(home, 'searches.json');
  }

  /** By name. Throws SEARCH_SAVED. */
  list(): SavedSearch[] {
    return this.#read().toSorted((a, b) => a.name.localeCompare(b.name, 'en') || (a.id < b.id ? -1 : 1));
  }

  /** Throws SEARCH_NAME where the name is taken. */
  save({ name, query }: SaveSearch, now = Date.now()): SavedSearch {
    const all = this.#read();
    if (all.length >= MOST) throw errors.tooMany(MOST);
    const made = { id: randomBytes(5).toString('hex'), name: this.#free(all, name), query, created_at: now, updated_at: now };
    this.#write([...all, made]);
    return made;
  }

  /** Throws SEARCH_UNKNOWN, SEARCH_NAME. */
  change(id: string, { name, query }: ChangeSearch, now = Date.now()): SavedSearch {
    const all = this.#read();
    const before = this.#of(all, id);
    const others = all.filter((one) => one !== before);
    const changed = { ...before, ...(name !== undefined && { name: this.#free(others, name) }), ...(query && { query }), updated_at: now };
    this.#write([...others, changed]);
    return changed;
  }

  /** Returns what was removed. Throws SEARCH_UNKNOWN. */
  remove(id: string): SavedSearch {
    const all = this.#read();
    const removed = this.#of(all, id);
    this.#write(all.filter((one) => one !== removed));
    return removed;
  }

  #of(all: readonly SavedSearch[], id: string): SavedSearch {
    const found = all.find((one) => one.id === id);
    if (!found) throw errors.unknownSearch(id);
    return found;
  }

  #free(others: readonly SavedSearch[], given: string): string {
    const name = given.trim();
    if (others.some((one) => one.name === name)) throw errors.nameTaken(name);
    return name;
  }

  #read(): SavedSearch[] {
    if (!existsSync(this.#file)) return [];
    try {
      return Value.Parse(File, JSON.parse(readTextSync(this.#file, MOST_BYTES))).searches;
    } catch (error) {
      throw errors.savedDamaged(this.#file, error);
    }
  }

  #write(searches: SavedSearch[]): void {
    writeDurably(this.#file, `${JSON.stringify({ searches }, null, 1)}\n`);
  }
}
