import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { minMaxRows } from './metrics.ts';

const column = fc.array(fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }), { freq: 5 }), { minLength: 1, maxLength: 400 });

describe('minMaxRows', () => {
  it('keeps every stretch’s smallest and largest value of every column, the first row and the last', () => {
    fc.assert(
      fc.property(fc.array(column, { minLength: 1, maxLength: 3 }), fc.integer({ min: 2, max: 60 }), (columns, maxPoints) => {
        const length = Math.min(...columns.map((each) => each.length));
        const rows = minMaxRows(columns, length, maxPoints);
        expect(rows).toEqual([...new Set(rows)].sort((a, b) => a - b));
        expect([rows[0], rows.at(-1)]).toEqual([0, length - 1]);
        const buckets = Math.floor(maxPoints / 2);
        for (const values of columns) {
          for (let b = 0; b < buckets && length > maxPoints; b++) {
            const [start, end] = [Math.floor((b * length) / buckets), Math.floor(((b + 1) * length) / buckets)];
            const all = values.slice(start, end).filter((value) => value !== null);
            const kept = rows.filter((i) => i >= start && i < end).flatMap((i) => values[i] ?? []);
            if (all.length === 0) continue;
            expect(Math.min(...kept)).toBe(Math.min(...all));
            expect(Math.max(...kept)).toBe(Math.max(...all));
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('keeps a spike one step wide among 100,000', () => {
    const values = new Array<number | null>(100_000).fill(1);
    values[54_321] = 1000;
    const rows = minMaxRows([values], values.length, 500);
    expect(rows).toContain(54_321);
    expect(rows.length).toBeLessThanOrEqual(502);
  });

  it('keeps everything when it fits', () => {
    expect(minMaxRows([[3, 1, 2]], 3, 3)).toEqual([0, 1, 2]);
  });
});
