import { expect, it } from 'vitest';
import { diffOf, diffSize } from './diff.ts';

const lines = (...of: string[]): string => `${of.join('\n')}\n`;
const told = (before: string, after: string) => diffOf(before, after).map((one) => [one.before, one.after, one.kind, one.text]);

it('numbers the lines of both sides', () => {
  expect(told(lines('a', 'b', 'c'), lines('a', 'x', 'y', 'c'))).toEqual([
    [1, 1, 'same', 'a'],
    [2, null, 'removed', 'b'],
    [null, 2, 'added', 'x'],
    [null, 3, 'added', 'y'],
    [3, 4, 'same', 'c'],
  ]);
});

it('leaves out what is far from a change, and says where', () => {
  const before = Array.from({ length: 30 }, (_, i) => `line ${i + 1}`);
  const after = before.with(1, 'changed').with(27, 'changed too');
  const found = diffOf(lines(...before), lines(...after));
  expect(found.some(({ text }) => text === 'line 15')).toBe(false);
  expect(found.filter(({ gap }) => gap).map((one) => one.before)).toEqual([25]);
  expect(diffSize(found)).toBe('+2 −2');
});

it('of the same source there is nothing, and a missing line end is no line', () => {
  expect(diffOf('a', 'a')).toEqual([]);
  expect(told('a', 'b')).toEqual([
    [1, null, 'removed', 'a'],
    [null, 1, 'added', 'b'],
  ]);
});
