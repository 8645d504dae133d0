/**
 * Topics that websockets follow. A topic is a log to read from, never a queue per client: `run:<id>` is the run's own events on disk,
 * `runs` a short memory of changed summaries. `changed` is called after a commit.
 */
import { randomBytes } from 'node:crypto';
import type { RunSummary } from '../protocol/run.ts';
import { RunStore } from '../runs/store.ts';
import { openRun } from '../runs/runs.ts';

export interface Entry {
  seq: number;
  event: Record<string, unknown>;
}

export interface Topic {
  readonly epoch: string;
  readonly head: number;
  /** Oldest seq that can still be followed from. */
  readonly oldest: number;
  read(after: number, limit: number): Entry[];
}

/** How long the runs topic gathers changes of one run. */
const GATHER_MS = 200;
const REMEMBERED = 500;

export class Hub {
  private readonly home: string;
  private readonly stores = new Map<string, RunStore>();
  private readonly listeners = new Set<(topic: string) => void>();
  private readonly gathering = new Map<string, NodeJS.Timeout>();
  private readonly runs = new RunsTopic();

  constructor(home: string) {
    this.home = home;
  }

  /** The log behind a topic's name. Throws RUN_UNKNOWN. */
  topic(name: string): Topic {
    if (name === 'runs') return this.runs;
    const id = name.startsWith('run:') ? name.slice(4) : '';
    return new RunTopic(this.store(id));
  }

  /** A store kept open for reading; closed by `forget`. */
  store(id: string): RunStore {
    let store = this.stores.get(id);
    if (!store) {
      store = openRun(this.home, id);
      this.stores.set(id, store);
    }
    return store;
  }

  onChange(listener: (topic: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Something of this run was committed. */
  changed(id: string): void {
    this.notify(`run:${id}`);
    if (this.gathering.has(id)) return;
    const publish = (): void => {
      this.gathering.delete(id);
      this.publish(id);
    };
    this.gathering.set(id, setTimeout(publish, GATHER_MS));
  }

  removed(id: string): void {
    this.runs.add({ removed: id });
    this.notify('runs');
  }

  /** Closes the run's database, before its directory moves. */
  forget(id: string): void {
    clearTimeout(this.gathering.get(id));
    this.gathering.delete(id);
    this.stores.get(id)?.[Symbol.dispose]();
    this.stores.delete(id);
  }

  close(): void {
    for (const id of [...this.stores.keys(), ...this.gathering.keys()]) this.forget(id);
    this.listeners.clear();
  }

  private publish(id: string): void {
    let summary: RunSummary;
    try {
      summary = this.store(id).summary();
    } catch {
      return; // removed meanwhile
    }
    this.runs.add({ summary });
    this.notify('runs');
  }

  private notify(topic: string): void {
    for (const listener of this.listeners) listener(topic);
  }
}

class RunTopic implements Topic {
  private readonly store: RunStore;
  readonly oldest = 0;

  constructor(store: RunStore) {
    this.store = store;
  }

  get epoch(): string {
    return this.store.epoch;
  }

  get head(): number {
    return this.store.seq;
  }

  read(after: number, limit: number): Entry[] {
    return this.store.events(after, limit).map((event) => ({ seq: event.seq, event }));
  }
}

class RunsTopic implements Topic {
  readonly epoch = randomBytes(8).toString('hex');
  private entries: Entry[] = [];
  head = 0;

  get oldest(): number {
    return this.head - this.entries.length;
  }

  add(event: Record<string, unknown>): void {
    this.entries.push({ seq: ++this.head, event });
    if (this.entries.length > REMEMBERED) this.entries.shift();
  }

  read(after: number, limit: number): Entry[] {
    const start = Math.max(0, after - this.oldest);
    return this.entries.slice(start, start + limit);
  }
}
