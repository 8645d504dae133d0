/** Which charts there are for the metrics that runs have logged: the known ones in a fixed order, then every other name by its own. */
import { describeMetric, type MetricInfo } from '@medr1/kernel-bridge/protocol/metrics';
import type { RolloutSource } from './rollout-source.ts';

export interface ChartSpec {
  /** Stable: pins, sizes and tests find a chart by it. */
  id: string;
  title: string;
  group: string;
  metrics: string[];
  /** Metric drawn as a band around the first one. */
  band?: string;
  unit: string;
  /** Drawn from the statistics of the rollouts instead of metrics. */
  from?: RolloutSource;
}

interface Family {
  id: string;
  title: string;
  group: string;
  pattern: RegExp;
  band?: string;
}

/** In reading order; the first family that matches a metric takes it. */
const FAMILIES: Family[] = [
  { id: 'reward', title: 'Reward', group: 'Reward', pattern: /^reward$/, band: 'reward_std' },
  { id: 'rewards', title: 'Rewards by function', group: 'Reward', pattern: /^rewards\/[^/]+\/mean$/ },
  { id: 'kl', title: 'KL to the reference', group: 'Loss', pattern: /^kl$/ },
  { id: 'length', title: 'Completion length', group: 'Completions', pattern: /^completions\/(mean|min|max)_length$/ },
  {
    id: 'zero_std',
    title: 'Groups without spread',
    group: 'Reward',
    pattern: /^frac_(reward_zero_std|groups_all_right|groups_all_wrong)$/,
  },
  { id: 'entropy', title: 'Entropy', group: 'Loss', pattern: /^entropy$/ },
  { id: 'grad_norm', title: 'Gradient norm', group: 'Optimisation', pattern: /^grad_norm$/ },
  { id: 'learning_rate', title: 'Learning rate', group: 'Optimisation', pattern: /^learning_rate$/ },
  { id: 'loss', title: 'Loss', group: 'Loss', pattern: /^loss$/ },
  { id: 'clip', title: 'Clip ratios', group: 'Loss', pattern: /^(clip_ratio\/|cispo_clip_ratio)/ },
  { id: 'clipped', title: 'Truncated completions', group: 'Completions', pattern: /^completions\/clipped_ratio$/ },
  { id: 'answers', title: 'Letters answered', group: 'Reward', pattern: /^answers\// },
  { id: 'weights', title: 'Reward weights', group: 'Reward', pattern: /^reward_weights\// },
  { id: 'rewards_std', title: 'Spread by function', group: 'Reward', pattern: /^rewards\/[^/]+\/std$/ },
  { id: 'terminated', title: 'Length of ended completions', group: 'Completions', pattern: /^completions\/\w+_terminated_length$/ },
  { id: 'eval_accuracy', title: 'Held-out accuracy', group: 'Evaluation', pattern: /^eval_accuracy/ },
  { id: 'eval_reward', title: 'Held-out reward', group: 'Evaluation', pattern: /^eval_reward$/ },
  { id: 'eval_rewards', title: 'Held-out reward by function', group: 'Evaluation', pattern: /^eval_rewards\// },
  { id: 'times', title: 'Time in a step', group: 'Time', pattern: /^time\// },
];

/** Shown as part of another chart, or an axis rather than a measurement. */
const NO_CHART = new Set(['reward_std', 'step', 'epoch', 'num_questions']);

/** Charts that somebody put together. */
export const OWN_GROUP = 'Own charts';
/** Charts of what the rollouts were like. */
export const ROLLOUTS_GROUP = 'Rollouts';

const GROUPS: string[] = [OWN_GROUP, 'Reward', 'Completions', ROLLOUTS_GROUP, 'Loss', 'Optimisation', 'Evaluation', 'Time', 'Other'];

/** Charts for these metric names, families first in their order, then the rest by name within its group. */
export function chartsFor(names: Iterable<string>): ChartSpec[] {
  const left = new Set([...names].sort().filter((name) => !NO_CHART.has(name)));
  const known = new Set(names);
  const charts: ChartSpec[] = [];
  for (const family of FAMILIES) {
    const metrics = [...left].filter((name) => family.pattern.test(name));
    if (metrics.length === 0) continue;
    metrics.forEach((name) => left.delete(name));
    const band = family.band && known.has(family.band) ? { band: family.band } : {};
    charts.push({
      id: family.id,
      title: family.title,
      group: family.group,
      metrics: byMeaning(metrics),
      unit: unitOf(metrics[0]),
      ...band,
    });
  }
  for (const name of left) {
    charts.push({ id: name, title: name, group: describeMetric(name)?.group ?? 'Other', metrics: [name], unit: unitOf(name) });
  }
  return charts;
}

/** The groups that these charts fall in, in reading order. */
export function groupsOf(charts: readonly ChartSpec[]): string[] {
  return GROUPS.filter((group) => charts.some((chart) => chart.group === group));
}

/**
 * What a line is called inside its chart: the words of the metric's name that not all of its lines have. "rewards/accuracy/mean" -> "accuracy",
 * "completions/min_length" -> "min", "frac_groups_all_right" -> "groups_all_right".
 */
export function shortName({ metrics, group, from }: ChartSpec, metric: string): string {
  if (metrics.length < 2 || group === OWN_GROUP || from) return metric;
  const parting = metrics.every((name) => OF_A_FUNCTION.test(name)) ? '/' : '/_';
  const words = metrics.map((name) => name.split(new RegExp(`[${parting}]`)));
  const shortest = Math.min(...words.map(({ length }) => length));
  const common = (at: (list: string[], i: number) => string): number => {
    let count = 0;
    while (count < shortest - 1 && words.every((list) => at(list, count) === at(words[0], count))) count++;
    return count;
  };
  const start = common((list, i) => list[i]);
  const end = Math.min(
    common((list, i) => list[list.length - 1 - i]),
    shortest - 1 - start,
  );
  const parts = metric.split(new RegExp(`([${parting}])`)); // with what stands between the words
  return parts.slice(2 * start, parts.length - 2 * end).join('');
}

/** Names of these metrics hold the name of a reward function, which is not cut. */
const OF_A_FUNCTION = /^(eval_)?reward(s|_weights)\//;

/** Names, explanations and formulas of a chart's metrics, as text for its tooltip. */
export function explain(chart: ChartSpec): string {
  return chart.metrics
    .map((name) => [name, describeMetric(name)] as const)
    .filter((pair): pair is readonly [string, MetricInfo] => pair[1] !== undefined)
    .map(([name, info]) => `${name}: ${info.text}\n${info.formula}${info.unit ? `  [${info.unit}]` : ''}`)
    .join('\n\n');
}

const unitOf = (name: string): string => describeMetric(name)?.unit ?? '';

const RANKS = ['mean', 'min', 'max'];
/** Mean before minimum before maximum; otherwise by name. */
function byMeaning(names: string[]): string[] {
  const rank = (name: string): number => RANKS.findIndex((word) => name.includes(word)) + 1;
  return names.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}
