import { expect, it } from 'vitest';
import { RunColours } from './run-colours.ts';

it('a run keeps its colour whatever it is shown with and in whatever order', () => {
  const colours = new RunColours();
  colours.see(['a']);
  colours.see(['b']);
  const first = { a: colours.of('a'), b: colours.of('b') };
  expect(first.a).not.toBe(first.b);
  colours.see(['b', 'a']);
  colours.see(['c', 'b', 'a']);
  expect({ a: colours.of('a'), b: colours.of('b') }).toEqual(first);
  expect(new Set(['a', 'b', 'c'].map((id) => colours.of(id))).size).toBe(3);
});

it('two runs side by side never share a colour while there is one left', () => {
  const colours = new RunColours();
  for (let run = 0; run < 40; run++) colours.see([`r${run}`]);
  const shown = ['r0', 'r7', 'r14', 'r21'];
  colours.see(shown);
  expect(new Set(shown.map((id) => colours.of(id))).size).toBe(shown.length);
  expect(colours.of('r0')).toBe(0);
});

it('a new run gets no colour that somebody chose for another one, while there is one left', () => {
  const colours = new RunColours();
  colours.choose([{ id: 'r0', annotations: { colour: 3 } }]);
  for (let run = 1; run < 7; run++) colours.see([`r${run}`]);
  expect(['r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6'].map((id) => colours.of(id)).sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
});

it('colours come back with the workspace, and what is malformed is left out', () => {
  const colours = new RunColours();
  colours.restore({ a: 3, b: 'red', c: 99 });
  colours.see(['a', 'b']);
  expect(colours.toJSON()).toMatchObject({ a: 3 });
  expect(colours.of('b')).not.toBe(3);
});
