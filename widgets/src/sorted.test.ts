import { expect, it } from 'vitest';
import { lowerBound, nearest } from './sorted.ts';

it('lowerBound finds the first element that is not less', () =>
  expect([0, 1, 2, 9].map((value) => lowerBound([1, 2, 2, 5], value))).toEqual([0, 0, 1, 4]));

it('nearest finds the closest element, and -1 in nothing', () => {
  expect([-5, 1.4, 1.6, 99].map((value) => nearest([0, 1, 2, 3], value))).toEqual([0, 1, 2, 3]);
  expect(nearest([], 1)).toBe(-1);
});
