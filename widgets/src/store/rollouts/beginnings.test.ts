import { expect, it } from 'vitest';
import { beginnings } from './beginnings.ts';

it('a tree of shared beginnings: a branch where completions part, an end for each', () => {
  const tree = beginnings([
    [1, 2, 3, 9],
    [1, 2, 4],
    [1, 2, 3, 8],
    [1, 2],
  ]);
  expect(tree).toEqual({
    ...{ from: 0, to: 2, completions: [0, 1, 2, 3] },
    children: [
      {
        ...{ from: 2, to: 3, completions: [0, 2] },
        children: [
          { from: 3, to: 4, completions: [0], children: [] },
          { from: 3, to: 4, completions: [2], children: [] },
        ],
      },
      { from: 2, to: 3, completions: [1], children: [] },
      { from: 2, to: 2, completions: [3], children: [] },
    ],
  });
});

it('of completions that say the same has one end, of none and of empty ones no stretch', () => {
  expect(beginnings([[5, 6], [5, 6]])).toEqual({ from: 0, to: 2, completions: [0, 1], children: [] }); // prettier-ignore
  expect(beginnings([[], []])).toEqual({ from: 0, to: 0, completions: [0, 1], children: [] }); // prettier-ignore
});

it('of a thousand long completions that part at every token is made at once', () => {
  const lists = Array.from({ length: 1000 }, (_, i) => Array.from({ length: i + 1 }, () => 1));
  let depth = 0;
  for (let node = beginnings(lists); node.children.length > 0; node = node.children[0]) depth++;
  expect(depth).toBe(999);
});
