import { expect, it } from 'vitest';
import { FollowedRun } from '../store/followed-run.ts';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { axisValues, breaksOf } from './axis.ts';

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
