/** Live rewards: what a change of weights would do, told from groups that were sampled already. No DOM, no tensors. */
import type { Group, RewardRevision } from '../connector.ts';
import type { RunSeries } from '../store/run-series.ts';

export type Weights = Record<string, number>;

/** Slider range; the number beside it takes any finite weight. */
export const SLIDER = { min: 0, max: 2, step: 0.05 };
/** A reward whose spread stayed below this for this many steps tells completions apart no more. */
const SATURATED = { std: 0.01, steps: 20 };

/** Weights in force: those of the newest revision. */
export const inForce = (revisions: readonly RewardRevision[]): Weights => revisions.at(-1)?.weights ?? {};

export const changed = (a: Weights, b: Weights): boolean =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].some((name) => (a[name] ?? 0) !== (b[name] ?? 0));

/** First step since which the reward function hardly varies, null while it does. */
export function saturatedSince(series: RunSeries, name: string): number | null {
  const spread = series.metrics.get(`rewards/${name}/std`);
  if (!spread) return null;
  let since = spread.length;
  while (since > 0 && (spread[since - 1] === null || (spread[since - 1] as number) < SATURATED.std)) since--;
  return spread.length - since >= SATURATED.steps ? series.steps[since] : null;
}

/** Share of each function in the variance of the weighted rewards within groups, covariances left out; empty when nothing varies. */
export function varianceShares(groups: readonly Group[], weights: Weights): Record<string, number> {
  const parts = Object.keys(weights).map((name) => {
    const within = groups.map(({ completions }) => variance(completions.map(({ rewards }) => weights[name] * (rewards[name] ?? 0))));
    return [name, within.reduce((sum, one) => sum + one, 0)] as const;
  });
  const total = parts.reduce((sum, [, part]) => sum + part, 0);
  return total > 0 ? Object.fromEntries(parts.map(([name, part]) => [name, part / total])) : {};
}

export interface Preview {
  groups: number;
  meanBefore: number;
  meanAfter: number;
  /** Groups whose completions do not all get the same reward. */
  teachingBefore: number;
  teachingAfter: number;
  gained: number;
  lost: number;
  /** Completions whose advantage changes sign. */
  flipped: number;
  completions: number;
}

/** The same completions scored with both weights; advantages in each group as GRPO forms them. */
export function preview(groups: readonly Group[], before: Weights, after: Weights): Preview {
  const out: Preview = {
    groups: groups.length,
    meanBefore: 0,
    meanAfter: 0,
    teachingBefore: 0,
    teachingAfter: 0,
    gained: 0,
    lost: 0,
    flipped: 0,
    completions: 0,
  };
  for (const group of groups) {
    const old = group.completions.map(({ rewards }) => weighted(rewards, before));
    const next = group.completions.map(({ rewards }) => weighted(rewards, after));
    const taught = variance(old) > 0;
    const teaches = variance(next) > 0;
    out.completions += old.length;
    out.meanBefore += sum(old);
    out.meanAfter += sum(next);
    out.teachingBefore += Number(taught);
    out.teachingAfter += Number(teaches);
    out.gained += Number(teaches && !taught);
    out.lost += Number(taught && !teaches);
    const [oldMean, nextMean] = [sum(old) / old.length, sum(next) / next.length];
    out.flipped += old.filter((reward, index) => side(reward - oldMean) * side(next[index] - nextMean) < 0).length;
  }
  out.meanBefore /= out.completions || 1;
  out.meanAfter /= out.completions || 1;
  return out;
}

/** Weighted sum; a reward that does not apply adds nothing. */
const weighted = (rewards: Record<string, number | null>, weights: Weights): number =>
  Object.entries(weights).reduce((total, [name, weight]) => total + weight * (rewards[name] ?? 0), 0);

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
/** Rounding noise is no side. */
const side = (value: number): number => (Math.abs(value) < 1e-9 ? 0 : Math.sign(value));

function variance(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = sum(values) / values.length;
  const squares = sum(values.map((value) => (value - mean) ** 2)) / (values.length - 1);
  return squares < 1e-12 ? 0 : squares;
}
