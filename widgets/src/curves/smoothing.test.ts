import { expect, it } from 'vitest';
import { smooth, smoothed, smooths, windowMean } from './smoothing.ts';

it('weight 0 leaves the values as they are', () => expect(smooth([1, null, 3], 0)).toEqual([1, null, 3]));

it('the first value is not pulled towards zero: the bias of the start is removed', () =>
  expect(smooth([5, 5, 5], 0.9)).toEqual([5, 5, 5].map((x) => expect.closeTo(x, 9))));

it('agrees with the formula last = w last + (1 - w) y, shown as last / (1 - w^n)', () => {
  // w = 0.5: 0.5*1 = .5 -> /.5 = 1;  .25+1 = 1.25 -> /.75 = 1.6667;  .625+2 = 2.625 -> /.875 = 3
  expect(smooth([1, 2, 4], 0.5)).toEqual([1, expect.closeTo(5 / 3, 9), expect.closeTo(3, 9)]);
});

it('what zeros left of an earlier value is zero in the end, and a small value is none', () => {
  const faded = smooth([0.5, ...Array<number>(120).fill(0)], 0.9);
  expect(faded[20]).toBeGreaterThan(0.005);
  expect(faded.slice(100)).toEqual(Array(21).fill(0));
  expect(smooth([1e6, ...Array<number>(200).fill(1e-3)], 0.9).at(-1)).toBeGreaterThanOrEqual(1e-3);
  expect(smooth([...Array<number>(50).fill(0), 1e-7], 0.9).at(-1)).toBeGreaterThan(1e-8);
});

it('a missing or infinite value is a gap and does not enter the average', () => {
  expect(smooth([1, null, Infinity, 3], 0.5)).toEqual([1, null, null, expect.closeTo(smooth([1, 3], 0.5)[1]!, 9)]);
});

it('the mean of a window is of the last points that are there, and moves no point that was drawn', () => {
  expect(windowMean([1, 3, null, 5, 7], 2)).toEqual([1, 2, null, 4, 6]);
  expect(windowMean([1, 3, null, 5, 7, 100], 2).slice(0, 5)).toEqual(windowMean([1, 3, null, 5, 7], 2));
  expect(windowMean([NaN, 2, Infinity, 4], 10)).toEqual([null, 2, null, 3]);
});

it('a kind that smooths nothing gives the values as they are', () => {
  const values = [1, null, 4];
  const settings = { smoother: 'none', smoothing: 0.9, window: 9 } as const;
  for (const one of [settings, { ...settings, smoother: 'mean', window: 1 }, { ...settings, smoother: 'ema', smoothing: 0 }] as const)
    expect([smooths(one), smoothed(values, one)]).toEqual([false, values]);
  expect(smoothed(values, { ...settings, smoother: 'mean', window: 2 })).toEqual([1, null, 2.5]);
  expect(smoothed([1, 2, 4], { ...settings, smoother: 'ema', smoothing: 0.5 })).toEqual(smooth([1, 2, 4], 0.5));
});
