import { expect, it } from 'vitest';
import { hintsOf } from './hints.ts';

it.each([
  ['modality:CT cyst', { modality: 'CT', text: 'cyst' }],
  ['cyst type:"Disease Diagnosis"', { question_type: 'Disease Diagnosis', text: 'cyst' }],
  ['modalty:CT', { modality: 'CT', text: '' }],
  ['answer:b', { letter: 'B', text: '' }],
  ['answer:Wrong', { verdict: 'wrong', text: '' }],
  ['steps:10-20', { from: '10', to: '20', text: '' }],
  ['reward:>0.5', { least_reward: '0.5', text: '' }],
  ['tokens:<=40 a', { most_tokens: '40', text: 'a' }],
  ['foo:bar round', { text: 'foo bar round' }],
  ['finish:never', { text: 'finish never' }],
])('%s: the filter that was meant, else the words apart', (text, instead) => {
  expect(hintsOf({ text, mode: 'words' }).map((hint) => hint.instead)).toEqual([instead]);
});

it('what is no filter gets the names of those that are', () => {
  expect(hintsOf({ text: 'foo:bar', mode: 'words' })[0].text).toMatch(
    /^foo:bar was looked for as words .* no filter foo\. .* Steps, .* Question id\.$/,
  );
  expect(hintsOf({ text: 'finish:never', mode: 'words' })[0].text).toContain('The filter Finish has no never.');
});

it('says nothing of colons that are text, or a part of an expression', () => {
  for (const text of ['', 'lesion', '"modality:CT"', '-foo:bar', 'ratio 1:2', 'answer:'])
    expect(hintsOf({ text, mode: 'words' }), text).toEqual([]);
  expect(hintsOf({ text: 'foo:bar', mode: 'regexp' })).toEqual([]);
});
