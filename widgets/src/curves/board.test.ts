import { expect, it } from 'vitest';
import { arranged, EMPTY_BOARD, endOf, movedTo, neighbour, newId, readBoard, sizeOf, withinSizes } from './board.ts';
import { chartsFor, OWN_GROUP } from './charts.ts';

const charts = chartsFor(['reward', 'kl', 'grad_norm']);
const ids = (board: Partial<typeof EMPTY_BOARD>): string[] => arranged(charts, { ...EMPTY_BOARD, ...board }).map(({ id }) => id);

it('charts stand in reading order until they are moved; a metric that comes later follows those that were', () => {
  expect(ids({})).toEqual(['reward', 'kl', 'grad_norm']);
  expect(ids({ order: ['grad_norm', 'reward'] })).toEqual(['grad_norm', 'reward', 'kl']);
  expect(ids({ order: ['gone', 'kl'] })).toEqual(['kl', 'reward', 'grad_norm']);
});

it('a chart that is moved takes the place of another, from either side', () => {
  expect(movedTo(['a', 'b', 'c', 'd'], 'd', 'b')).toEqual(['a', 'd', 'b', 'c']);
  expect(movedTo(['a', 'b', 'c', 'd'], 'a', 'c')).toEqual(['b', 'c', 'a', 'd']);
  expect(movedTo(['a', 'b'], 'x', 'a')).toEqual(['a', 'b']);
  expect([neighbour(['a', 'b'], 'a', 1), neighbour(['a', 'b'], 'b', 1), neighbour(['a', 'b'], 'a', -1)]).toEqual(['b', null, null]);
});

it('a chart of chosen metrics comes first, with the unit that its metrics share', () => {
  const [first] = arranged(charts, { ...EMPTY_BOARD, own: [{ id: 'own:1', title: 'Mine', metrics: ['kl', 'entropy'] }] });
  expect(first).toMatchObject({ id: 'own:1', title: 'Mine', group: OWN_GROUP, unit: 'nats' });
  const mixed = arranged([], { ...EMPTY_BOARD, own: [{ id: 'own:1', title: 'Mine', metrics: ['kl', 'step_time'] }] });
  expect(mixed[0].unit).toBe('');
  expect(newId([{ id: 'own:1', title: '', metrics: [] }])).toBe('own:2');
});

it('a chart is never wider than the page nor smaller than can be read, and an expanded one is high', () => {
  const board = { sizes: { kl: { columns: 3, height: 300 } }, expanded: null };
  expect(sizeOf(board, 'kl', 2)).toEqual({ columns: 2, height: 300 });
  expect(sizeOf(board, 'reward')).toEqual({ columns: 1, height: 190 });
  expect(sizeOf({ ...board, expanded: 'kl' }, 'kl').height).toBeGreaterThan(300);
  expect(withinSizes({ columns: 0.2, height: 1 })).toEqual({ columns: 1, height: 120 });
  expect(withinSizes({ columns: 99, height: 1e9 })).toEqual({ columns: 4, height: 900 });
});

it('an end of y is a number, or nothing', () =>
  expect([endOf(' 1.5 '), endOf('−2'), endOf(''), endOf('high')]).toEqual([1.5, -2, null, undefined]));

it('of a stored board what is well formed is read', () => {
  expect(
    readBoard({
      order: ['a', 3],
      sizes: { a: { columns: 2, height: 50 }, b: { columns: 'wide' } },
      ranges: { a: [0, null], b: [1], c: ['x', 2] },
      own: [{ id: 'own:1', title: 'T', metrics: ['kl'] }, { id: 'own:2', title: 'none', metrics: [] }, 7],
      pinned: 'kl',
    }),
  ).toEqual({
    order: ['a'],
    sizes: { a: { columns: 2, height: 120 } },
    ranges: { a: [0, null] },
    own: [{ id: 'own:1', title: 'T', metrics: ['kl'] }],
  });
});
