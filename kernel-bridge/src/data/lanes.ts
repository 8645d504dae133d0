/** Runs at most `width` jobs at a time, newest first: what was scrolled into view last is wanted most. A job given up while it waits never starts. */
export class Lanes {
  readonly #width: number;
  #running = 0;
  #waiting: (() => void)[] = [];

  constructor(width: number) {
    this.#width = width;
  }

  async run<T>(job: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.#running >= this.#width) await this.#turn(signal);
    else this.#running++;
    try {
      return await job();
    } finally {
      const next = this.#waiting.pop();
      if (next) next();
      else this.#running--;
    }
  }

  /** Resolves when a running job hands over its place. */
  #turn(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const start = () => {
        signal?.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        this.#waiting = this.#waiting.filter((other) => other !== start);
        reject(signal!.reason as Error);
      };
      this.#waiting.push(start);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }
}

/** `job` over all values, at most `width` at a time, results in their order. The first failure ends it. */
export async function mapInLanes<T, R>(values: readonly T[], width: number, job: (value: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(values.length);
  let next = 0;
  const lane = async () => {
    while (next < values.length) {
      const index = next++;
      results[index] = await job(values[index], index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, values.length) }, lane));
  return results;
}
