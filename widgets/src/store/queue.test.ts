import { expect, it } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { waitingOf } from './queue.ts';

const connector = new FakeConnector();
const run = (id: string, more: object) => connector.summary({ id, name: id, ...more });

it('a queued run says which run has the device, and how far it is', () => {
  const demo = run('demo', { state: 'running', steps: 149, total: 240 });
  const next = run('next', { state: 'queued', waits_since: 5 });
  expect(waitingOf(next, [next, demo])).toMatchObject({ behind: demo, place: 1, text: 'waits for demo (running at 149/240)' });
});

it('runs that were asked to start earlier go first', () => {
  const demo = run('demo', { state: 'running', steps: 3 });
  const [a, b] = [run('a', { state: 'queued', waits_since: 9 }), run('b', { state: 'queued', waits_since: 4 })];
  expect(waitingOf(a, [a, b, demo])).toMatchObject({ behind: b, place: 2 });
  expect(waitingOf(b, [a, b, demo])).toMatchObject({ behind: demo, place: 1 });
});

it("a paused run is in nobody's way, and a run that nobody started says so", () => {
  const paused = run('demo', { state: 'paused', steps: 3 });
  const next = run('next', { state: 'queued', waits_since: 5 });
  expect(waitingOf(next, [next, paused])).toMatchObject({ behind: null, text: 'starts in a moment' });
  const made = run('made', { state: 'queued' });
  expect(waitingOf(made, [made, paused])).toMatchObject({ text: 'not started yet' });
  expect(waitingOf(paused, [paused])).toBeNull();
});

it('the two of a pair are one place, and wait for each other never', () => {
  const demo = run('demo', { state: 'running', steps: 3 });
  const a = run('a', { state: 'queued', waits_since: 4, pair: { id: 'p', with: 'b', variant: 'no-think' } });
  const b = run('b', { state: 'queued', waits_since: 5, pair: { id: 'p', with: 'a', variant: 'think' } });
  const after = run('after', { state: 'queued', waits_since: 6 });
  const all = [demo, a, b, after];
  expect([a, b].map((one) => waitingOf(one, all))).toMatchObject([
    { behind: demo, place: 1 },
    { behind: demo, place: 1 },
  ]);
  expect(waitingOf(after, all)).toMatchObject({ place: 2 });
});
