import { expect, it } from 'vitest';
import { countsIn, rangesOf } from './histogram.ts';

it('few values stand for themselves, those that differ by rounding as one', () => {
  const values = [1, 0.1 + 0.2, 0.3, -2];
  const ranges = rangesOf(values);
  expect(ranges.map(({ from }) => from)).toEqual([-2, 0.3, 1]);
  expect(countsIn(ranges, values)).toEqual([1, 2, 1]);
});

it('many values fall into ten ranges, the greatest into the last', () => {
  const values = Array.from({ length: 21 }, (_, i) => i / 2);
  const ranges = rangesOf(values);
  expect(ranges).toHaveLength(10);
  expect([ranges[0].from, ranges[9].to]).toEqual([0, 10]);
  expect(countsIn(ranges, values)).toEqual([2, 2, 2, 2, 2, 2, 2, 2, 2, 3]);
});

it('ranges of two lists count each of them', () => {
  const [before, after] = [Array.from({ length: 12 }, (_, i) => i), [11, 11, 0]];
  const ranges = rangesOf([...before, ...after]);
  expect(countsIn(ranges, after)).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
  expect(countsIn(ranges, before).reduce((sum, one) => sum + one)).toBe(12);
});

it('of no values there is nothing', () => expect(rangesOf([])).toEqual([]));
