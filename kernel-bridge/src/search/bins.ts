/**
 * Counts of values by bin for one step after another, when nobody knows beforehand what the values will be: all steps share bins of one width, a
 * power of two, and when the values outgrow the bins each two neighbours become one. So any step can be added to any other, exactly.
 */

/** Most bins between the smallest and the largest value. */
const MOST = 48;

export class Bins {
  /** Bin b spans b * width to below (b + 1) * width. */
  width: number;
  /** Of each step: bin, count, bin, count, ...; bins ascend. */
  readonly #steps: Int32Array[] = [];
  #low = Infinity;
  #high = -Infinity;

  /** `finest`: width of a bin that is never halved. */
  constructor(finest: number) {
    this.width = finest;
  }

  get length(): number {
    return this.#steps.length;
  }

  /** Adds a step; what is not finite is left out. */
  push(values: Iterable<number>): void {
    const finite = [...values].filter(Number.isFinite);
    for (const value of finite) {
      this.#low = Math.min(this.#low, value);
      this.#high = Math.max(this.#high, value);
    }
    while (this.#bin(this.#high) - this.#bin(this.#low) >= MOST) this.#double();
    const counts = new Map<number, number>();
    for (const value of finite) {
      const bin = this.#bin(value);
      counts.set(bin, (counts.get(bin) ?? 0) + 1);
    }
    this.#steps.push(packed(counts));
  }

  /** Drops the steps from this place on. The width stays: it is wide enough for what is left. */
  truncate(length: number): void {
    this.#steps.length = length;
  }

  /** Bins of these steps together, from the lowest to the highest that any step of all has. */
  counts(from: number, end: number): number[] {
    const first = this.#first;
    const sums = new Array<number>(Number.isFinite(this.#low) ? this.#bin(this.#high) - first + 1 : 0).fill(0);
    for (const step of this.#steps.slice(from, end)) for (let i = 0; i < step.length; i += 2) sums[step[i] - first] += step[i + 1];
    return sums;
  }

  /** Where the first bin of `counts` begins. */
  get low(): number {
    return Number.isFinite(this.#low) ? this.#first * this.width : 0;
  }

  get #first(): number {
    return Number.isFinite(this.#low) ? this.#bin(this.#low) : 0;
  }

  #bin(value: number): number {
    return Math.floor(value / this.width);
  }

  #double(): void {
    this.width *= 2;
    this.#steps.forEach((step, at) => {
      const counts = new Map<number, number>();
      for (let i = 0; i < step.length; i += 2) {
        const bin = Math.floor(step[i] / 2);
        counts.set(bin, (counts.get(bin) ?? 0) + step[i + 1]);
      }
      this.#steps[at] = packed(counts);
    });
  }
}

const packed = (counts: Map<number, number>): Int32Array => Int32Array.from([...counts].sort(([a], [b]) => a - b).flat());
