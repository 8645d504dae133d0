/**
 * Topics that websockets follow. A topic is a log to read from, never a queue per client: `run:<id>` is the run's own events on disk,
 * `runs` and `evals` short memories of changed summaries. `changed` is called after a commit.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Kept, stampOf } from '../log/kept.ts';
import { errorBody, type ErrorBody } from '../protocol/errors.ts';
import type { TrainConfig } from '../protocol/config.ts';
import type { EvalSummary } from '../protocol/evals.ts';
import { NO_ANNOTATIONS, type RunDetail, type RunSummary } from '../protocol/run.ts';
import type { MoveView } from '../protocol/view.ts';
import { runDirectory } from '../runs/home.ts';
import { metricNames } from '../runs/metrics.ts';
import { openRun } from '../runs/runs.ts';
import type { RunStore } from '../runs/store.ts';

export interface Entry {
  seq: number;
  /** The event as JSON: it is sent as it stands in the log. */
  text: string;
}

/** How much is read of a log at a time. */
export interface Slice {
  entries: number;
  /** No entry is read that would begin after so many bytes. */
  bytes: number;
}

export interface Topic {
  readonly epoch: string;
  readonly head: number;
  /** Oldest seq that can still be followed from. */
  readonly oldest: number;
  read(after: number, most: Slice): Entry[];
}

/** What is kept of a run in memory, so that lists of many runs open no database twice. */
export interface RunFacts {
  summary: RunSummary;
  /** Empty where the run cannot be read. */
  config: Partial<TrainConfig>;
  /** Names of the metrics it logged. */
  metrics: string[];
}

/** How long the runs topic gathers changes of one run. */
const GATHER_MS = 200;
const REMEMBERED = 500;
const OPEN_STORES = 64;

export class Hub {
  readonly home: string;
  /** Whether nothing is heard of the other machine that trains a run. */
  isAway: (id: string) => boolean = () => true;
  private readonly stores = new Map<string, RunStore>();
  private readonly known = new Kept<RunFacts>();
  private readonly listeners = new Set<(topic: string) => void>();
  private readonly gathering = new Map<string, NodeJS.Timeout>();
  private readonly runs = new RecentTopic();
  private readonly evals = new RecentTopic();
  private readonly view = new RecentTopic();

  constructor(home: string) {
    this.home = home;
  }

  /** The log behind a topic's name. Throws RUN_UNKNOWN. */
  topic(name: string): Topic {
    if (name === 'runs') return this.runs;
    if (name === 'evals') return this.evals;
    if (name === 'view') return this.view;
    const id = name.startsWith('run:') ? name.slice(4) : '';
    this.store(id);
    return new RunTopic(() => this.store(id));
  }

  /** A run's store, kept open while it is among the last used. Take it anew for each use. */
  store(id: string): RunStore {
    const store = this.stores.get(id) ?? openRun(this.home, id);
    this.stores.delete(id);
    this.stores.set(id, store);
    if (this.stores.size > OPEN_STORES) this.shut(this.stores.keys().next().value!);
    return store;
  }

  /** The same object while nothing of the run has changed. A run that cannot be read is `failed` with the reason. */
  facts(id: string): RunFacts {
    return this.known.of(id, this.database(id), () => this.read(id));
  }

  summary(id: string): RunSummary {
    return this.reach(this.facts(id).summary);
  }

  detail(id: string): RunDetail {
    const detail = this.store(id).detail();
    return { ...detail, summary: this.reach(detail.summary) };
  }

  /** With whether a run of another machine can be asked for something. */
  private reach(summary: RunSummary): RunSummary {
    return summary.reported ? { ...summary, reported: { ...summary.reported, away: this.isAway(summary.id) } } : summary;
  }

  /** Changes with every commit, whichever process makes it. */
  stamp(id: string): string {
    return stampOf(this.database(id)).text;
  }

  private database(id: string): string {
    return join(runDirectory(this.home, id), 'run.db');
  }

  onChange(listener: (topic: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Something of this run was committed. */
  changed(id: string): void {
    this.known.forget(id);
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

  /** An evaluation changed, or is gone. */
  evaluation(event: { summary: EvalSummary } | { removed: string }): void {
    this.evals.add(event);
    this.notify('evals');
  }

  /** A notebook moved what pages look at. */
  viewMoved(move: MoveView): void {
    this.view.add(move);
    this.notify('view');
  }

  /** Closes the run's database, before its directory moves. */
  forget(id: string): void {
    clearTimeout(this.gathering.get(id));
    this.gathering.delete(id);
    this.known.forget(id);
    this.shut(id);
  }

  close(): void {
    for (const id of [...this.stores.keys(), ...this.gathering.keys()]) this.forget(id);
    this.listeners.clear();
  }

  private publish(id: string): void {
    if (!existsSync(runDirectory(this.home, id))) return; // removed meanwhile
    this.runs.add({ summary: this.summary(id) });
    this.notify('runs');
  }

  private read(id: string): RunFacts {
    try {
      const store = this.store(id);
      return { summary: store.summary(), config: store.row().config, metrics: metricNames(store.db) };
    } catch (error) {
      return { summary: unreadable(id, errorBody(error)), config: {}, metrics: [] };
    }
  }

  private shut(id: string): void {
    this.stores.get(id)?.[Symbol.dispose]();
    this.stores.delete(id);
  }

  private notify(topic: string): void {
    for (const listener of this.listeners) listener(topic);
  }
}

class RunTopic implements Topic {
  private readonly store: () => RunStore;
  readonly oldest = 0;

  constructor(store: () => RunStore) {
    this.store = store;
  }

  get epoch(): string {
    return this.store().epoch;
  }

  get head(): number {
    return this.store().seq;
  }

  read(after: number, { entries, bytes }: Slice): Entry[] {
    return this.store().eventTexts(after, { limit: entries, most_bytes: bytes });
  }
}

class RecentTopic implements Topic {
  readonly epoch = randomBytes(8).toString('hex');
  private entries: Entry[] = [];
  head = 0;

  get oldest(): number {
    return this.head - this.entries.length;
  }

  add(event: Record<string, unknown>): void {
    this.entries.push({ seq: ++this.head, text: JSON.stringify(event) });
    if (this.entries.length > REMEMBERED) this.entries.shift();
  }

  read(after: number, most: Slice): Entry[] {
    const start = Math.max(0, after - this.oldest);
    let bytes = 0;
    let end = start;
    while (end < this.entries.length && end - start < most.entries && bytes < most.bytes) bytes += this.entries[end++].text.length;
    return this.entries.slice(start, end);
  }
}

function unreadable(id: string, error: ErrorBody): RunSummary {
  const none = {
    parent: null,
    inherited: [],
    pair: null,
    started_at: null,
    ended_at: null,
    reward: null,
    rollouts_per_s: null,
    eta_s: null,
    device: null,
    alert: null,
    waits_since: null,
    annotations: NO_ANNOTATIONS,
  };
  const empty = { trainer: '', variant: '', created_at: 0, step: 0, total_steps: 0, recent_reward: [], seq: 0 };
  return { id, name: id, state: 'failed', error, ...none, ...empty };
}
