/** Lowest and highest value of any stretch of a column, in a few looks: of every sixteen neighbours, of pairs of these, and so on, as the column grows. */
import { keptFor, type Value } from './growing.ts';

/** Of a stretch: its lowest and highest value, NaN where none is there, and whether one is missing. */
export interface Stretch {
  low: number;
  high: number;
  missing: boolean;
}

/** Points of a bin of the first level; fewer are looked at one by one. */
const FEW = 16;

/** The stretches of one size, side by side. */
class Level {
  readonly #low: number[] = [];
  readonly #high: number[] = [];
  readonly #missing: boolean[] = [];

  get length(): number {
    return this.#low.length;
  }

  push({ low, high, missing }: Stretch): void {
    this.#low.push(low);
    this.#high.push(high);
    this.#missing.push(missing);
  }

  addTo(to: Stretch, at: number): Stretch {
    const [low, high] = [this.#low[at], this.#high[at]];
    if (!(to.low <= low) && !Number.isNaN(low)) to.low = low;
    if (!(to.high >= high) && !Number.isNaN(high)) to.high = high;
    to.missing ||= this.#missing[at];
    return to;
  }
}

export class Extremes {
  readonly #values: readonly Value[];
  /** Whole bins of 16, 32, 64 … neighbours. */
  readonly #levels: Level[] = [new Level()];

  private constructor(values: readonly Value[]) {
    this.#values = values;
  }

  static of(values: readonly Value[]): Extremes {
    const extremes = keptFor([values], 'extremes', () => new Extremes(values));
    extremes.#grow();
    return extremes;
  }

  #grow(): void {
    const [first] = this.#levels;
    while ((first.length + 1) * FEW <= this.#values.length) {
      const bin = nothing();
      for (let at = first.length * FEW, end = at + FEW; at < end; at++) this.#look(at, bin);
      first.push(bin);
    }
    for (let level = 0; this.#levels[level].length >= 2; level++) {
      const [below, own] = [this.#levels[level], (this.#levels[level + 1] ??= new Level())];
      for (let bin = own.length; 2 * bin + 1 < below.length; bin++) own.push(below.addTo(below.addTo(nothing(), 2 * bin), 2 * bin + 1));
    }
  }

  #look(at: number, to: Stretch): void {
    const value = this.#values[at];
    if (value === null || !Number.isFinite(value)) to.missing = true;
    else {
      if (!(to.low <= value)) to.low = value;
      if (!(to.high >= value)) to.high = value;
    }
  }

  /** Of the points from `from` up to, but not including, `end`. */
  over(from: number, end: number): Stretch {
    const out = nothing();
    for (let at = from; at < end;) {
      const level = this.#levelAt(at, end);
      if (level < 0) this.#look(at++, out);
      else {
        const size = FEW * 2 ** level;
        this.#levels[level].addTo(out, at / size);
        at += size;
      }
    }
    return out;
  }

  /** The largest bins of which one begins here and does not pass the end; -1 where none does. */
  #levelAt(at: number, end: number): number {
    let level = -1;
    for (let size = FEW; at % size === 0 && at + size <= end && level + 1 < this.#levels.length; size *= 2) level++;
    return level;
  }
}

const nothing = (): Stretch => ({ low: NaN, high: NaN, missing: false });
