/**
 * Writes that a full disk refuses. The run pauses until the disk has room, then repeats the same write, so that nothing computed is lost.
 * A reserve file lies beside the run's database; it is deleted when the disk is full, and its room holds the note that the run is paused.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ErrorBody } from '../protocol/errors.ts';
import type { RunState } from '../protocol/run.ts';
import { hasRoom, isDiskFull } from '../log/disk-space.ts';
import { errors } from '../runs/errors.ts';
import type { RunStore } from '../runs/store.ts';

/** A few changes of state, and what users ask for meanwhile. */
const RESERVE_BYTES = 1 << 20;

export interface DiskOptions {
  signal: AbortSignal;
  nudge: () => Promise<void>;
  committed: () => void;
  log: (line: string) => void;
}

export class PatientDisk implements Disposable {
  readonly #store: RunStore;
  readonly #options: DiskOptions;
  /** What goes on while the run waits. */
  meanwhile: () => Promise<void> = async () => {};

  constructor(store: RunStore, options: DiskOptions) {
    this.#store = store;
    this.#options = options;
    this.#reserve();
  }

  /** Throws what stopped the write when the run is to end before there is room. `bytes`: about what it takes. */
  async write<T>(work: () => T | Promise<T>, bytes = 0): Promise<T> {
    let before: { state: RunState; error: ErrorBody | null } | null = null;
    for (;;) {
      try {
        if (before) this.#say(before);
        before = null;
        return await work();
      } catch (error) {
        if (!isDiskFull(error)) throw error;
        this.#options.log(String(error));
        before ??= this.#store.row();
        await this.#wait(error, bytes);
      }
    }
  }

  async #wait(error: unknown, bytes: number): Promise<void> {
    const { signal, nudge } = this.#options;
    rmSync(this.#file, { force: true });
    let said = false;
    do {
      said ||= this.#sayFull();
      await nudge();
      await this.meanwhile();
      if (signal.aborted || this.#store.pending().some(({ action }) => action === 'stop')) throw error;
    } while (!hasRoom(this.#store.directory, bytes));
    this.#reserve();
  }

  #say({ state, error }: { state: RunState; error: ErrorBody | null }): void {
    this.#store.setState(state, error);
    this.#options.committed();
  }

  /** False when not even that fits. */
  #sayFull(): boolean {
    try {
      this.#say({ state: 'paused', error: errors.diskFull(this.#store.directory).toJSON() });
      return true;
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      return false;
    }
  }

  get #file(): string {
    return join(this.#store.directory, 'reserve');
  }

  #reserve(): void {
    try {
      writeFileSync(this.#file, Buffer.alloc(RESERVE_BYTES));
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      rmSync(this.#file, { force: true });
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#file, { force: true });
  }
}
