import { describe, expect, it } from 'vitest';
import { DataOrder } from './order.ts';
import { mixSeed, mulberry32, shuffled } from '../stats/random.ts';

describe('order of the data', () => {
  it('takes every item once an epoch, in another order each epoch', () => {
    const order = new DataOrder(50, 7);
    const epochs = [0, 1].map((epoch) => order.slice(50 * epoch, 50));
    for (const epoch of epochs) expect(epoch.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(epochs[0]).not.toEqual(epochs[1]);
  });

  it('is the same from any position on, for the same seed', () => {
    expect(new DataOrder(10, 3).slice(17, 9)).toEqual(new DataOrder(10, 3).slice(0, 26).slice(17));
    expect(new DataOrder(100, 3).slice(0, 100)).not.toEqual(new DataOrder(100, 4).slice(0, 100));
  });

  it('is pinned: a change here would change every run made before', () => {
    expect(shuffled(mulberry32(42), [...Array(8).keys()])).toEqual([2, 7, 1, 0, 6, 5, 3, 4]);
    expect(mixSeed(42, 1, 0)).toBe(734686623);
  });
});
