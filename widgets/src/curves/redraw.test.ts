import { expect, it } from 'vitest';
import type { ChartLine } from './line.ts';
import { drawnNow, isSeen } from './redraw.ts';

const WIDTH = 252; // 200 pixels to plot on
const line = (steps: number, value: (step: number) => number | null = () => 0.5): ChartLine => {
  const x = Array.from({ length: steps }, (_, i) => i + 1);
  const values = x.map(value);
  return { x, raw: values, shown: values } as unknown as ChartLine;
};
const seen = (before: ChartLine[], after: ChartLine[], x: [number, number]): boolean =>
  isSeen(drawnNow(before, [1, before[0].x.length], [0, 1]), after, x, WIDTH);

it('one step of twenty thousand is not seen, one of a hundred is', () => {
  expect(seen([line(20_000)], [line(20_001)], [1, 20_001])).toBe(false);
  expect(seen([line(100)], [line(101)], [1, 101])).toBe(true);
});

it('steps add up until they are', () => {
  expect(seen([line(20_000)], [line(20_049)], [1, 20_049])).toBe(false);
  expect(seen([line(20_000)], [line(20_060)], [1, 20_060])).toBe(true);
});

it('a value that the drawing does not span is seen, and so is a run that grows within what others span', () => {
  const spike = (step: number): number => (step === 20_001 ? 9 : 0.5);
  expect(seen([line(20_000)], [line(20_001, spike)], [1, 20_001])).toBe(true);
  expect(isSeen(drawnNow([line(20_000), line(100)], [1, 20_000], [0, 1]), [line(20_000), line(300)], [1, 20_000], WIDTH)).toBe(true);
});

it('another number of lines, fewer points and a first point are seen', () => {
  expect(seen([line(20_000)], [line(20_000), line(1)], [1, 20_000])).toBe(true);
  expect(seen([line(20_000)], [line(19_999)], [1, 20_000])).toBe(true);
  expect(isSeen(drawnNow([line(0)], [1, 20_000], [0, 1]), [line(1)], [1, 20_000], WIDTH)).toBe(true);
});
