import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Bins } from './bins.ts';

it('counts every finite value, in at most 48 bins, whatever the values and the order they come in', () => {
  const value = fc.oneof(fc.float({ min: -1e6, max: 1e6 }), fc.integer({ min: -3, max: 3 }), fc.constant(NaN));
  fc.assert(
    fc.property(fc.array(fc.array(value, { maxLength: 20 }), { maxLength: 12 }), (steps) => {
      const bins = new Bins(2 ** -10);
      for (const values of steps) bins.push(values);
      const counts = bins.counts(0, steps.length);
      expect(counts.length).toBeLessThanOrEqual(48);
      const finite = steps.flat().filter(Number.isFinite);
      const expected = counts.map(
        (_, bin) => finite.filter((one) => Math.floor(one / bins.width) === Math.round(bins.low / bins.width) + bin).length,
      );
      expect(counts).toEqual(expected);
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(finite.length);
    }),
  );
});

it('keeps bins fine while the values allow it, and never finer than asked for', () => {
  const bins = new Bins(1);
  bins.push([20, 21, 21]);
  expect([bins.low, bins.width, bins.counts(0, 1)]).toEqual([20, 1, [1, 2]]);
  bins.push([100]);
  expect([bins.low, bins.width]).toEqual([20, 2]);
  expect(bins.counts(0, 1).slice(0, 2)).toEqual([3, 0]);
});

it('forgets steps from a place on', () => {
  const bins = new Bins(1);
  for (const value of [1, 2, 3]) bins.push([value]);
  bins.truncate(1);
  bins.push([3]);
  expect([bins.length, bins.counts(0, 2)]).toEqual([2, [1, 0, 1]]);
});

it('of nothing there are no bins', () => {
  const bins = new Bins(1);
  bins.push([NaN]);
  expect([bins.low, bins.counts(0, 1)]).toEqual([0, []]);
});
