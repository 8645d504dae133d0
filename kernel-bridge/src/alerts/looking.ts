/** How rules look at the metrics of a run, and how they say what they saw. */
import { mean, median, type Series } from './series.ts';

/** Steps at a run's beginning that later ones are compared with. */
export const START = 10;

export const share = (value: number): string => `${(100 * value).toFixed(value < 0.1 && value > 0 ? 1 : 0)} %`;
export const number = (value: number): string => String(Number(value.toPrecision(3)));
export const over = (series: Series, window: number): string => `in steps ${series.since(window)} to ${series.step}`;

/** Mean over the last `window` steps; null before so many have a value. */
export function recent(series: Series, name: string, window: number): number | null {
  const values = series.last(name, window);
  return values.length >= window ? mean(values) : null;
}

/** Mean of the run's own start, once it lies behind the steps that are looked at; null before. */
export function start(series: Series, name: string, window: number, steps = START): number | null {
  const values = series.first(name, steps);
  return values.length >= steps && series.length >= steps + window ? mean(values) : null;
}

/** How much a metric rose from the run's start to its last steps; null while that cannot be told. */
export function rise(series: Series, name: string, window: number): number | null {
  const [before, now] = [start(series, name, window, 5), recent(series, name, window)];
  return before === null || now === null ? null : now - before;
}

/** Robust z of the newest value among the `window` before it, and how many times their median it is; null while they are too few. */
export function spike(series: Series, name: string, window: number): { value: number; times: number; z: number } | null {
  const values = series.last(name, window + 1);
  const value = series.now(name);
  if (value === undefined || !Number.isFinite(value) || values.length < window + 1) return null;
  const before = values.slice(0, -1);
  const middle = median(before);
  const spread = 1.4826 * median(before.map((one) => Math.abs(one - middle)));
  return { value, times: value / Math.max(middle, 1e-12), z: (value - middle) / Math.max(spread, 1e-12) };
}

/** The metric that says how many completions answer right: ours, or the mean of the function that rewards it, where TRL trained. */
export function rightness(series: Series): string {
  const isOurs = series.points('accuracy', 1).length > 0;
  return isOurs ? 'accuracy' : (series.names(/^rewards\/accuracy[^/]*\/mean$/)[0] ?? 'accuracy');
}

/**
 * The metric that says how many held-out questions are answered right, and half of its newest 95 % interval. TRL logs no accuracy but the mean of the
 * function that rewards one, and of its size how many samples took how long.
 */
export function heldOut(series: Series): { name: string; noise: number } {
  const newest = (name: string): number => series.points(name, 1)[0]?.value ?? NaN;
  const byTrl = series.names(/^eval_rewards\/accuracy[^/]*\/mean$/)[0];
  const isOurs = byTrl === undefined || series.points('eval_accuracy', 1).length > 0;
  const samples = Math.round(newest('eval_runtime') * newest('eval_samples_per_second'));
  const noise = isOurs ? (newest('eval_accuracy_high') - newest('eval_accuracy_low')) / 2 : 1.96 * Math.sqrt(0.25 / samples);
  return { name: isOurs ? 'eval_accuracy' : byTrl, noise: Number.isFinite(noise) ? noise : 0 };
}

export const rewardFunctions = (series: Series): string[] =>
  series.names(/^rewards\/[^/]+\/mean$/).map((name) => /^rewards\/([^/]+)\//.exec(name)![1]);

/** Functions that gave each completion of the last `steps` steps one value, and not their best: at 1 they are met, which `format_saturated` is about. */
export const constantFunctions = (series: Series, steps: number): { name: string; value: number }[] =>
  rewardFunctions(series).flatMap((name) => {
    const [means, stds] = (['mean', 'std'] as const).map((of) => series.last(`rewards/${name}/${of}`, steps));
    const isConstant = means.length >= steps && stds.length >= steps && stds.every((std) => std === 0) && new Set(means).size === 1;
    return isConstant && means[0] < 1 ? [{ name, value: means[0] }] : [];
  });
