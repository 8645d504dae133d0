import { expect, it, vi } from 'vitest';
import { NOTHING, SelectionModel } from './selection.ts';

it('moving the step drops the group and completion of the old one', () => {
  const selection = new SelectionModel();
  selection.move({ runs: ['a'], step: 3, group: 1, completion: 2, token: 5 });
  selection.move({ step: 4 });
  expect(selection.value).toEqual({ ...NOTHING, runs: ['a'], step: 4 });
});

it('choosing a completion of another step in one move keeps all that was given', () => {
  const selection = new SelectionModel();
  selection.move({ runs: ['a'], step: 3, group: 1 });
  selection.move({ step: 4, group: 1, completion: 0 });
  expect(selection.value).toMatchObject({ step: 4, group: 1, completion: 0 });
});

it('moving to where it is tells nobody', () => {
  const selection = new SelectionModel();
  selection.move({ runs: ['a'], step: 3 });
  const listener = vi.fn();
  selection.subscribe(listener);
  selection.move({ runs: ['a'], step: 3 });
  expect(listener).not.toHaveBeenCalled();
});

it('overlaying a second run keeps the step, and taking it away again too', () => {
  const selection = new SelectionModel();
  selection.move({ runs: ['a'], step: 3 });
  selection.toggleRun('b');
  expect(selection.value).toMatchObject({ runs: ['a', 'b'], step: 3 });
  selection.toggleRun('b');
  expect(selection.value.runs).toEqual(['a']);
});

it('comes back from its JSON, and ignores what is malformed', () => {
  const selection = new SelectionModel();
  selection.move({ runs: ['a'], step: 3, group: 0, item: 'q1' });
  const again = new SelectionModel();
  again.restore(JSON.parse(JSON.stringify(selection)));
  expect(again.value).toEqual(selection.value);
  again.restore({ runs: [1, 'b'], step: -1, group: 'x', item: 7 });
  expect(again.value).toEqual({ ...NOTHING, runs: ['b'] });
  again.restore('nonsense');
  expect(again.value.runs).toEqual(['b']);
});
