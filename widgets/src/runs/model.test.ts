import { expect, it } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { grouped, rows, STATES } from './model.ts';

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

it('a run that did not change keeps its row, unless it stands elsewhere', () => {
  const [a, b, c] = summaries([{ id: 'a' }, { id: 'b', parent: 'a' }, { id: 'c' }]);
  const [ofA, ofB, ofC] = rows([a, b, c]);
  const again = rows([a, b, { ...c, step: c.step + 1 }]);
  expect(again[0]).toBe(ofA);
  expect(again[1]).toBe(ofB);
  expect(again[2].steps).not.toBe(ofC.steps);
  expect(rows([b])[0].depth).toBe(0);
});

it('a run that a database names as its own ancestor is a row, too', () => {
  const list = rows(
    summaries([
      { id: 'a', parent: 'a' },
      { id: 'b', parent: 'c' },
      { id: 'c', parent: 'b' },
    ]),
  );
  expect(list.map(({ run, depth }) => [run.id, depth])).toEqual([
    ['a', 0],
    ['b', 0],
    ['c', 1],
  ]);
});

it('speed and time left are shown only while a run is running', () => {
  const fake = new FakeConnector({ runs: [{ id: 'a', steps: 40 }] });
  const running = rows([fake.summary({ id: 'a', steps: 40, state: 'running' })])[0];
  const paused = rows([{ ...fake.summary({ id: 'a', steps: 40 }), state: 'paused' }])[0];
  expect([running.speed, running.left]).toEqual(['142 rollouts/s', '3 min left']);
  expect([paused.speed, paused.left]).toEqual(['', '']);
});

it('a run of another trainer says so in the place of its variant, which nobody knows', () => {
  const imported = { from: '/output/trainer_state.json', keys: [], stride: 1, weights: {}, lacks: [] };
  const run = { ...summaries([{ id: 'a' }])[0], variant: '', imported };
  expect(rows([run])[0]).toMatchObject({ tag: 'imported', tagTitle: 'read from /output/trainer_state.json' });
  expect(grouped([run], 'variant').map(({ title }) => title)).toEqual(['imported']);
});

it('what can be done follows from the state', () => {
  expect(STATES.running.actions).toEqual(['pause', 'checkpoint', 'stop']);
  expect(STATES.interrupted.actions).toEqual(['resume']);
  expect(STATES.finished.actions).toEqual([]);
});

it('runs are gathered by tag, variant, state or day: a group stands where its first run does, runs without a tag last', () => {
  const DAY = 24 * 3_600_000;
  const [a, b, c] = summaries([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
  const list = [
    { ...a, variant: 'think', state: 'running' as const, created_at: 9 * DAY },
    {
      ...b,
      variant: 'no-think',
      state: 'failed' as const,
      created_at: 9 * DAY + 1,
      annotations: { ...b.annotations, tags: ['seed 2', 'pilot'] },
    },
    { ...c, variant: 'think', state: 'failed' as const, created_at: 2 * DAY, annotations: { ...c.annotations, tags: ['pilot'] } },
  ];
  const by = (grouping: Parameters<typeof grouped>[1]) =>
    grouped(list, grouping).map(({ title, runs }) => [title, runs.map(({ id }) => id).join('')]);
  expect(by('none')).toEqual([['', 'abc']]);
  expect(by('tag')).toEqual([
    ['seed 2', 'b'],
    ['pilot', 'bc'],
    ['no tag', 'a'],
  ]);
  expect(by('variant')).toEqual([
    ['think', 'ac'],
    ['no-think', 'b'],
  ]);
  expect(by('state')).toEqual([
    ['running', 'a'],
    ['failed', 'bc'],
  ]);
  expect(by('day').map(([, ids]) => ids)).toEqual(['ab', 'c']);
});
