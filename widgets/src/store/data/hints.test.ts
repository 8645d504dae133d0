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
])('%s: did you mean %s?', (query, instead) => expect(hintsOf(query, COUNTS, true).map((hint) => hint.instead)).toEqual([instead]));

it('names the values where none is near', () => {
  expect(hintsOf('modality:Thermography', COUNTS, false)).toEqual([
    { text: 'modality has no Thermography. It has CT, X-Ray.', instead: null },
  ]);
  const tag = Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`t${at}`, 1]));
  expect(hintsOf('tag:difficult', { tag }, false)[0].text).toMatch(/t6, t7 and 3 more\.$/);
});

it('says of tags and splits that there are none yet', () => {
  expect(hintsOf('split:x/test', COUNTS, false)).toMatchObject([
    { text: expect.stringContaining('no split yet') as string, instead: null },
  ]);
  expect(hintsOf('tags:hard -tag:easy', COUNTS, false)).toMatchObject([
    { text: expect.stringContaining('has a tag yet') as string, instead: null },
  ]);
});

it.each(['', 'lung', 'modality:ct', 'question:where', 'option:lung', 'id:A_1', 'ratio 1:2', 'xyzzy:CT', '"a" "b"', 'dataset:x'])(
  'says nothing of %s',
  (query) => expect(hintsOf(query, COUNTS, true)).toEqual([]),
);

it.each([
  ['xyzzy:ct lung', 'modality:CT lung'],
  ['xyzzy:"lesion grading"', 'question_type:"Lesion Grading"'],
  ['heart xyzzy:low', 'heart xyzzy low'],
])('%s, which nothing has: names the fields, and what was probably meant', (query, instead) => {
  expect(hintsOf(query, COUNTS, false)).toEqual([
    { text: expect.stringMatching(/^There is no field xyzzy, so xyzzy:.* text\..* modality, .* image\.$/) as string, instead },
  ]);
});

it('says nothing of a colon in a text that nothing has, in quotes or beside a number', () => {
  for (const query of ['"xyzzy:low"', 'ratio 1:2', '-xyzzy:low', 'xyzzy:', 'question:zzz'])
    expect(hintsOf(query, COUNTS, false), query).toEqual([]);
});

it('every example of the help is read as something', () => {
  for (const [example] of SEARCH_HELP) {
    const { facets, excluded, text, without, id } = parseSearch(example);
    expect([text, without, id, ...Object.keys(facets), ...Object.keys(excluded)].some(Boolean), example).toBe(true);
    expect(hintsOf(example, {}, false), example).toEqual([]);
  }
});
