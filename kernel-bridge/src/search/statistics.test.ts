import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Group } from '../protocol/run.ts';
import { completeConfig } from '../runs/config.ts';
import { RunStore } from '../runs/store.ts';
import { StatisticsReader } from './statistics.ts';

let directory: string;
let store: RunStore;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'medr1-statistics-'));
  const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd' });
  store = RunStore.create(directory, { id: 'a', name: 'a', parent: null, config, root: '/', data_hash: 'h' });
});
afterEach(() => {
  store[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});

const LETTERS = ['A', 'B', null];
const MODALITIES = ['CT', 'MRI'];
const never = (): boolean => false;

/** Rollouts that follow from the numbers of step, group and completion. */
const groupsOf = (step: number, shift = 0): Group[] =>
  [0, 1, 2].map((number): Group => ({
    ...{ step, group: number, item_id: `${step} ${number}`, dataset: 'd', image: null, question: 'q', options: ['x', 'y'], prompt: 'p' },
    ...{
      answer: LETTERS[number],
      modality: MODALITIES[(step + number) % 2],
      question_type: 'Disease Diagnosis',
      reading: 'exact',
      reward_mean: 0,
      reward_std: 0,
    },
    completions: [0, 1].map((index) => ({
      ...{
        index,
        text: 't',
        token_ids: Array.from({ length: step + index }, () => 1),
        finish_reason: 'stop',
        prediction: 'A',
        kl: null,
        ratio: null,
        clipped: null,
      },
      logprobs: Array.from({ length: step + index }, () => 0),
      entropy: Array.from({ length: step + index }, () => 0.5 + index),
      rewards: { accuracy: index, format: index === 0 ? null : 1 },
      reward: index + 0.25 * number + shift,
      advantage: index === 0 ? -1 : 1,
      correct: number === 2 ? null : index === 1,
    })),
  }));

const train = (from: number, to: number, shift = 0): void => {
  for (let step = from; step <= to; step++) store.commitStep({ step, metrics: {}, groups: groupsOf(step, shift) });
};
const drop = (from: number): void => {
  store.db.exec(`DELETE FROM step WHERE step >= ${from}`);
};

it('counts the completions of each step by value, and every value is in the bin that says so', () => {
  train(1, 5);
  const reader = new StatisticsReader();
  expect(reader.read(store.db, never)).toBe(true);
  const { columns, completions, distributions } = reader.statistics(100);
  expect([columns, completions]).toEqual([[1, 2, 3, 4, 5].map((step) => [step, step]), [6, 6, 6, 6, 6]]);
  const at = (name: string, value: number, column: number): number => {
    const { low, width, counts } = distributions[name];
    return counts[column][Math.floor((value - low) / width)];
  };
  expect([at('reward', 0.25, 0), at('reward', 1.5, 4), at('advantage', -1, 2), at('advantage', 1, 2)]).toEqual([1, 1, 3, 3]);
  expect([at('length', 3, 2), at('length', 4, 2), at('length', 4, 3)]).toEqual([3, 3, 3]);
  expect([at('entropy', 0.5, 0), at('entropy', 1.5, 0)]).toEqual([3, 3]);
});

it('tells means by modality and by the letter of the right option, of what could be judged', () => {
  train(1, 2);
  const reader = new StatisticsReader();
  reader.read(store.db, never);
  const { facets } = reader.statistics(100);
  expect(facets.answer.A).toEqual({ completions: [2, 2], reward: [0.5, 0.5], accuracy: [0.5, 0.5] });
  expect(facets.answer.none).toMatchObject({ completions: [2, 2], accuracy: [null, null] });
  expect(facets.modality.MRI.completions).toEqual([4, 2]); // groups 0 and 2 of step 1, group 1 of step 2
  expect(facets.question_type['Disease Diagnosis'].reward).toEqual([0.75, 0.75]);
});

it('a function that does not apply counts as 0, as in the weighted sum; one that a step did not have has no mean', () => {
  train(1, 1);
  store.commitStep({
    step: 2,
    metrics: {},
    groups: groupsOf(2).map((group) => ({ ...group, completions: group.completions.map((one) => ({ ...one, rewards: { accuracy: 1 } })) })),
  });
  const reader = new StatisticsReader();
  reader.read(store.db, never);
  expect(reader.statistics(100).functions).toEqual({ accuracy: [0.5, 1], format: [0.5, null] });
});

it('neighbouring steps share a column, so that there are no more than asked for', () => {
  train(1, 7);
  const reader = new StatisticsReader();
  reader.read(store.db, never);
  const { columns, completions, distributions, facets } = reader.statistics(3);
  expect([columns, completions]).toEqual([
    [
      [1, 3],
      [4, 6],
      [7, 7],
    ],
    [18, 18, 6],
  ]);
  expect(distributions.advantage.counts.map((bins) => bins.reduce((sum, count) => sum + count))).toEqual([18, 18, 6]);
  expect(facets.answer.B.completions).toEqual([6, 6, 2]);
});

it('goes on where it stopped, and gives what one that reads all at once gives', () => {
  train(1, 4);
  const reader = new StatisticsReader();
  let looks = 0;
  expect(reader.read(store.db, () => ++looks > 2)).toBe(false);
  expect(reader.statistics(100).columns).toHaveLength(2);
  train(5, 6);
  expect(reader.read(store.db, never)).toBe(true);
  const whole = new StatisticsReader();
  whole.read(store.db, never);
  expect(reader.statistics(100)).toEqual(whole.statistics(100));
});

it('reads steps again that were dropped and computed anew', () => {
  train(1, 4);
  const reader = new StatisticsReader();
  reader.read(store.db, never);
  drop(3);
  train(3, 4, 0.5);
  expect(reader.read(store.db, never)).toBe(true);
  const whole = new StatisticsReader();
  whole.read(store.db, never);
  expect(reader.statistics(100).facets).toEqual(whole.statistics(100).facets);
  expect(reader.statistics(100).facets.answer.A.reward).toEqual([0.5, 0.5, 1, 1]);
});

it('says nothing of lengths where tokens are not known, as of an imported run', () => {
  const texts = groupsOf(1).map((group) => ({
    ...group,
    completions: group.completions.map((one) => ({ ...one, token_ids: [], logprobs: [], entropy: null })),
  }));
  store.commitStep({ step: 1, metrics: {}, groups: texts });
  const reader = new StatisticsReader();
  reader.read(store.db, never);
  const { distributions } = reader.statistics(10);
  expect(distributions.length.counts).toEqual([[]]);
  expect(distributions.reward.counts[0].length).toBeGreaterThan(0);
});

it('a run without rollouts has no column', () => {
  const reader = new StatisticsReader();
  expect(reader.read(store.db, never)).toBe(true);
  expect(reader.statistics(100)).toMatchObject({ columns: [], completions: [], functions: {} });
});
