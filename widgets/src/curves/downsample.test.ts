import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSparse, minMax } from './downsample.ts';

const ramp = (length: number) => Array.from({ length }, (_, index) => index);

describe('minMax', () => {
  it('leaves a line that fits as it is', () => expect(minMax({ x: [1, 2, 3], y: [3, 1, 2] }, 10)).toEqual({ x: [1, 2, 3], y: [3, 1, 2] }));

  it('keeps a single spike among 100,000 points', () => {
    const y = ramp(100_000).map(() => 0);
    y[54_321] = 9;
    const thin = minMax({ x: ramp(100_000), y }, 300);
    expect(thin.x.length).toBeLessThanOrEqual(900);
    expect(thin.y[thin.x.indexOf(54_321)]).toBe(9);
  });

  it('shows a gap of one missing value', () => {
    const y: (number | null)[] = ramp(10_000).map(() => 1);
    y[5_000] = null;
    expect(minMax({ x: ramp(10_000), y }, 100).y).toContain(null);
  });

  it('of a part, keeps the neighbours outside so that the line leaves the chart', () => {
    expect(minMax({ x: ramp(10), y: ramp(10) }, 50, 3.5, 5.5).x).toEqual([3, 4, 5, 6, 7]);
  });

  it('keeps order, extremes and the number of points in bounds for any line', () => {
    const line = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.option(fc.double({ noNaN: true, min: -1e6, max: 1e6 }))), {
      minLength: 1,
      maxLength: 600,
    });
    fc.assert(
      fc.property(line, fc.integer({ min: 1, max: 40 }), (points, buckets) => {
        let at = 0;
        const x = points.map(([gap]) => (at += gap));
        const y = points.map(([, value]) => value);
        const thin = minMax({ x, y }, buckets);
        expect(thin.x.length).toBeLessThanOrEqual(Math.max(3 * buckets, 2 * buckets));
        expect(thin.x).toEqual([...thin.x].sort((a, b) => a - b));
        const there = y.filter((value) => value !== null);
        if (there.length === 0) return;
        expect(Math.max(...thin.y.filter((value) => value !== null))).toBe(Math.max(...there));
        expect(Math.min(...thin.y.filter((value) => value !== null))).toBe(Math.min(...there));
      }),
    );
  });
});

it('a metric logged now and then is sparse, one with a gap is not', () => {
  expect(isSparse([null, null, 1, null, null, 2])).toBe(true);
  expect(isSparse([1, 2, null, 4])).toBe(false);
  expect(isSparse([null, null])).toBe(false);
});

it('a metric that begins late or ends early is dense where it is', () => {
  expect(isSparse([null, null, null, null, null, 1, 2, 3])).toBe(false);
  expect(isSparse([1, 2, null, null, null, null, null])).toBe(false);
});
