import { expect, it } from 'vitest';
import type { RunSummary } from '@medr1/widgets/connector';
import { newsOf } from './news.ts';

const run = (change: Partial<RunSummary> = {}): RunSummary =>
  ({ id: 'a', name: 'Demo', state: 'running', step: 12, error: null, alert: null, waits_since: null, ...change }) as RunSummary;
const told = (before: Partial<RunSummary>, after: Partial<RunSummary>) =>
  newsOf(new Map([['a', run(before)]]), [run(after)]).map(({ kind, text, step }) => [kind, text, step]);
const error = { code: 'REWARD_THREW', message: 'reward mine threw.', remedy: 'Mend it.' };

it('a run that ends is told, with the reason where it failed', () => {
  expect(told({}, { state: 'finished', step: 240 })).toEqual([['finished', 'finished at step 240.', null]]);
  expect(told({}, { state: 'failed', error })).toEqual([['trouble', 'failed. reward mine threw. Mend it.', null]]);
  expect(told({}, { state: 'interrupted' })).toEqual([['trouble', 'interrupted.', null]]);
});

it('a pause is told when an error made it, not when somebody asked for it; neither is a stop', () => {
  expect(told({}, { state: 'paused', error })).toEqual([['trouble', 'paused. reward mine threw. Mend it.', null]]);
  expect(told({}, { state: 'paused' })).toEqual([]);
  expect(told({}, { state: 'stopped' })).toEqual([]);
});

it('an alert is told once, however long it goes on, and again when it says something else', () => {
  const alert = (step: number, message: string) => ({ step, message, remedy: 'Lower it.' });
  expect(told({}, { alert: alert(7, 'KL is 3.1.') })).toEqual([['alert', 'step 7: KL is 3.1. Lower it.', 7]]);
  expect(told({ alert: alert(7, 'KL is 3.1.') }, { alert: alert(8, 'KL is 4.25.') })).toEqual([]);
  expect(told({ alert: alert(7, 'KL is 3.1.') }, { alert: alert(8, 'The loss is not finite.') })).toHaveLength(1);
  expect(told({ alert: alert(7, 'KL is 3.1.') }, { alert: null })).toEqual([]);
  expect(told({ state: 'finished' }, { state: 'finished', alert: alert(7, 'KL is 3.1.') })).toEqual([]); // somebody looked at it
});

it('a run that gets the device, or has to wait for it, is told; one that is new in the list is not', () => {
  expect(told({ state: 'queued', waits_since: 1 }, { state: 'starting' })).toEqual([['queue', 'has got the device and starts.', null]]);
  expect(told({ state: 'stopped' }, { state: 'queued', waits_since: 5 })).toEqual([['queue', 'waits for the device.', null]]);
  expect(newsOf(new Map(), [run({ state: 'failed' })])).toEqual([]);
});
