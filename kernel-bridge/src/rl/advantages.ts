import type { TrainConfig } from '../protocol/index.ts';

/** Added to a standard deviation before dividing by it, as in TRL. */
const STD_EPSILON = 1e-4;

export interface Advantages {
  /** Weighted sum per completion; NaN where no reward applied. */
  rewards: number[];
  /** 0 where no reward applied, so that such a completion moves nothing; NaN where rewards are too large to be set apart. */
  advantages: number[];
  /** Per completion: its group (scale_rewards batch, GDPO: the batch) has no spread. */
  stdIsZero: boolean[];
}

type Scaling = Pick<TrainConfig, 'scale_rewards' | 'multi_objective_aggregation'>;

const present = (values: number[]): number[] => values.filter((value) => !Number.isNaN(value));

/** Mean of what is not NaN; NaN when nothing is. Of equal values exactly theirs: summed, eight times 2.3 is no longer 8 x 2.3, and would have a spread. */
export function nanMean(values: number[]): number {
  const valid = present(values);
  if (valid.length > 0 && valid.every((value) => value === valid[0])) return valid[0];
  return valid.reduce((sum, value) => sum + value, 0) / valid.length;
}

/** Sample standard deviation (N - 1) of what is not NaN; NaN below two values. */
export function nanStd(values: number[]): number {
  const valid = present(values);
  if (valid.length < 2) return NaN;
  const mean = nanMean(valid);
  return Math.sqrt(valid.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (valid.length - 1));
}

/** torch.isclose(std, 0). */
const isZero = (std: number): boolean => std <= 1e-8;

function chunks<T>(values: T[], size: number): T[][] {
  return Array.from({ length: values.length / size }, (_, index) => values.slice(index * size, (index + 1) * size));
}

/** Weighted sum of the rewards that applied; NaN when none did. */
export function weightedSum(perFunction: readonly (number | null)[], weights: readonly number[]): number {
  if (perFunction.every((value) => value === null)) return NaN;
  return perFunction.reduce<number>((sum, value, index) => sum + (value ?? 0) * weights[index], 0);
}

/**
 * Advantages of N completions in groups of G, as TRL's _generate_and_score_completions.
 * `rewards` [N][K] raw values by reward function, null = not applicable; `weights` [K]. Groups stand in consecutive rows.
 */
export function computeAdvantages(rewards: (number | null)[][], weights: number[], G: number, config: Scaling): Advantages {
  const total = rewards.map((row) => weightedSum(row, weights)); // [N]
  if (overflows(total) || overflows(rewards.flat()))
    return { rewards: total, advantages: total.map(() => NaN), stdIsZero: total.map(() => false) };
  const { centred, std } =
    config.multi_objective_aggregation === 'normalize_then_sum'
      ? gdpo(rewards, weights, total, G)
      : sumThenNormalise(total, G, config.scale_rewards);
  const divide = config.multi_objective_aggregation === 'normalize_then_sum' || config.scale_rewards !== 'none';
  const advantages = centred.map((value, i) => (divide ? value / (std[i] + STD_EPSILON) : value));
  return { rewards: total, advantages: advantages.map((A) => (Number.isNaN(A) ? 0 : A)), stdIsZero: std.map(isZero) };
}

/** Whether the squares that a standard deviation sums would be infinite: every advantage would be 0, and nothing be said. */
const overflows = (values: readonly (number | null)[]): boolean =>
  !Number.isFinite(values.reduce<number>((sum, value) => sum + (value === null || Number.isNaN(value) ? 0 : value * value), 0));

interface Centred {
  centred: number[];
  std: number[];
}

function sumThenNormalise(total: number[], G: number, scale: TrainConfig['scale_rewards']): Centred {
  const groups = chunks(total, G);
  const batchStd = nanStd(total);
  return {
    centred: groups.flatMap((group) => group.map((r) => r - nanMean(group))),
    std: groups.flatMap((group) => group.map(() => (scale === 'batch' ? batchStd : nanStd(group)))),
  };
}

/** GDPO: each reward is normalised in its group, then summed by weight, then centred and scaled over the batch. */
function gdpo(rewards: (number | null)[][], weights: number[], total: number[], G: number): Centred {
  const values = rewards.map((row) => row.map((value) => value ?? NaN));
  const summed = chunks(values, G).flatMap((group) => {
    const columns = weights.map((_, k) => group.map((row) => row[k]));
    const mean = columns.map(nanMean);
    const std = columns.map(nanStd);
    return group.map((row) => row.map((value, k) => ((value - mean[k]) / (std[k] + STD_EPSILON)) * weights[k]));
  });
  const sums = summed.map((row, i) => (Number.isNaN(total[i]) ? NaN : present(row).reduce((sum, value) => sum + value, 0)));
  const mean = nanMean(sums);
  return { centred: sums.map((sum) => sum - mean), std: sums.map(() => nanStd(sums)) };
}
