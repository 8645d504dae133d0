/** Texts of the tokens of rollouts, read from the backend when a group is first shown token by token, and kept for a while. */
import type { Connector } from '../../connector.ts';
import { outcome, type Load } from '../../load.ts';
import { Observable } from '../../observable.ts';

/** One list of texts per completion of a group. */
export type GroupTexts = Exclude<Load<string[][]>, { status: 'idle' }>;

/** Groups kept in memory. */
const KEPT = 200;
const LOADING: GroupTexts = { status: 'loading' };

export class TokenTexts {
  /** Changes whenever an answer came. */
  readonly changed = new Observable(0);
  readonly #connector: Pick<Connector, 'tokenTexts'>;
  readonly #known = new Map<string, GroupTexts>();

  constructor(connector: Pick<Connector, 'tokenTexts'>) {
    this.#connector = connector;
  }

  /** What is known now; what is not is asked for. */
  of(run: string, step: number, group: number): GroupTexts {
    const key = `${run}:${step}:${group}`;
    const known = this.#known.get(key);
    if (known) return known;
    this.#keep(key, LOADING);
    void this.#load(key, run, step, group);
    return LOADING;
  }

  /** After a failure. */
  retry(run: string, step: number, group: number): void {
    this.#known.delete(`${run}:${step}:${group}`);
    this.changed.update((count) => count + 1);
  }

  async #load(key: string, run: string, step: number, group: number): Promise<void> {
    this.#keep(key, await outcome(() => this.#connector.tokenTexts(run, { step, group })));
    this.changed.update((count) => count + 1);
  }

  #keep(key: string, texts: GroupTexts): void {
    this.#known.set(key, texts);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= KEPT) break;
      this.#known.delete(oldest);
    }
  }
}
