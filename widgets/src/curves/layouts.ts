/** Boards that were given a name: kept for the user, in every workspace. No DOM here. */
import { Observable } from '../observable.ts';

/** What is kept of a board: a part of the view's state, as it was. */
export type Layout = Readonly<Record<string, unknown>>;

/** Letters of a name. */
export const MOST_LETTERS = 60;

export class SavedLayouts extends Observable<Readonly<Record<string, Layout>>> {
  constructor() {
    super({});
  }

  /** In place of one that has this name. */
  save(name: string, layout: Layout): void {
    this.set({ ...this.value, [name.trim().slice(0, MOST_LETTERS)]: layout });
  }

  remove(name: string): void {
    const { [name]: _, ...others } = this.value;
    this.set(others);
  }

  toJSON(): Readonly<Record<string, Layout>> {
    return this.value;
  }

  /** Takes what is well formed and ignores the rest. */
  restore(json: unknown): void {
    if (!json || typeof json !== 'object') return;
    const kept = Object.entries(json).filter(([, layout]) => typeof layout === 'object' && layout !== null && !Array.isArray(layout));
    const next = Object.fromEntries(kept) as Record<string, Layout>;
    if (JSON.stringify(next) !== JSON.stringify(this.value)) this.set(next);
  }
}
