import { mixSeed, mulberry32, shuffled } from '../stats/random.ts';

/** Salt that keeps the order of the data apart from other uses of the run's seed. */
const ORDER = 1;

/**
 * An endless stream of item indices: epoch after epoch, each in an order of its own, none left out. (TRL drops what does not fill a last
 * step; here it opens the next epoch, so small sets lose nothing.)
 */
export class DataOrder {
  readonly length: number;
  readonly #seed: number;
  #epoch = -1;
  #order: number[] = [];

  constructor(length: number, seed: number) {
    this.length = length;
    this.#seed = seed;
  }

  /** Item at a position counted from the run's start. */
  at(position: number): number {
    const epoch = Math.floor(position / this.length);
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#order = shuffled(mulberry32(mixSeed(this.#seed, ORDER, epoch)), [...Array(this.length).keys()]);
    }
    return this.#order[position % this.length];
  }

  slice(start: number, count: number): number[] {
    return Array.from({ length: count }, (_, index) => this.at(start + index));
  }
}
