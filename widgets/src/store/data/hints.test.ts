import { parseSearch } from '../../../../kernel-bridge/src/data/index/search.ts';
import { expect, it } from 'vitest';
import { hintsOf, SEARCH_HELP } from './hints.ts';

const COUNTS = { modality: { CT: 3, 'X-Ray': 0 }, question_type: { 'Disease Diagnosis': 1, 'Lesion Grading': 0 } };

it.each([
  ['modalty:CT', 'modality:CT'],
  ['-modalty:CT lung', '-modality:CT lung'],
  ['lung modality:X-Rays', 'lung modality:X-Ray'],
  ['type:"Disease Diagnosys" heart', 'type:"Disease Diagnosis" heart'],
  ['"no finding', '"no finding"'],
])('%s: did you mean %s?', (query, instead) => expect(hintsOf(query, COUNTS).map((hint) => hint.instead)).toEqual([instead]));

it('names the values where none is near', () => {
  expect(hintsOf('modality:Thermography', COUNTS)).toEqual([{ text: 'modality has no Thermography. It has CT, X-Ray.', instead: null }]);
  const tag = Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`t${at}`, 1]));
  expect(hintsOf('tag:difficult', { tag })[0].text).toMatch(/t6, t7 and 3 more\.$/);
});

it('says of tags and splits that there are none yet', () => {
  expect(hintsOf('split:x/test', COUNTS)).toMatchObject([{ text: expect.stringContaining('no split yet') as string, instead: null }]);
  expect(hintsOf('tags:hard -tag:easy', COUNTS)).toMatchObject([
    { text: expect.stringContaining('has a tag yet') as string, instead: null },
  ]);
});

it.each(['', 'lung', 'modality:ct', 'question:where', 'option:lung', 'id:A_1', 'ratio 1:2', 'xyzzy:CT', '"a" "b"', 'dataset:x'])(
  'says nothing of %s',
  (query) => expect(hintsOf(query, COUNTS)).toEqual([]),
);

it('every example of the help is read as something', () => {
  for (const [example] of SEARCH_HELP) {
    const { facets, excluded, text, without, id } = parseSearch(example);
    expect([text, without, id, ...Object.keys(facets), ...Object.keys(excluded)].some(Boolean), example).toBe(true);
    expect(hintsOf(example, {}), example).toEqual([]);
  }
});
