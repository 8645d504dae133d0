import { describe, expect, it, vi } from 'vitest';
import { NOTHING, SelectionModel, type Selection } from './selection.ts';

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

describe('a group and a question are selected together only where the one is of the other', () => {
  const rollout = { runs: ['a'], step: 3, group: 1, completion: 2, dataset: 'd', item: 'q1' };
  it.each<[string, Partial<Selection>, Partial<Selection>]>([
    ['another step leaves group and question', { step: 4 }, { step: 4, group: null, completion: null, item: null }],
    ['another group leaves the question', { group: 5 }, { group: 5, completion: null, item: null }],
    ['another question leaves the group', { item: 'q2' }, { step: 3, group: null, completion: null, item: 'q2' }],
    ['another data set leaves the question and its group', { dataset: 'e' }, { step: 3, group: null, dataset: 'e', item: null }],
    ['both given stay', { group: 5, item: 'q5' }, { group: 5, item: 'q5' }],
    ['a folded group leaves its question', { group: null }, { group: null, item: 'q1' }],
    ['another completion leaves both', { completion: 0 }, { group: 1, item: 'q1', completion: 0 }],
    ['a run laid over leaves all', { runs: ['a', 'b'] }, { ...rollout, runs: ['a', 'b'] }],
    ['another first run leaves the step', { runs: ['b', 'a'] }, { step: null, group: null, item: 'q1' }],
  ])('%s', (_, change, expected) => {
    const selection = new SelectionModel();
    selection.move(rollout);
    selection.move(change);
    expect(selection.value).toMatchObject(expected);
  });

  it('a question without a group stays when the step moves', () => {
    const selection = new SelectionModel();
    selection.move({ dataset: 'd', item: 'q1' });
    selection.move({ runs: ['a'], step: 4 });
    expect(selection.value).toMatchObject({ step: 4, item: 'q1' });
  });

  it('taking the first of two runs away leaves its step', () => {
    const selection = new SelectionModel();
    selection.move({ ...rollout, runs: ['a', 'b'] });
    selection.toggleRun('a');
    expect(selection.value).toMatchObject({ runs: ['b'], step: null, group: null });
  });
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
