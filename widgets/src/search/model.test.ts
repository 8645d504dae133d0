import { expect, it } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { EMPTY, filtersSet, formOf, pieces, queryOf, savedQueryOf, type SearchForm, SearchModel, told } from './model.ts';

it('a form that is empty asks for everything, newest first', () => {
  expect(queryOf(EMPTY, ['a'])).toEqual({ runs: ['a'], mode: 'words', sort: 'step', ascending: false });
  expect(filtersSet(EMPTY)).toBe(0);
});

it('what is typed becomes filters; what is no number is left out', () => {
  const form = { ...EMPTY, text: ' round ', from: '10', to: 'x', least_reward: '0.5', verdict: 'wrong', letter: 'none', order: 'longest' };
  expect(queryOf(form, ['a', 'b'])).toEqual({
    ...{ runs: ['a', 'b'], text: 'round', mode: 'words', from: 10, reward: { min: 0.5 }, verdict: ['wrong'], letters: ['none'] },
    ...{ sort: 'tokens', ascending: false },
  });
  expect(filtersSet(form)).toBe(5);
});

it('marks cut a text into pieces that together are the text', () => {
  const text = '<b>a round cyst</b>';
  const cut = pieces({ text, marks: [[5, 10]] });
  expect(cut).toEqual([
    { text: '<b>a ', marked: false },
    { text: 'round', marked: true },
    { text: ' cyst</b>', marked: false },
  ]);
});

it('reads page after page, and starts anew with another search', async () => {
  const model = new SearchModel(new FakeConnector({ runs: [{ id: 'r', steps: 20 }] }));
  await model.search(['r']);
  const { hits, page } = model.state.value;
  expect(hits).toHaveLength(50);
  expect(told(model.state.value)).toBe(`${page!.total} completions`);
  await model.more();
  expect(model.state.value.hits).toHaveLength(100);
  await model.search(['r']);
  expect(model.state.value.hits).toHaveLength(50);
});

it('a search that another one overtook is dropped', async () => {
  const connector = new FakeConnector({ runs: [{ id: 'r', steps: 20 }] });
  const model = new SearchModel(connector);
  const first = model.search(['r']);
  model.set({ text: 'zzz' });
  await model.search(['r']);
  await first;
  expect(model.state.value.hits).toEqual([]);
});

it('an error is kept with its remedy, a note is shown where it was made', async () => {
  const model = new SearchModel(new FakeConnector({ runs: [{ id: 'r', steps: 2 }] }));
  model.set({ text: '(', mode: 'regexp' });
  await model.search(['r']);
  expect(model.state.value).toMatchObject({ status: 'error', error: { code: 'SEARCH_REGEXP' } });
  model.set({ text: '' });
  await model.search(['r']);
  await model.note(model.state.value.hits[3], 'a, b, a', 'look');
  expect(model.state.value.hits[3]).toMatchObject({ tags: ['a', 'b'], note: 'look' });
});

it('a saved search gives the form that it was saved from', () => {
  const form: SearchForm = {
    ...EMPTY,
    ...{
      text: '"a b" -c',
      mode: 'regexp',
      case: true,
      from: '3',
      to: '9',
      item: 'q, 1',
      modality: 'CT, MRI',
      verdict: 'wrong',
      flag: 'repeats',
    },
    ...{
      tag: 'x',
      least_reward: '0.5',
      most_tokens: '40',
      order: 'longest',
      near: { run: 'r', step: 1, group: 0, index: 2 },
      similarity: 0.9,
    },
  };
  expect(formOf(savedQueryOf(form))).toEqual(form);
  expect(formOf(savedQueryOf(EMPTY))).toEqual(EMPTY);
  expect(savedQueryOf(form)).toMatchObject({ modality: ['CT', 'MRI'], items: ['q, 1'] });
});
