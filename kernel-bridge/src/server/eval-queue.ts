/**
 * The order of the evaluations that wait, where people changed it, and which of them are held. Kept in a file of the home, for a server may be started
 * anew while they wait.
 */
import { join } from 'node:path';
import Type from 'typebox';
import { readOwnJson, writeOwnJson } from '../files/own-json.ts';

const Entry = Type.Object({
  since: Type.Optional(Type.Number({ description: 'in place of the time at which the evaluation was made: earlier ones go first' })),
  held: Type.Optional(Type.Boolean()),
});
type Entry = Type.Static<typeof Entry>;
const Entries = Type.Record(Type.String(), Entry);

/** An evaluation that waits. */
interface Waiting {
  id: string;
  created_at: number;
}

export class EvalQueue {
  readonly #file: string;
  #entries: Record<string, Entry>;

  constructor(home: string) {
    this.#file = join(home, 'eval-queue.json');
    this.#entries = readOwnJson(this.#file, Entries) ?? {}; // the order is then that in which they were made
  }

  /** First to start first. */
  ordered<T extends Waiting>(waiting: readonly T[]): T[] {
    return waiting.toSorted((a, b) => this.#since(a) - this.#since(b) || (a.id < b.id ? -1 : 1));
  }

  isHeld(id: string): boolean {
    return this.#entries[id]?.held ?? false;
  }

  /** Puts one that waits before another that does, or at the end (null). */
  move(id: string, before: string | null, waiting: readonly Waiting[]): void {
    if (before === id) return;
    const others = this.ordered(waiting).filter((one) => one.id !== id);
    const at = before === null ? others.length : others.findIndex((one) => one.id === before);
    const [previous, next] = [others[at - 1], others[at]].map((one) => one && this.#since(one));
    const since = next === undefined ? (previous ?? 0) + 1 : previous === undefined ? next - 1 : (previous + next) / 2;
    this.#write(id, { since }, waiting);
  }

  hold(id: string, held: boolean, waiting: readonly Waiting[]): void {
    this.#write(id, { held }, waiting);
  }

  #since({ id, created_at }: Waiting): number {
    return this.#entries[id]?.since ?? created_at;
  }

  /** What is said of evaluations that no longer wait is dropped. */
  #write(id: string, change: Entry, waiting: readonly Waiting[]): void {
    const kept = Object.fromEntries(Object.entries(this.#entries).filter(([one]) => waiting.some((each) => each.id === one)));
    const entries = { ...kept, [id]: { ...kept[id], ...change } };
    writeOwnJson(this.#file, Entries, JSON.stringify(entries));
    this.#entries = entries;
  }
}
