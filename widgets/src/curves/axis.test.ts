import { expect, it } from 'vitest';
import { FollowedRun } from '../store/followed-run.ts';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { AXES, axisValues, breaksOf, pausesOf, xOfStep } from './axis.ts';

function series(times: number[], standstills: number[] = []): FollowedRun {
  const one = new FollowedRun(new FakeConnector(), 'a');
  one.steps = times.map((_, i) => i + 1);
  one.times = times.map((minute) => minute * 60_000);
  one.standstills = standstills;
  one.metrics.set('epoch', [0.1, null, 0.3, 0.4, 0.5].slice(0, times.length));
  return one;
}

it('a pause is cut out of the time that was trained: the step after it counts as a usual one', () => {
  const paused = series([0, 1, 2, 62, 63], [3]);
  expect(axisValues(paused, 'time')).toEqual([0, 1, 2, 62, 63]);
  expect(axisValues(paused, 'training')).toEqual([0, 1, 2, 3, 4]);
});

it('a step that took long by itself keeps its time', () => expect(axisValues(series([0, 1, 2, 12, 13]), 'training').at(-1)).toBe(13));

it('questions seen are counted in epochs, and never go back', () =>
  expect(axisValues(series([0, 1, 2, 3, 4]), 'epoch')).toEqual([0.1, 0.1, 0.3, 0.4, 0.5]));

it('a line breaks before the first step after a standstill, once for each', () =>
  expect(breaksOf([1, 2, 3, 4, 5], [2, 2, 5, 0])).toEqual([2]));

it('a pause is as long as the step after it took beyond the usual one; a standstill that nothing followed is none yet', () => {
  expect(pausesOf(series([0, 1, 2, 62, 63], [3, 5]))).toEqual([{ at: 3, step: 3, ms: 59 * 60_000 }]);
  expect(pausesOf(series([0, 1, 2], [2]))).toEqual([]);
});

it('what grows along x grows with the run', () => {
  const one = series([0, 1, 2]);
  expect([axisValues(one, 'time'), axisValues(one, 'training')]).toEqual([
    [0, 1, 2],
    [0, 1, 2],
  ]);
  one.steps.push(4);
  one.times.push(3 * 60_000);
  expect([axisValues(one, 'time'), axisValues(one, 'training')]).toEqual([
    [0, 1, 2, 3],
    [0, 1, 2, 3],
  ]);
});

it('questions and tokens are those that were logged; a run that never logged them has no place on such an axis', () => {
  const one = series([0, 1, 2]);
  one.metrics.set('num_questions', [16, 32, 48]);
  expect([axisValues(one, 'questions'), xOfStep(one, 'questions', 2)]).toEqual([[16, 32, 48], 32]);
  expect([axisValues(one, 'tokens'), xOfStep(one, 'tokens', 2)]).toEqual([[], null]);
  expect(AXES).toContain('questions');
});
