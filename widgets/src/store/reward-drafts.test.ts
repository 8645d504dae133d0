import { expect, it } from 'vitest';
import { RewardDrafts } from './reward-drafts.ts';

const draft = (weight: number) => ({
  weights: { accuracy: weight },
  files: { mine: { file: 'mine.ts', source: 'export default 1' } },
  reason: 'try',
});

it('keeps one draft a run and drops it when told', () => {
  const drafts = new RewardDrafts();
  drafts.put('a', draft(1));
  drafts.put('b', draft(2));
  drafts.put('a', null);
  expect([drafts.of('a'), drafts.of('b')]).toEqual([null, draft(2)]);
});

it('comes back with the workspace; what is malformed is left out, what was edited since stays', () => {
  const drafts = new RewardDrafts();
  drafts.put('a', draft(3));
  const stored = {
    a: draft(1),
    b: draft(2),
    c: { weights: { accuracy: 'much' }, files: {}, reason: '' },
    d: { ...draft(1), files: { mine: 'text' } },
  };
  drafts.restore(JSON.parse(JSON.stringify(stored)));
  expect(drafts.toJSON()).toEqual({ a: draft(3), b: draft(2) });
});
