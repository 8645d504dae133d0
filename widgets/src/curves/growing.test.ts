import { expect, it, vi } from 'vitest';
import { derived, keptFor, latestFor } from './growing.ts';

it('of a column that has grown only what is new is computed', () => {
  const column = [1, 2];
  const double = vi.fn((at: number) => 2 * column[at]);
  expect(derived([column], 'double', double)).toEqual([2, 4]);
  column.push(3);
  expect(derived([column], 'double', double)).toEqual([2, 4, 6]);
  expect(double).toHaveBeenCalledTimes(3);
});

it('names tell apart what is made of the same column, and another array is another column', () => {
  const column = [1];
  expect([derived([column], 'a', () => 'a'), derived([column], 'b', () => 'b')]).toEqual([['a'], ['b']]);
  expect(derived([[1]], 'a', () => 'new')).toEqual(['new']);
});

it('what is made of two columns is made anew where the second is another', () => {
  const [first, second] = [[1], [10]];
  const sum = (other: number[]) => derived([first, other], 'sum', (at) => first[at] + other[at]);
  expect([sum(second), sum([20]), sum(second)]).toEqual([[11], [21], [11]]);
});

it('what holds for one length alone is made anew when a column has grown', () => {
  const [first, second] = [[1], [1]];
  const make = vi.fn(() => first.length + second.length);
  const latest = () => latestFor([first, second], 'length', make);
  expect([latest(), latest()]).toEqual([2, 2]);
  second.push(1);
  expect(latest()).toBe(3);
  expect(make).toHaveBeenCalledTimes(2);
  expect(keptFor([first, second], 'other', () => 'once')).toBe('once');
});
