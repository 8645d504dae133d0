/**
 * Workers in the process of the test, around the fake trainer: the real loop over a real run store, at a hundredth of what a process costs. A worker
 * makes the steps that it is allowed and otherwise does what it is asked to, so that a history knows how far each run has come.
 */
import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { appendFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isTraining, logFile } from '../../../kernel-bridge/src/runs/runs.ts';
import type { ServeOptions } from '../../../kernel-bridge/src/server/server.ts';
import { runWorker } from '../../../kernel-bridge/src/worker/worker.ts';
import { createFakeTrainer, fakeLoadItems } from '../../server/fake-trainer.ts';

/** How long a worker waits for whoever holds its run's lock: longer than the real one, since all processes of a history share one here. */
const LOCK_MS = 60_000;
const LOOK_MS = 20;

class Worker extends EventEmitter {
  connected = true;
  pid = process.pid;
  readonly #abort = new AbortController();
  #allowed = 0;
  #made = 0;
  /** Waits for something to do. */
  idle = false;
  ended = false;

  constructor(directory: string, home: string) {
    super();
    setImmediate(() => void this.#work(directory, home));
  }

  send(message: unknown, sent?: (error: Error | null) => void): boolean {
    setImmediate(() => {
      this.emit('told', message);
      sent?.(null);
    });
    return true;
  }

  disconnect(): void {
    this.connected = false;
    this.#abort.abort('orphan');
  }

  kill(): boolean {
    this.#abort.abort('stop');
    return true;
  }

  /** How many of so many further steps it has made when it ends, is paused or has made them all. */
  async train(steps: number): Promise<number> {
    const before = this.#made;
    this.#allowed += steps;
    this.idle = false;
    this.emit('told');
    while (!this.ended && !this.idle) await wait(1);
    this.#allowed = 0;
    return this.#made - before;
  }

  async #work(directory: string, home: string): Promise<void> {
    const log = (line: string): void => appendFileSync(logFile(directory), `${line}\n`);
    let code = 0;
    try {
      for (const end = Date.now() + LOCK_MS; isTraining(directory) && Date.now() < end;) await wait(1);
      await runWorker({
        directory,
        home,
        createTrainer: createFakeTrainer,
        loadItems: fakeLoadItems,
        log,
        signal: this.#abort.signal,
        committed: () => setImmediate(() => this.connected && this.emit('message', 'committed')),
        nudge: () => this.#nudged(),
        turn: { take: () => this.#take(), give: () => {} },
        answerAsked: async () => {},
      });
    } catch (error) {
      log(String(error));
      code = 1;
    }
    this.ended = true;
    this.connected = false;
    setImmediate(() => this.emit('exit', code, null));
  }

  async #take(): Promise<boolean> {
    if (this.#allowed === 0) {
      await this.#nudged();
      return false;
    }
    this.#allowed--;
    this.#made++;
    return true;
  }

  #nudged(): Promise<void> {
    this.idle = true;
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.off('told', done);
        this.#abort.signal.removeEventListener('abort', done);
        this.idle = false;
        resolve();
      };
      const timer = setTimeout(done, LOOK_MS);
      this.on('told', done);
      this.#abort.signal.addEventListener('abort', done);
    });
  }
}

export class Workers {
  readonly #living = new Map<string, Worker>();

  readonly fork: NonNullable<ServeOptions['fork']> = (_module, [_kind, directory, home]) => {
    const worker = new Worker(directory, home);
    const id = basename(directory);
    this.#living.set(id, worker);
    worker.once('exit', () => this.#living.get(id) === worker && this.#living.delete(id));
    return worker as unknown as ChildProcess;
  };

  train(id: string, steps: number): Promise<number> {
    return this.#living.get(id)?.train(steps) ?? Promise.resolve(0);
  }

  /** Whether all of them wait for something to do. */
  get idle(): boolean {
    return [...this.#living.values()].every((worker) => worker.idle);
  }
}
