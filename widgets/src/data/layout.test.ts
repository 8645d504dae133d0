import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ASPECTS, clampAspect, GridLayout, justify, type Sizes } from './layout.ts';

const SIZES: Sizes = { width: 1000, target: 150, gap: 8, caption: 70 };
const aspect = fc.double({ min: ASPECTS.least, max: ASPECTS.most, noNaN: true });
const sizes = fc.record({ width: fc.integer({ min: 200, max: 3000 }), target: fc.integer({ min: 80, max: 200 }) });

describe('justified rows', () => {
  it('hold every item once and in order, and fill the width to the pixel', () => {
    fc.assert(
      fc.property(fc.array(aspect, { minLength: 1, maxLength: 120 }), sizes, (aspects, { width, target }) => {
        const rows = justify(aspects, { ...SIZES, width, target }, false);
        let next = 0;
        for (const { first, widths } of rows) {
          expect(first).toBe(next);
          next += widths.length;
          expect(widths.reduce((a, b) => a + b, 0) + SIZES.gap * (widths.length - 1)).toBe(width);
          expect(Math.min(...widths)).toBeGreaterThan(0);
        }
        expect(next).toBe(aspects.length);
      }),
    );
  });

  it('come near the target height', () => {
    const aspects = Array.from({ length: 100 }, (_, at) => 0.8 + (at % 7) * 0.25);
    for (const { height } of justify(aspects, SIZES, false)) expect(Math.abs(Math.log(height / SIZES.target))).toBeLessThan(0.25);
  });

  it('keep the aspects of the images', () => {
    const rows = justify([1, 1.5, 2, 0.75, 1.2, 1, 1], SIZES, false);
    for (const { first, widths, height } of rows)
      widths.forEach((width, at) => expect(Math.abs(width / height - [1, 1.5, 2, 0.75, 1.2, 1, 1][first + at])).toBeLessThan(0.06));
  });

  it('the last one of all is not blown up to fill its row', () => {
    expect(justify([1], SIZES, true)).toMatchObject([{ height: 150, widths: [150] }]);
    expect(justify([1], SIZES, false)[0].widths).toEqual([1000]);
  });
});

it('an image of no known size, or a strip, gets a tile that one can read', () => {
  expect(clampAspect(null, null)).toBe(1);
  expect(clampAspect(4000, 10)).toBe(ASPECTS.most);
  expect(clampAspect(10, 4000)).toBe(ASPECTS.least);
});

describe('a layout of which little is known', () => {
  const aspectsOf = (page: number): number[] => Array.from({ length: 100 }, (_, at) => 0.8 + ((at * 7 + page * 3) % 11) * 0.15);
  const all = (layout: GridLayout) => layout.rows(0, layout.height + 1);

  it('has a place for every item, known or not, and no two rows overlap', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1234 }), fc.uniqueArray(fc.nat(12)), sizes, (count, known, size) => {
        const layout = new GridLayout(count, 100, { ...SIZES, ...size });
        for (const page of known) if (page * 100 < count) layout.learn(page, aspectsOf(page).slice(0, Math.min(100, count - page * 100)));
        const rows = all(layout);
        expect(rows.flatMap((row) => row.widths.map((_, at) => row.index + at))).toEqual(Array.from({ length: count }, (_, at) => at));
        rows.forEach((row, at) => {
          if (at > 0) expect(row.y).toBeGreaterThanOrEqual(rows[at - 1].y + rows[at - 1].height + SIZES.caption);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('keeps what is at the top of the window there when pages above it become known', () => {
    const layout = new GridLayout(2000, 100, SIZES);
    layout.learn(10, aspectsOf(10));
    const top = layout.rowOf(1030)!.y + 40;
    const anchor = layout.anchorAt(top);
    for (const page of [3, 4, 9]) layout.learn(page, aspectsOf(page));
    const moved = layout.topOf(anchor);
    expect(moved).not.toBe(top);
    expect(moved - layout.rowOf(1030)!.y).toBe(40);
  });

  it('keeps the share of an unknown page that was scrolled past', () => {
    const layout = new GridLayout(2000, 100, SIZES);
    const start = layout.rowOf(500)!.y;
    const height = layout.rowOf(600)!.y - start;
    const anchor = layout.anchorAt(start + height / 2);
    layout.learn(5, aspectsOf(5));
    const now = layout.rowOf(600)!.y - layout.rowOf(500)!.y;
    expect(layout.topOf(anchor) - layout.rowOf(500)!.y).toBeCloseTo(now / 2);
  });

  it('finds the item below and above by their middles, and stays at the edges', () => {
    const layout = new GridLayout(30, 100, SIZES);
    layout.learn(0, Array(30).fill(1));
    const perRow = layout.rowOf(0)!.widths.length;
    expect(layout.beside(1, 1)).toBe(perRow + 1);
    expect(layout.beside(perRow + 1, -1)).toBe(1);
    expect(layout.beside(1, -1)).toBe(1);
    expect(layout.beside(29, 1)).toBe(29);
  });

  it('takes over what was known of the same questions', () => {
    const before = new GridLayout(300, 100, SIZES);
    for (const page of [0, 1]) before.learn(page, aspectsOf(page));
    const after = new GridLayout(300, 100, SIZES);
    after.inherit(before);
    expect(all(after)).toEqual(all(before));
    expect(after.rowOf(150)!.known).toBe(true);
    after.learn(1, Array(100).fill(1)); // the images have been read meanwhile
    expect(after.rowOf(100)!.widths).toEqual(justify(Array(100).fill(1), SIZES, false)[0].widths);
  });
});
