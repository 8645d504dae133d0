import { statSync } from 'node:fs';
import { Dataset } from '../data/index/dataset.ts';
import { hasQuestions } from '../data/index/list.ts';
import type { OutcomesOf } from '../data/index/run-facets.ts';
import { indexPath } from '../data/index/schema.ts';

/** Data sets that are being looked at. One that was removed and made again by the command is opened anew. */
export class OpenDatasets {
  readonly #home: string;
  readonly #outcomes: OutcomesOf;
  readonly #open = new Map<string, { set: Dataset; inode: number }>();

  constructor(home: string, outcomes: OutcomesOf) {
    this.#home = home;
    this.#outcomes = outcomes;
  }

  get(name: string): Dataset {
    const inode = hasQuestions(name, this.#home) ? statSync(indexPath(name, this.#home)).ino : 0;
    const known = this.#open.get(name);
    if (known && known.inode === inode) return known.set;
    this.close(name);
    const set = new Dataset(name, this.#home, this.#outcomes);
    this.#open.set(name, { set, inode });
    return set;
  }

  close(name: string): void {
    this.#open.get(name)?.set.close();
    this.#open.delete(name);
  }
}
