/** Waits that end after a time, or as soon as somebody wakes them or the signal is aborted: an open poll, or a look that is due. */
export class Pauses {
  readonly #open = new Set<() => void>();

  /** How many wait now. */
  get size(): number {
    return this.#open.size;
  }

  wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#open.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#open.add(done);
      signal.addEventListener('abort', done);
    });
  }

  wake(): void {
    for (const done of this.#open) done();
  }
}
