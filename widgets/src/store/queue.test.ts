import { expect, it } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import type { DeviceUse } from '../connector.ts';
import { placesBeside, waitingOf } from './queue.ts';

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

it('with several devices, and where no run is in the way, the server says what it waits for', () => {
  const demo = run('demo', { state: 'running', steps: 3 });
  const next = run('next', { state: 'queued', waits_since: 5 });
  const told = (count: number, reason: string) => ({
    devices: Array.from({ length: count }, () => ({}) as DeviceUse),
    queue: [{ kind: 'train', id: 'next', name: 'next', held: false, reason }],
  });
  const reason = 'waits: 12.0 GiB are needed on cuda:1, 3.0 GiB are free';
  expect(waitingOf(next, [next, demo], told(2, reason))).toMatchObject({ behind: null, text: `${reason} (number 1 in the queue)` });
  expect(waitingOf(next, [next], told(1, reason))!.text).toContain(reason);
  expect(waitingOf(next, [next, demo], told(1, 'waits: run demo is on cpu:0'))).toMatchObject({ behind: demo });
});

it("one that is held is in nobody's way", () => {
  const held = run('held', { state: 'queued', waits_since: 3, held: true });
  const next = run('next', { state: 'queued', waits_since: 5 });
  expect(waitingOf(held, [held, next])).toMatchObject({ behind: null, text: 'held: others go past it' });
  expect(waitingOf(next, [held, next])).toMatchObject({ behind: null, text: 'starts in a moment' });
});

it('a run moves by one place, past a pair as a whole', () => {
  const waits = (id: string, waits_since: number, more = {}) => run(id, { state: 'queued', waits_since, ...more });
  const pair = (id: string, other: string, at: number) => waits(id, at, { pair: { id: 'p', with: other, variant: 'think' } });
  const all = [waits('d', 9), pair('b', 'c', 2), waits('a', 1), pair('c', 'b', 2), run('x', { state: 'running' })];
  const [d, b, a, , x] = all;
  expect(placesBeside(a, all)).toEqual({ earlier: undefined, later: 'd' });
  expect(placesBeside(b, all)).toEqual({ earlier: 'a', later: null });
  expect(placesBeside(d, all)).toEqual({ earlier: 'b', later: undefined });
  expect(placesBeside(x, all)).toEqual({ earlier: undefined, later: undefined });
});
