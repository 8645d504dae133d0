import { expect, it } from 'vitest';
import { settled, valueAt, type Schedule } from './scheduled.ts';

const along = (schedule: Schedule['schedule']): Schedule => ({ schedule, from: 1, to: 0, start: 10, end: 14 });
const values = (schedule: Schedule, steps: number[]): number[] => steps.map((step) => valueAt(schedule, step));

it('holds its ends outside, and moves between them', () => {
  const steps = [1, 10, 11, 12, 13, 14, 99];
  expect(values(along('linear'), steps)).toEqual([1, 1, 0.75, 0.5, 0.25, 0, 0]);
  const wave = 0.5 * (1 - Math.SQRT1_2); // (1 - cos 45°) / 2
  [1, 1, 1 - wave, 0.5, wave, 0, 0].forEach((wanted, i) => expect(valueAt(along('cosine'), steps[i])).toBeCloseTo(wanted, 12));
  expect(values(along('step'), steps)).toEqual([1, 1, 1, 1, 1, 0, 0]);
});

it('begins with the next step where it does not say when, and ends so many steps later', () => {
  const given = { schedule: 'linear', from: 0, to: 2 } as const;
  expect(settled({ ...given, over: 5 }, 7)).toEqual({ ...given, start: 7, end: 12 });
  expect(settled({ ...given, start: 3, end: 4 }, 7)).toEqual({ ...given, start: 3, end: 4 });
  expect(settled({ ...given, end: 7 }, 7)).toMatch(/must end after step 7/);
  expect(settled(given, 7)).toMatch(/either end or over/);
  expect(settled({ ...given, end: 9, over: 2 }, 7)).toMatch(/either end or over/);
});
