import fc from 'fast-check';
import { expect, it } from 'vitest';
import { eachColumn, type Edge } from './columns.ts';

function columnsOf(part: Edge[], sharpness = 1): [column: number, top: number, bottom: number][] {
  const out: [number, number, number][] = [];
  eachColumn(part, sharpness, (...one) => out.push(one));
  return out;
}

it('a flat area covers each column that it touches from edge to edge', () => {
  const flat: Edge[] = [
    [10, 60, 50],
    [13, 60, 50],
  ];
  expect(columnsOf(flat)).toEqual([10, 11, 12].map((at) => [at, 50, 60]));
  expect(columnsOf(flat, 2), 'two pixels of the screen for each of the page').toEqual([20, 21, 22, 23, 24, 25].map((at) => [at, 100, 120]));
});

it('a slope covers in each column what lies between its ends there, so that columns meet', () =>
  expect(
    columnsOf([
      [0, 0, 0],
      [2, 20, 20],
      [3, 20, 20],
    ]),
  ).toEqual([
    [0, 0, 10],
    [1, 10, 20],
    [2, 20, 20],
  ]));

it('a spike between two pixels keeps its height, and a single place its column', () => {
  expect(
    columnsOf([
      [4.2, 50, 50],
      [4.5, 50, 5],
      [4.8, 50, 50],
    ]),
  ).toEqual([[4, 5, 50]]);
  expect(columnsOf([[7.9, 40, 30]])).toEqual([[7, 30, 40]]);
});

it('whatever the area: columns ascend without a hole, meet their neighbours, and together reach every corner', () =>
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.double({ min: 0, max: 3, noNaN: true }), fc.integer({ min: 0, max: 90 }), fc.integer({ min: 0, max: 30 })), {
        minLength: 2,
        maxLength: 40,
      }),
      fc.constantFrom(1, 1.5, 2),
      (steps, sharpness) => {
        let x = 0;
        const part = steps.map(([far, upper, high]): Edge => [(x += far), upper + high, upper]);
        const columns = columnsOf(part, sharpness);
        columns.slice(1).forEach(([at, top, bottom], i) => {
          const [before, topBefore, bottomBefore] = columns[i];
          expect(at).toBe(before + 1);
          expect(Math.max(top, topBefore)).toBeLessThanOrEqual(Math.min(bottom, bottomBefore) + 1e-6);
        });
        for (const [, lower, upper] of part) {
          expect(Math.min(...columns.map(([, top]) => top))).toBeLessThanOrEqual(upper * sharpness + 1e-6);
          expect(Math.max(...columns.map(([, , bottom]) => bottom))).toBeGreaterThanOrEqual(lower * sharpness - 1e-6);
        }
      },
    ),
  ));
