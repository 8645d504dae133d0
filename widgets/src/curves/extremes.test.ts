import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Value } from './growing.ts';
import { Extremes } from './extremes.ts';

const values = fc.array(fc.option(fc.double({ noNaN: true, min: -1e9, max: 1e9 })), { minLength: 1, maxLength: 400 });

it('of any stretch they are what a look at every point finds, also after the column has grown', () => {
  fc.assert(
    fc.property(values, values, fc.nat(), fc.nat(), (before, after, a, b) => {
      const column: Value[] = [...before];
      Extremes.of(column);
      column.push(...after);
      const [from, end] = [a % column.length, (b % column.length) + 1].sort((one, other) => one - other);
      const part = column.slice(from, end);
      const there = part.filter((value) => value !== null);
      expect(Extremes.of(column).over(from, end)).toEqual({
        low: there.length > 0 ? Math.min(...there) : NaN,
        high: there.length > 0 ? Math.max(...there) : NaN,
        missing: part.includes(null),
      });
    }),
  );
});

it('what is no finite number is missing', () => {
  const column = [1, Infinity, NaN, 3, -Infinity];
  expect(Extremes.of(column).over(0, 5)).toEqual({ low: 1, high: 3, missing: true });
});
