import { expect, it } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { rows, STATES } from './model.ts';

const summaries = (runs: { id: string; parent?: string }[]) => {
  const fake = new FakeConnector({ runs });
  return runs.map((run) => fake.summary(run));
};

it('forks stand under the run they came from, also when that one is gone', () => {
  const list = rows(
    summaries([{ id: 'a' }, { id: 'b', parent: 'a' }, { id: 'c' }, { id: 'd', parent: 'b' }, { id: 'e', parent: 'deleted' }]),
  );
  expect(list.map(({ run, depth }) => [run.id, depth])).toEqual([
    ['a', 0],
    ['b', 1],
    ['d', 2],
    ['c', 0],
    ['e', 0],
  ]);
});

it('speed and time left are shown only while a run is running', () => {
  const fake = new FakeConnector({ runs: [{ id: 'a', steps: 40 }] });
  const running = rows([fake.summary({ id: 'a', steps: 40, state: 'running' })])[0];
  const paused = rows([{ ...fake.summary({ id: 'a', steps: 40 }), state: 'paused' }])[0];
  expect([running.speed, running.left]).toEqual(['142 rollouts/s', '3 min left']);
  expect([paused.speed, paused.left]).toEqual(['', '']);
});

it('what can be done follows from the state', () => {
  expect(STATES.running.actions).toEqual(['pause', 'checkpoint', 'stop']);
  expect(STATES.interrupted.actions).toEqual(['resume']);
  expect(STATES.finished.actions).toEqual([]);
});
