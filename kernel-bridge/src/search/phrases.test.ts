import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PhraseQuery } from '../protocol/search.ts';
import type { RunStore } from '../runs/store.ts';
import { findFamilies } from './families.ts';
import { IndexReader } from './index-reader.ts';
import { findPhrases, phrasesOf } from './phrases.ts';
import { MadeRuns, type Asked } from '../runs/testing/made-runs.ts';

let made: MadeRuns;
beforeEach(() => void (made = new MadeRuns()));
afterEach(() => made[Symbol.dispose]());

/** Four groups of four completions; `say` gives a text by group and completion. */
const step = (say: (group: number, index: number) => string): Asked[] =>
  Array.from({ length: 4 }, (_, group) => ({ completions: Array.from({ length: 4 }, (__, index) => say(group, index)) }));
const between = (run: RunStore, change: Partial<PhraseQuery> = {}) =>
  findPhrases(new IndexReader(run.db), { run: 'a', before: { from: 1, to: 1 }, after: { from: 2, to: 2 }, ...change });

describe('phrases', () => {
  it('that came and went, each told once by the longest that says it', () => {
    const run = made.run('a', [step(() => 'the image shows a dark spot'), step(() => 'the image shows a round cyst, so A')]);
    const { grew, vanished, ...rest } = between(run);
    expect(grew.map(({ text }) => text)).toEqual([...['image shows a round', 'shows a round cyst', 'a round cyst so', 'round cyst so a']]);
    expect(vanished.map(({ text }) => text)).toEqual(['image shows a dark', 'shows a dark spot']);
    expect(grew[0]).toMatchObject({ before: 0, after: 16, design_effect: 1 });
    expect(grew[0].log_odds).toBeCloseTo(2 * Math.log(16.5 / 0.5), 12);
    expect(grew[0].q).toBeGreaterThanOrEqual(grew[0].p);
    expect(rest).toMatchObject({
      every: 1,
      before: { completions: 16, groups: 4, steps: 1 },
      after: { completions: 16, groups: 4, steps: 1 },
    });
  });

  it('that only one group says are no finding: its completions are alike', () => {
    const one = (said: string) => step((group) => (group === 0 ? said : 'the same as ever'));
    const { grew, found } = between(made.run('a', [one('the same as ever'), one('the same but round')]));
    expect([grew, found]).toEqual([[], 0]);
    // 4 of 16 completions that were independent would be one
    const spread = (said: string) => step((_, index) => (index === 0 ? said : 'the same as ever'));
    const apart = between(made.run('b', [spread('the same as ever'), spread('the same but round')]), { run: 'b', least: 4, fdr: 0.2 });
    expect(apart.grew.map(({ text }) => text)).toContain('the same but round');
  });

  it('too rare to be tested are not told, nor what is the same before and after', () => {
    const run = made.run('a', [step(() => 'the same'), step((group, index) => (group + index === 0 ? 'rare words' : 'the same'))]);
    expect(between(run)).toMatchObject({ grew: [], vanished: [], found: 0, tested: 3 });
  });

  it('of steps without rollouts are none', () => {
    const run = made.run('a', [step(() => 'x')]);
    expect(between(run)).toMatchObject({ grew: [], vanished: [], tested: 3 - 2, after: { completions: 0, groups: 0, steps: 0 } });
  });

  it('are stretches of words, whatever stands between, without accents', () => {
    expect([...phrasesOf('A Cyst -- é!', 2)]).toEqual(['a', 'a cyst', 'cyst', 'cyst e', 'e']);
    expect(phrasesOf('', 3).size).toBe(0);
  });
});

describe('families', () => {
  const never = (): boolean => false;
  const families = (run: RunStore, change = {}, overdue = never) =>
    findFamilies(new IndexReader(run.db), { run: 'a', ...change }, 'exact', overdue);
  const LONG = 'the image shows a round lesion in the left lung with smooth margins and no fluid so it is a cyst';

  it('hold what says nearly the same, with steps, questions and how often it was right', () => {
    const run = made.run('a', [
      [
        {
          completions: [
            { text: LONG, reward: 1 },
            { text: LONG.replace('smooth', 'sharp'), reward: 0, prediction: 'B' },
          ],
        },
      ],
      [{ completions: ['another thing entirely is said here', LONG] }, { completions: [LONG, 'nothing alike stands in this one'] }],
    ]);
    const found = families(run);
    expect(found).toMatchObject({ total: 1, alone: 2, completions: 6, reading: 'exact', stopped_at: null });
    expect(found.families[0]).toMatchObject({
      ...{ first: { run: 'a', step: 1, group: 0, index: 0 }, text: LONG },
      ...{ completions: 4, texts: 2, questions: 2, from: 1, to: 2, judged: 4, right: 3, reward: 0.75 },
    });
    expect(families(run, { similarity: 0.95 }).families[0].completions).toBe(3);
    expect(families(run, { from: 2 }).families[0]).toMatchObject({ completions: 2, from: 2 });
  });

  it('are not joined by a chain of small changes', () => {
    const words = LONG.split(' ');
    const drifted = Array.from({ length: 10 }, (_, at) => words.map((word, i) => (i < 2 * at ? `${word}x` : word)).join(' '));
    const found = families(
      made.run(
        'a',
        drifted.map((text) => [{ completions: [text] }]),
      ),
      { similarity: 0.6 },
    );
    expect(found.families.length + found.alone).toBeGreaterThan(2);
  });

  it('say where the time ended', () => {
    const run = made.run('a', [[{ completions: [LONG] }], [{ completions: [LONG] }], [{ completions: [LONG] }]]);
    let steps = 0;
    expect(families(run, {}, () => steps++ === 2)).toMatchObject({ completions: 2, stopped_at: 3, families: [{ completions: 2 }] });
  });

  it('find every pair that is as alike as asked', () => {
    // twenty texts, each with a neighbour that shares about .6 of its stretches
    const text = (seed: number, changed: boolean) =>
      Array.from({ length: 30 }, (_, i) => `w${seed}x${i}${changed && i % 12 === 0 ? 'y' : ''}`).join(' ');
    const run = made.run(
      'a',
      Array.from({ length: 20 }, (_, seed) => [{ completions: [text(seed, false), text(seed, true)] }]),
    );
    expect(families(run, { similarity: 0.5 })).toMatchObject({ total: 20, alone: 0 });
  });
});
