import { nanMean } from './advantages.ts';

/** Values of one step by metric name, averaged as TRL's `log` does: NaN left out, null when nothing is left. */
export class Meters {
  readonly #values = new Map<string, number[]>();

  add(name: string, value: number): void {
    const values = this.#values.get(name);
    if (values === undefined) this.#values.set(name, [value]);
    else values.push(value);
  }

  addAll(values: Record<string, number>): void {
    for (const [name, value] of Object.entries(values)) this.add(name, value);
  }

  /** Values of another Meters, after those here. */
  addValues(values: ReturnType<Meters['values']>): void {
    for (const [name, list] of values) for (const value of list) this.add(name, value);
  }

  /** Every value by name, in the order of first use. */
  values(): [name: string, values: number[]][] {
    return [...this.#values];
  }

  /** Means in the order of first use. An infinite value stays: it must be seen. */
  read(): Record<string, number | null> {
    const means = [...this.#values].map(([name, values]) => [name, nanMean(values)] as const);
    return Object.fromEntries(means.map(([name, mean]) => [name, Number.isNaN(mean) ? null : mean]));
  }
}

/** Seconds spent in the parts of a step, as metrics `time/{part}_s`. */
export class StepClock {
  readonly #start = performance.now();
  readonly #parts = new Map<string, number>();

  async time<T>(part: string, work: () => T | Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      return await work();
    } finally {
      this.#parts.set(part, (this.#parts.get(part) ?? 0) + (performance.now() - start) / 1000);
    }
  }

  /** Wall time since the step began, in seconds. */
  get elapsed(): number {
    return (performance.now() - this.#start) / 1000;
  }

  read(): Record<string, number> {
    return Object.fromEntries([...this.#parts].map(([part, seconds]) => [`time/${part}_s`, seconds]));
  }
}
