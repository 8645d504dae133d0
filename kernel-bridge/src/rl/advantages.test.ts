import { describe, expect, it } from 'vitest';
import { computeAdvantages, nanStd } from './advantages.ts';

const group = { scale_rewards: 'group', multi_objective_aggregation: 'sum_then_normalize' } as const;
const one = (values: (number | null)[]) => values.map((value) => [value]);
const close = (seen: number[], expected: number[]) => expect(seen).toEqual(expected.map((value) => expect.closeTo(value, 9)));

describe('advantages', () => {
  it('divide by the N - 1 standard deviation plus 1e-4', () => {
    // group 1, 0, 0, 1: mean 0.5, std sqrt(1/3)
    const A = 0.5 / (Math.sqrt(1 / 3) + 1e-4);
    close(computeAdvantages(one([1, 0, 0, 1]), [1], 4, group).advantages, [A, -A, -A, A]);
  });

  it('weigh the rewards before the sum', () => {
    const { rewards } = computeAdvantages(
      [
        [1, 1],
        [0, 1],
      ],
      [2, 0.5],
      2,
      group,
    );
    expect(rewards).toEqual([2.5, 0.5]);
  });

  it('are zero in a group without spread, which is counted', () => {
    const seen = computeAdvantages(one([1, 1, 0, 1]), [1], 2, group);
    expect(seen.advantages.slice(0, 2)).toEqual([0, 0]);
    expect(seen.stdIsZero).toEqual([true, true, false, false]);
  });

  it('are exactly zero where equal rewards would leave a rest of rounding when they are summed', () => {
    const rewards = Array.from({ length: 8 }, () => [1, 1, 1]);
    const seen = computeAdvantages(rewards, [1, 0.3, 1], 8, group);
    expect(seen.advantages).toEqual(Array(8).fill(0));
    expect(nanStd(seen.rewards)).toBe(0);
  });

  it('batch: group mean, standard deviation of the batch', () => {
    const std = Math.sqrt((3 * 0.25 ** 2 + 0.75 ** 2) / 3);
    close(computeAdvantages(one([1, 1, 0, 1]), [1], 2, { ...group, scale_rewards: 'batch' }).advantages, [
      0,
      0,
      -0.5 / (std + 1e-4),
      0.5 / (std + 1e-4),
    ]);
  });

  it('none: the mean alone is taken off', () => {
    close(computeAdvantages(one([3, 1]), [1], 2, { ...group, scale_rewards: 'none' }).advantages, [1, -1]);
  });

  it('a completion that no reward applies to leaves the baseline and gets 0', () => {
    const seen = computeAdvantages(one([1, null, 0]), [1], 3, group);
    expect(seen.rewards).toEqual([1, NaN, 0]);
    const A = 0.5 / (Math.SQRT1_2 + 1e-4);
    close(seen.advantages, [A, 0, -A]);
  });

  it.each([
    ['the squares of their spread', one([1e160, 0]), group],
    ['their sum', one([1e308, 1e308]), group],
    [
      'one function, where another takes it back',
      [
        [1e200, -1e200],
        [0, 0],
      ],
      { ...group, multi_objective_aggregation: 'normalize_then_sum' as const },
    ],
  ])('are NaN, not 0, where rewards are too large: %s', (_, rewards, scaling) => {
    expect(computeAdvantages(rewards, [1, 1], 2, scaling).advantages).toEqual([NaN, NaN]);
  });

  it('a reward that is not applicable counts as nothing beside one that is', () => {
    expect(
      computeAdvantages(
        [
          [1, null],
          [0, 1],
        ],
        [1, 1],
        2,
        group,
      ).rewards,
    ).toEqual([1, 1]);
  });

  it('GDPO normalises each reward in its group, sums, then normalises over the batch', () => {
    const seen = computeAdvantages(
      [
        [1, 0],
        [0, 0],
        [1, 1],
        [0, 1],
      ],
      [1, 1],
      2,
      { ...group, multi_objective_aggregation: 'normalize_then_sum' },
    );
    const a = 0.5 / (Math.SQRT1_2 + 1e-4); // each group: first reward +-a, second without spread
    const A = a / (Math.sqrt((4 * a * a) / 3) + 1e-4);
    close(seen.advantages, [A, -A, A, -A]);
  });
});
