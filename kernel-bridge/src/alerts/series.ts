/** Metrics of a run as rules read them: by name, in the order in which they were logged. */

/** A step's values by metric; null = no value. A value that is not finite is kept, so that a rule can name it. */
export type Metrics = Readonly<Record<string, number | null>>;

interface Column {
  steps: number[];
  values: number[];
}

const NONE: Column = { steps: [], values: [] };

export class Series {
  readonly #columns = new Map<string, Column>();
  /** Steps from one that is logged to the next: windows count those that are. */
  readonly stride: number;
  /** The newest step. */
  step = 0;
  /** The first step. */
  from = 0;

  constructor(stride = 1) {
    this.stride = stride;
  }

  /** The first of the last `n` steps that are logged. */
  since(n: number): number {
    return Math.max(this.from, this.step - n * this.stride + 1);
  }

  /** How many steps were logged up to the newest, itself included. */
  get length(): number {
    return Math.floor((this.step - this.from) / this.stride) + 1;
  }

  /** What a step logged, and later what an evaluation after it did. Steps come in ascending order. */
  add(step: number, metrics: Metrics): void {
    this.step = step;
    this.from ||= step;
    for (const [name, value] of Object.entries(metrics)) {
      if (value === null) continue;
      let column = this.#columns.get(name);
      if (!column) this.#columns.set(name, (column = { steps: [], values: [] }));
      column.steps.push(step);
      column.values.push(value);
    }
  }

  /** Names of the metrics that a pattern fits. */
  names(pattern: RegExp): string[] {
    return [...this.#columns.keys()].filter((name) => pattern.test(name));
  }

  /** Finite values of the last `n` steps, oldest first. */
  last(name: string, n: number): number[] {
    const { steps, values } = this.#columns.get(name) ?? NONE;
    let at = steps.length;
    while (at > 0 && steps[at - 1] > this.step - n * this.stride) at--;
    return values.slice(at).filter(Number.isFinite);
  }

  /** The first `n` finite values. */
  first(name: string, n: number): number[] {
    return (this.#columns.get(name) ?? NONE).values
      .slice(0, 2 * n)
      .filter(Number.isFinite)
      .slice(0, n);
  }

  /** The last `n` values, however far back: of metrics that only some steps log. */
  points(name: string, n = Infinity): { step: number; value: number }[] {
    const { steps, values } = this.#columns.get(name) ?? NONE;
    const from = Math.max(0, steps.length - n);
    return values.slice(from).map((value, i) => ({ step: steps[from + i], value }));
  }

  /** The value of the newest step; undefined where it has none. */
  now(name: string): number | undefined {
    const { steps, values } = this.#columns.get(name) ?? NONE;
    return steps.at(-1) === this.step ? values.at(-1) : undefined;
  }
}

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
