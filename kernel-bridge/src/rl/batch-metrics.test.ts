import { expect, it } from 'vitest';
import { answerMetrics } from './batch-metrics.ts';
import type { ScoredGroup } from './rollouts.ts';

const group = (options: string[], answer: string | null, texts: string[]): ScoredGroup => ({
  question: { item: { options, answer } as ScoredGroup['question']['item'], text: '', promptTokens: 1 },
  completions: texts.map((text) => ({ text, tokenIds: [1], logprobs: [0], finishReason: 'stop' as const, rewards: [] })),
});
const said = (answer: string): string => `<answer>${answer}</answer>`;

it('counts every completion once: a letter of another question, a letter of none and a word are none', () => {
  const groups = [
    group(['cyst', 'tumor', 'nodule'], 'A', ['A', 'C', 'E', 'lung'].map(said)),
    group(['yes', 'no'], 'B', ['B', 'C'].map(said).concat('no tags', said('B'))),
  ];
  const metrics = answerMetrics(groups, 'strict');
  expect(metrics).toMatchObject({ 'answers/A': 1 / 8, 'answers/B': 2 / 8, 'answers/C': 1 / 8, 'answers/none': 4 / 8 });
  expect(Object.keys(metrics).filter((name) => name.startsWith('answers/'))).toEqual([
    'answers/A',
    'answers/B',
    'answers/C',
    'answers/none',
  ]);
  const shares = Object.entries(metrics).flatMap(([name, value]) => (name.startsWith('answers/') ? [value] : []));
  expect(shares.reduce((a, b) => a + b)).toBe(1);
});

it('calls a group right by the letter that was read, offered or not', () => {
  const groups = [group(['cyst', 'tumor'], 'A', [said('A'), said('A')]), group(['cyst', 'tumor'], 'B', [said('E'), said('A')])];
  expect(answerMetrics(groups, 'strict')).toMatchObject({ frac_groups_all_right: 0.5, frac_groups_all_wrong: 0.5 });
});
