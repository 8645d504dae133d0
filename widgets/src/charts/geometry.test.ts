import { expect, it } from 'vitest';
import { boxOf, isEmpty, pathOf, scalesOf, type ColumnMark, type LineMark } from './geometry.ts';

const line = (...points: LineMark['points']): LineMark => ({ kind: 'line', points, colour: '' });
const column = (from: number, value: number): ColumnMark => ({ kind: 'column', from, to: from + 1, value, colour: '' });
const SIZE = { width: 32, height: 12 };

it('a line lifts its pen over what is missing, and a point alone is a dot', () => {
  const mark = line([0, 0], [1, 1], null, [3, 0.5]);
  expect(pathOf(mark.points, scalesOf([mark], SIZE))).toBe('M1.0,11.0L11.0,1.0M31.0,6.0h0');
});

it('what is no number is a gap, and nothing but gaps is an empty chart', () => {
  expect(pathOf([[0, NaN]], scalesOf([], SIZE))).toBe('');
  expect([isEmpty([line([0, NaN], null)]), isEmpty([line([0, 1])]), isEmpty([])]).toEqual([true, false, true]);
});

it('the same value everywhere lies in the middle', () => {
  const mark = line([0, 7], [1, 7]);
  expect(pathOf(mark.points, scalesOf([mark], SIZE))).toBe('M1.0,6.0L31.0,6.0');
});

it('columns stand on zero, or on the lowest value below it, and one that counts nothing is a pixel high', () => {
  const marks = [column(0, 2), column(1, 4), column(2, 0)];
  const scales = scalesOf(marks, SIZE, [0, 4]);
  expect(marks.map((mark) => boxOf(mark, scales, SIZE))).toEqual([
    [0, 6, 8, 6],
    [8, 0, 8, 12],
    [16, 11, 8, 1],
  ]);
  const below = [column(0, -1), column(1, 1)];
  expect(below.map((mark) => boxOf(mark, scalesOf(below, SIZE), SIZE)[3])).toEqual([1, 12]);
});

it('edges that are given hold, so that two charts can be compared', () => {
  const mark = line([5, 0.5]);
  const { x, y } = scalesOf([mark], SIZE, [0, 10], [0, 1]);
  expect([x(0), x(10), y(0), y(1)]).toEqual([1, 31, 11, 1]);
});

it('a label keeps its text inside the edges', () => {
  const { x, y } = scalesOf([{ kind: 'label', at: [0, 0], text: '1', colour: '' }], SIZE, [0, 1], [0, 1]);
  expect([x(0), x(1), y(0), y(1)]).toEqual([7, 25, 5, 7]);
});
