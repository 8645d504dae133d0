/** A run's log as a terminal follows it, over steps that are dropped under it: those cut the log, and what comes after stands from there on. */
import type { RunEvent } from '../protocol/run.ts';
import type { RunStore } from '../runs/store.ts';

export class Follower {
  private readonly store: RunStore;
  private epoch: string;
  private seq: number;

  /** What comes from now on. */
  constructor(store: RunStore) {
    this.store = store;
    this.epoch = store.epoch;
    this.seq = store.seq;
  }

  /** Events since the last call, oldest first. */
  next(): RunEvent[] {
    if (this.store.epoch !== this.epoch) {
      this.epoch = this.store.epoch;
      const dropped = this.store
        .events(0, Number.MAX_SAFE_INTEGER, ['alert'])
        .findLast((event) => event.kind === 'alert' && event.code === 'STEPS_DROPPED');
      this.seq = (dropped?.seq ?? 1) - 1;
    }
    const events = this.store.events(this.seq);
    this.seq = events.at(-1)?.seq ?? this.seq;
    return events;
  }
}
