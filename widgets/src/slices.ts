/** A long list drawn in slices: the rows that are seen come first, the rest some in each frame, so that no frame holds the page up. */
import type { ReactiveController, ReactiveControllerHost } from 'lit';

/** More rows than the tallest panel shows. */
const FIRST = 40;
/** Of the Runs panel they take some 30 ms of CPU time at 2.0 GHz. */
const EACH_FRAME = 24;

export class Slices implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  #drawn = 0;
  #wanted = 0;
  #frame: number | null = null;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  /** How many of `total` rows are to be drawn now. */
  of(total: number): number {
    this.#wanted = total;
    return Math.min(total, Math.max(FIRST, this.#drawn));
  }

  get isWhole(): boolean {
    return this.#drawn >= this.#wanted;
  }

  /** The list is another one: its rows are new. */
  restart(): void {
    this.#drawn = 0;
  }

  hostUpdated(): void {
    this.#drawn = Math.max(this.#drawn, Math.min(FIRST, this.#wanted));
    if (this.isWhole) return;
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null;
      this.#drawn = Math.min(this.#wanted, this.#drawn + EACH_FRAME);
      this.#host.requestUpdate();
    });
  }

  hostDisconnected(): void {
    if (this.#frame !== null) cancelAnimationFrame(this.#frame);
    this.#frame = null;
  }
}
