import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binned, every, isSparse, pointsIn, type View } from './downsample.ts';
import type { Value } from './growing.ts';

const ramp = (length: number) => Array.from({ length }, (_, index) => index);
const view = (x: number[], more: Partial<View> = {}): View => ({ x, breaks: [], from: -Infinity, to: Infinity, ...more });

describe('every point', () => {
  it('of a part, with the neighbours outside, so that the line leaves the chart', () => {
    const part = view(ramp(10), { from: 3.5, to: 5.5 });
    expect([every(part, ramp(10)).x, pointsIn(part)]).toEqual([[3, 4, 5, 6, 7], 5]);
  });

  it('has a missing value where the line breaks', () =>
    expect(every(view([1, 2, 9, 10], { breaks: [2] }), [5, 6, 7, 8])).toEqual({ x: [1, 2, 9, 9, 10], y: [5, 6, null, 7, 8] }));
});

describe('bins', () => {
  it('keep a single spike among 100,000 points', () => {
    const y = ramp(100_000).map(() => 0);
    y[54_321] = 9;
    const { x, high } = binned(view(ramp(100_000)), y, y, 300);
    expect(x.length).toBeLessThanOrEqual(301);
    expect(Math.abs(x[high.indexOf(9)] - 54_321)).toBeLessThan(100_000 / 300 + 100);
  });

  it('show a gap of one missing value', () => {
    const y: Value[] = ramp(10_000).map(() => 1);
    y[5_000] = null;
    expect(binned(view(ramp(10_000)), y, y, 100).low.filter((value) => value === null)).toHaveLength(1);
  });

  it('end where a line breaks and begin where it goes on, however long it stood still', () => {
    const x = ramp(1000).map((at) => (at < 500 ? at : at + 5000));
    const area = binned(view(x, { breaks: [500] }), x, x, 50);
    const gap = area.low.indexOf(null);
    expect([area.x[gap - 1], area.high[gap - 1], area.x[gap + 1], area.low[gap + 1]]).toEqual([499, 499, 5500, 5500]);
  });

  it('of two columns span from the lowest of one to the highest of the other', () => {
    const [low, high] = [ramp(100).map((at) => -at), ramp(100)];
    const area = binned(view(ramp(100)), low, high, 10);
    expect([area.low[0], area.high[0], area.low.at(-1), area.high.at(-1)]).toEqual([-15, 15, -99, 99]);
  });

  it('grow with their column: what was binned before is as if it had been binned at once', () => {
    const y: Value[] = [];
    const x: number[] = [];
    for (const length of [3, 40, 41, 700, 2000]) {
      while (y.length < length) {
        x.push(y.length);
        y.push(Math.sin(y.length * 12.9898) * 43_758.5453);
      }
      const copy = [...y];
      expect(binned(view(x), y, y, 30)).toEqual(binned(view(x), copy, copy, 30));
    }
  });

  it('keep order, extremes and their number in bounds for any line, and break it where something is missing', () => {
    const line = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.option(fc.double({ noNaN: true, min: -1e6, max: 1e6 }))), {
      minLength: 1,
      maxLength: 600,
    });
    fc.assert(
      fc.property(line, fc.integer({ min: 1, max: 40 }), (points, bins) => {
        let at = 0;
        const x = points.map(([gap]) => (at += gap));
        const y = points.map(([, value]) => value);
        const area = binned(view(x), y, y, bins);
        expect(area.x.length).toBeLessThanOrEqual(2 * (bins + 1));
        expect(area.x).toEqual(area.x.toSorted((a, b) => a - b));
        const there = y.filter((value) => value !== null);
        if (there.length === 0) {
          expect(area.x).toEqual([]);
          return;
        }
        expect(Math.max(...area.high.filter((value) => value !== null))).toBe(Math.max(...there));
        expect(Math.min(...area.low.filter((value) => value !== null))).toBe(Math.min(...there));
        const inside = y.slice(
          y.findIndex((value) => value !== null),
          y.findLastIndex((value) => value !== null),
        );
        if (inside.includes(null)) expect(area.low).toContain(null);
        if (!y.includes(null)) expect(area.low).not.toContain(null);
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
