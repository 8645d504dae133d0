/** Statistics of the rollouts of the runs that are shown: asked for once, then again as a run goes on. No DOM here. */
import type { Connector } from '../connector.ts';
import type { RolloutStatistics } from '@medr1/kernel-bridge/protocol/statistics';
import { Observable } from '../observable.ts';

/** Milliseconds between two looks at a run that goes on, and before one whose steps are still being read is asked again. */
const EVERY_MS = 5000;
const AGAIN_MS = 400;

interface Held {
  value: RolloutStatistics | null;
  /** Last step of the run when it was asked for. */
  step: number;
  /** Milliseconds since 1970. */
  at: number;
  asking: boolean;
}

export class RunStatistics {
  /** Counts what came. */
  readonly changed = new Observable(0);
  readonly #connector: Pick<Connector, 'search'>;
  readonly #held = new Map<string, Held>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wanted: readonly { id: string; lastStep: number }[] = [];

  constructor(connector: Pick<Connector, 'search'>) {
    this.#connector = connector;
  }

  /** Null while nothing has come. */
  of(run: string): RolloutStatistics | null {
    return this.#held.get(run)?.value ?? null;
  }

  /** Asks for what is not known of these runs; a run that made steps since is asked for again after a while. */
  want(runs: readonly { id: string; lastStep: number }[]): void {
    this.#wanted = runs;
    for (const { id, lastStep } of runs) {
      const held = this.#held.get(id);
      if (held?.asking || lastStep === 0) continue;
      const wait = held?.value?.complete === false ? AGAIN_MS : EVERY_MS;
      if (held?.value?.complete && held.step === lastStep) continue;
      if (held && Date.now() < held.at + wait) this.#lookAgain(wait);
      else void this.#ask(id, lastStep);
    }
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#wanted = [];
  }

  async #ask(id: string, step: number): Promise<void> {
    const before = this.#held.get(id)?.value ?? null;
    this.#held.set(id, { value: before, step, at: Date.now(), asking: true });
    let value = before;
    try {
      value = await this.#connector.search.statistics(id);
    } catch {
      // The charts of what came before stay; a run that goes on is asked for again.
    }
    this.#held.set(id, { value, step, at: Date.now(), asking: false });
    this.changed.update((count) => count + 1);
    if (this.#wanted.some((one) => one.id === id) && value?.complete === false) this.#lookAgain(AGAIN_MS);
  }

  #lookAgain(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.want(this.#wanted);
    }, ms);
  }
}
