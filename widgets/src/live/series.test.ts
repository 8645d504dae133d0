import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Series } from './series.ts';

it('however the points come, cut and in whatever order, the curves are the same', () => {
  const point = fc.record({ step: fc.integer({ min: 1, max: 30 }), a: fc.option(fc.integer()), b: fc.option(fc.integer()) });
  fc.assert(
    fc.property(fc.uniqueArray(point, { selector: ({ step }) => step, minLength: 1 }), fc.integer({ min: 1, max: 5 }), (points, size) => {
      const whole = new Series();
      const sorted = points.toSorted((one, other) => one.step - other.step);
      whole.add(
        sorted.map(({ step }) => step),
        { a: sorted.map(({ a }) => a), b: sorted.map(({ b }) => b) },
      );
      const pieces = new Series();
      for (let at = 0; at < points.length; at += size) {
        const some = points.slice(at, at + size).toSorted((one, other) => one.step - other.step);
        pieces.add(
          some.map(({ step }) => step),
          { a: some.map(({ a }) => a), b: some.map(({ b }) => b) },
        );
      }
      expect(pieces.steps).toEqual(whole.steps);
      expect(Object.fromEntries(pieces.columns)).toEqual(Object.fromEntries(whole.columns));
    }),
  );
});

it('a column that only grows stays the same array, so that what was computed of it holds', () => {
  const series = new Series();
  series.add([1, 2], { a: [1, 2] });
  const before = series.columns.get('a');
  series.add([3], { a: [3] });
  expect(series.columns.get('a')).toBe(before);
  series.add([2], { a: [9] });
  expect(series.columns.get('a')).not.toBe(before);
});
