/**
 * The order of the evaluations that wait, where people changed it, and which of them are held. Kept in a file of the home, for a server may be started
 * anew while they wait.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurably } from '../files/durable.ts';

interface Entry {
  /** In place of the time at which the evaluation was made: earlier ones go first. */
  since?: number;
  held?: boolean;
}

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
    this.#entries = read(this.#file);
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
    writeDurably(this.#file, JSON.stringify(entries));
    this.#entries = entries;
  }
}

/** Empty where there is none, or none that can be read: the order is then that in which they were made. */
function read(file: string): Record<string, Entry> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, Entry>;
  } catch {
    return {};
  }
}
