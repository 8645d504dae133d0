import { describe, expect, it } from 'vitest';
import { chips, facetOrder, facetValues, filterOf, narrows, pythonOf, toggled, widened } from './query.ts';

describe('a filter from outside', () => {
  it('keeps what is well formed and drops the rest', () => {
    const given = {
      facets: { modality: ['CT', 7, ''], split: [], answer: 'A' },
      q: '  ',
      ids: ['a', null],
      sort: 'colour',
      descending: 'yes',
      group: 'patient',
      limit: 3,
      cursor: 'x',
      runs: ['a', 'b', 'c', 'd', 'e'],
    };
    expect(filterOf(given)).toEqual({ facets: { modality: ['CT'] }, ids: ['a'], runs: ['a', 'b', 'c', 'd'] });
  });

  it.each([null, undefined, 'text', 7, []])('%s is no filter', (json) => expect(filterOf(json)).toEqual({}));
});

it('a value chosen twice is not chosen, and nothing is left of its facet', () => {
  const one = toggled({}, 'modality', 'CT');
  expect(toggled(one, 'modality', 'X-Ray')).toEqual({ facets: { modality: ['CT', 'X-Ray'] } });
  expect(toggled(one, 'modality', 'CT')).toEqual({});
});

it('an order and a grouping leave nothing out', () => {
  expect(narrows({ sort: 'id', group: 'image', descending: true })).toBe(false);
  expect(narrows({ ids: [] })).toBe(true);
  expect(widened({ q: 'x', facets: { split: ['a'] }, sort: 'id', group: 'image' })).toEqual({ sort: 'id', group: 'image' });
});

it('each part of a filter is a chip that leads to the filter without it', () => {
  const filter = { facets: { 'run:r1': ['wrong'], problem: ['none'] }, q: 'lung', image: 'Images/a/b.png', ids: ['x', 'y'] };
  const list = chips(filter, (run) => (run === 'r1' ? 'Demo' : run));
  expect(list.map(({ title, text }) => `${title}: ${text}`)).toEqual([
    'Answers of Demo: wrong',
    'Problem: usable',
    'Search: lung',
    'Image: b.png',
    'Chosen: 2 questions',
  ]);
  expect(list[0].without).toEqual({ facets: { problem: ['none'] }, q: 'lung', image: 'Images/a/b.png', ids: ['x', 'y'] });
  expect(list[2].without).not.toHaveProperty('q');
});

describe('values of a facet', () => {
  it('come most frequent first, without those that no question has', () => {
    expect(facetValues('modality', { CT: 2, MRI: 9, OCT: 0 }, [])).toEqual([
      ['MRI', 9],
      ['CT', 2],
    ]);
  });
  it('that are chosen stay when no question has them', () => {
    expect(facetValues('modality', { CT: 0 }, ['CT', 'gone'])).toEqual([
      ['CT', 0],
      ['gone', 0],
    ]);
  });
  it('that are numbers come in their order', () => {
    expect(facetValues('modality', { CT: 0, MRI: 0 }, [])).toEqual([
      ['CT', 0],
      ['MRI', 0],
    ]); // nothing passes: what there is stays in reach
    expect(facetValues('options', { 10: 1, 2: 5, 4: 9 }, []).map(([value]) => value)).toEqual(['2', '4', '10']);
  });
  it('of a run come from right to never asked', () => {
    expect(facetValues('run:a', { unasked: 9, wrong: 1, right: 2, mixed: 3 }, []).map(([value]) => value)).toEqual([
      'right',
      'mixed',
      'wrong',
      'unasked',
    ]);
  });
});

it('what runs said stands above the other facets', () => {
  expect(facetOrder(['split', 'modality', 'run:a'])).toEqual(['run:a', 'modality', 'split']);
  expect(facetOrder(['laterality', 'split'])).toEqual(['split', 'laterality']); // of a newer backend: shown under its own name
});

describe('in Python', () => {
  it('a filter is written with the keys of the protocol', () => {
    const filter = { facets: { modality: ['X-Ray'], 'run:a': ['wrong'] }, q: 'a "b"', descending: true };
    expect(pythonOf('omni', filter)).toBe(
      String.raw`wb.dataset("omni", facets={"modality": ["X-Ray"], "run:a": ["wrong"]}, q="a \"b\"", descending=True)`,
    );
  });
  it('questions are written by their ids', () => {
    expect(pythonOf('omni', { ids: ['ACRIMA_0001', 'x'] })).toBe('wb.dataset("omni", ids=["ACRIMA_0001", "x"])');
  });
});
