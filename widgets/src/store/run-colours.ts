/** The colour of each run, the same in every view and for as long as the workspace is kept: which colours run on is not decided by the order of clicks. */
import { Observable } from '../observable.ts';
import { SERIES } from '../theme.ts';

/** Runs that are remembered; the ones given a colour last. */
const MOST = 500;
const COLOURS = SERIES.light.length;

export class RunColours extends Observable<Readonly<Record<string, number>>> {
  /** Colours that people chose: they hold whatever is beside the run. */
  #chosen: Readonly<Record<string, number>> = {};

  constructor() {
    super({});
  }

  /**
   * Gives each run that is shown together a colour. One that has a colour keeps it, unless a run before it in the list has the same; a new one
   * gets the colour that the fewest runs have, chosen or given, of those that no run beside it has.
   */
  see(runs: readonly string[]): void {
    const next = { ...this.value };
    const taken = new Set(runs.flatMap((id) => this.#chosen[id] ?? []));
    for (const id of runs) {
      if (this.#chosen[id] !== undefined) continue;
      const own = next[id];
      if (own === undefined || (taken.has(own) && taken.size < COLOURS)) next[id] = rarest({ ...next, ...this.#chosen }, taken, runs);
      taken.add(next[id]);
    }
    if (runs.some((id) => next[id] !== this.value[id])) this.set(Object.fromEntries(Object.entries(next).slice(-MOST)));
  }

  /** Takes what is noted of the runs. */
  choose(runs: readonly { id: string; annotations: { colour: number | null } }[]): void {
    const chosen = Object.fromEntries(runs.flatMap(({ id, annotations: { colour } }) => (colour === null ? [] : [[id, colour]])));
    if (JSON.stringify(chosen) === JSON.stringify(this.#chosen)) return;
    this.#chosen = chosen;
    this.set({ ...this.value });
  }

  /** Place in the palette. */
  of(id: string): number {
    return this.#chosen[id] ?? this.value[id] ?? 0;
  }

  toJSON(): Readonly<Record<string, number>> {
    return this.value;
  }

  /** Takes what is well formed and ignores the rest. What was given a colour since keeps it. */
  restore(json: unknown): void {
    if (!json || typeof json !== 'object') return;
    const kept = Object.entries(json).filter(([, colour]) => Number.isInteger(colour) && colour >= 0 && colour < COLOURS);
    this.set({ ...Object.fromEntries(kept), ...this.value });
  }
}

function rarest(given: Readonly<Record<string, number>>, taken: ReadonlySet<number>, beside: readonly string[]): number {
  const free = Array.from({ length: COLOURS }, (_, colour) => colour);
  const others = new Set(beside.map((id) => given[id]));
  const users = (colour: number): number => Object.values(given).filter((one) => one === colour).length;
  const rank = (colour: number): number => Number(taken.has(colour)) * 1e6 + Number(others.has(colour)) * 1e5 + users(colour);
  return free.sort((a, b) => rank(a) - rank(b) || a - b)[0];
}
