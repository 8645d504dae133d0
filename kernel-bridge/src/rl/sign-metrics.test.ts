import { expect, it } from 'vitest';
import { computeAdvantages } from './advantages.ts';
import type { ScoredGroup } from './rollouts.ts';
import { rewardSigns, textSigns } from './sign-metrics.ts';

const group = (answer: string | null, rows: { text: string; rewards?: (number | null)[]; length?: number }[]): ScoredGroup => ({
  question: { item: { options: ['cyst', 'tumor'], answer } as ScoredGroup['question']['item'], text: '', promptTokens: 1 },
  completions: rows.map(({ text, rewards = [], length = 1 }) => ({
    ...{ text, rewards, tokenIds: Array<number>(length).fill(1), logprobs: [0] },
    finishReason: 'stop' as const,
  })),
});
const said = (think: string, answer: string): string => `<think>${think}</think><answer>${answer}</answer>`;

it('reads accuracy, reasoning, disagreement and groups of one text', () => {
  const groups = [
    group('A', [{ text: said('It is round. So cyst.', 'A') }, { text: said('It is odd. So tumor.', 'A') }]),
    group('B', [{ text: said('Well', 'A') }, { text: said('Well', 'A') }]),
  ];
  const signs = textSigns(groups, 'exact');
  expect(signs).toMatchObject({
    accuracy: 0.5,
    'think/disagrees': 0.5,
    frac_groups_identical: 0.5,
    'think/mean_words': (5 + 5 + 1 + 1) / 4,
  });
  const plain = textSigns([group(null, [{ text: 'A' }, { text: 'B' }])], 'exact');
  expect([plain.accuracy, plain['think/mean_words'], plain['think/disagrees']]).toEqual([NaN, NaN, NaN]);
});

const signsOf = (rows: { rewards: (number | null)[]; length?: number }[][], weights = [1, 1]) => {
  const groups = rows.map((part) =>
    group(
      'A',
      part.map((one, i) => ({ text: `${i}`, ...one })),
    ),
  );
  const rewards = groups.flatMap(({ completions }) => completions.map((one) => one.rewards));
  const seen = computeAdvantages(rewards, weights, rows[0].length, {
    scale_rewards: 'group',
    multi_objective_aggregation: 'sum_then_normalize',
  });
  return rewardSigns(groups, seen, weights);
};

it('finds groups whose different rewards add up to the same, but not where one of them weighs nothing', () => {
  const rows = [
    [{ rewards: [1, 0] }, { rewards: [0, 1] }],
    [{ rewards: [1, 1] }, { rewards: [1, 1] }],
  ];
  expect(signsOf(rows).frac_groups_rewards_cancel).toBe(0.5);
  expect(signsOf([[{ rewards: [1, 0] }, { rewards: [1, 1] }]], [1, 0]).frac_groups_rewards_cancel).toBe(0);
});

it('finds differences that mean nothing and completions without any reward', () => {
  const rows = [
    [{ rewards: [0.5, 0] }, { rewards: [0.5001, 0] }],
    [{ rewards: [0, 0] }, { rewards: [1, 1] }],
    [{ rewards: [null, null] }, { rewards: [1, 0] }],
  ];
  const signs = signsOf(rows);
  expect(signs.frac_groups_tiny_std).toBeCloseTo(1 / 3);
  expect(signs.frac_reward_missing).toBeCloseTo(1 / 6);
  expect(signs['advantages/max_abs']).toBeGreaterThan(0.4);
});

it('correlates reward and length within questions, not between them', () => {
  const up = [
    { rewards: [0, 0], length: 2 },
    { rewards: [1, 0], length: 4 },
  ];
  const far = [
    { rewards: [0, 0], length: 40 },
    { rewards: [1, 0], length: 42 },
  ];
  expect(signsOf([up, far]).reward_length_correlation).toBeCloseTo(1);
  expect(signsOf([up, far.map((one, i) => ({ ...one, length: 42 - 2 * i }))]).reward_length_correlation).toBeCloseTo(0);
  expect(signsOf([[{ rewards: [1, 0] }, { rewards: [1, 0] }]]).reward_length_correlation).toBeNaN();
});
