import { expect, it } from 'vitest';
import type { ChartLine } from './line.ts';
import { random } from '../../testing/drawing.ts';
import { BY_SEED, differingKeys, groupsBy, meansOf } from './groups.ts';

const run = (id: string, config: Record<string, unknown>) => ({ id, config: config as never });
const runs = [
  run('a', { seed: 1, learning_rate: 1e-5, beta: 0, run_name: 'a' }),
  run('b', { seed: 2, learning_rate: 1e-5, beta: 0, run_name: 'b' }),
  run('c', { seed: 1, learning_rate: 1e-4, beta: 0, run_name: 'c' }),
];

const line = (id: string, x: number[], values: (number | null)[], metric = 'reward'): ChartLine => ({
  ...{ metric, label: id, name: '', who: id, colour: id, dash: 'solid', shape: 'linear', sparse: false, spread: null, breaks: [] },
  run: { series: { id } as never, colour: 0 },
  x,
  raw: values,
  shown: values,
});

it('runs are grouped by a key, or by all keys but the seed', () => {
  expect(differingKeys(runs)).toEqual(['learning_rate']);
  expect(groupsBy(runs, BY_SEED).map((group) => [group.label, group.runs])).toEqual([
    ['learning_rate 0.00001, 2 runs', ['a', 'b']],
    ['learning_rate 0.0001, 1 run', ['c']],
  ]);
  expect(groupsBy(runs.slice(0, 2), BY_SEED)).toEqual([{ label: '2 runs', runs: ['a', 'b'] }]);
  expect(groupsBy(runs, 'beta')).toEqual([{ label: 'beta 0, 3 runs', runs: ['a', 'b', 'c'] }]);
  expect(groupsBy([run('a', {}), { id: 'b', config: null }], 'beta')[0].runs).toEqual(['a', 'b']);
});

it('a group has the mean of its lines and their standard deviation, where at least two have a value', () => {
  const lines = [line('a', [1, 2, 3], [1, 2, null]), line('b', [1, 2, 3], [3, 2, 5]), line('c', [1], [9])];
  const [both, alone] = meansOf(lines, groupsBy(runs, BY_SEED));
  expect([both.label, both.x, both.shown, both.spread]).toEqual([
    'learning_rate 0.00001, 2 runs',
    [1, 2, 3],
    [2, 2, 5],
    [expect.closeTo(Math.SQRT2), 0, null],
  ]);
  expect([alone.label, alone.shown, alone.spread]).toEqual(['c', [9], null]);
});

it('lines with points at other places meet in between, and none counts beyond its ends', () => {
  const [mean] = meansOf([line('a', [0, 10], [0, 10]), line('b', [5, 20], [1, 1])], [{ label: 'g', runs: ['a', 'b'] }]);
  expect([mean.x, mean.shown]).toEqual([
    [0, 5, 10, 20],
    [0, 3, 5.5, 1],
  ]);
});

it('metrics stay apart', () => {
  const lines = [line('a', [1], [1], 'kl'), line('a', [1], [2], 'entropy'), line('b', [1], [3], 'kl'), line('b', [1], [4], 'entropy')];
  expect(meansOf(lines, [{ label: 'g', runs: ['a', 'b'] }]).map(({ metric, shown }) => [metric, shown])).toEqual([
    ['kl', [2]],
    ['entropy', [3]],
  ]);
});

it('where all runs stood still the mean breaks, and where one did it is that of the others', () => {
  const a = { ...line('a', [0, 10, 30, 40], [1, 1, 1, 1]), breaks: [2] };
  const b = { ...line('b', [0, 12, 28, 40], [3, 3, 3, 3]), breaks: [2] };
  const [both] = meansOf([a, b], [{ label: 'g', runs: ['a', 'b'] }]);
  expect([both.x, both.breaks, both.shown]).toEqual([[0, 10, 12, 28, 30, 40], [3], [2, 2, 3, 3, 2, 2]]);
  const [one] = meansOf([a, line('b', [0, 20, 40], [3, 3, 3])], [{ label: 'g', runs: ['a', 'b'] }]);
  expect([one.x, one.breaks, one.shown]).toEqual([[0, 10, 20, 30, 40], [], [2, 2, 3, 2, 2]]);
});

it('the mean of lines that have grown is as if they had been whole at once, whichever of them grew', () => {
  const chance = random(7);
  const [a, b] = [line('a', [], []), line('b', [], [])];
  const members = [{ label: 'g', runs: ['a', 'b'] }];
  for (let round = 0; round < 60; round++) {
    const grows = chance() < 0.5 ? a : b;
    grows.x.push((grows.x.at(-1) ?? 0) + (chance() < 0.5 ? 1 : chance()));
    grows.raw.push(chance() < 0.1 ? null : chance());
    const copies = [a, b].map((one) => ({ ...one, x: [...one.x], raw: [...one.raw], shown: [...one.shown] }));
    expect(meansOf([a, b], members)).toEqual(meansOf(copies, members).map((mean) => ({ ...mean, run: a.run })));
  }
});

it('what the means of equally long lines were made of stays, so that what is made of them stays too', () => {
  const [a, b] = [line('a', [1, 2], [1, 2]), line('b', [1, 2], [3, 4])];
  const means = () => meansOf([a, b], [{ label: 'g', runs: ['a', 'b'] }])[0];
  const before = means().shown;
  for (const one of [a, b]) {
    one.x.push(3);
    one.raw.push(5);
  }
  expect([means().shown, means().shown === before]).toEqual([[2, 3, 5], true]);
});
