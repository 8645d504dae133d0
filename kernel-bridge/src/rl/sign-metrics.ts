/** Metrics of a batch that the rules of alerts read: signs of known failures. All follow from rollouts, rewards and advantages that the step has anyway. */
import { verdict } from '../answers/index.ts';
import type { ReadingName } from '../protocol/index.ts';
import { answersAsReasoned, thinkOf, wordsOf } from '../rewards/index.ts';
import { nanMean, nanStd, type Advantages } from './advantages.ts';
import type { ScoredGroup } from './rollouts.ts';

/** Groups count as alike in reward where their spread is below this share of the batch's. */
const TINY = 0.01;

/** What the texts say. A metric of which no completion says anything is NaN. */
export function textSigns(groups: readonly ScoredGroup[], reading: ReadingName): Record<string, number> {
  const rows = groups.flatMap(({ question, completions }) => completions.map(({ text }) => ({ text, item: question.item })));
  const thoughts = rows.map(({ text }) => thinkOf(text));
  const same = rows.map(({ text, item }) => answersAsReasoned(text, item.options));
  return {
    accuracy: nanMean(rows.map(({ text, item }) => numberOf(verdict(reading, text, item).correct))),
    'think/mean_words': nanMean(thoughts.map((think) => (think === null ? NaN : wordsOf(think)))),
    'think/disagrees': 1 - nanMean(same.map(numberOf)),
    frac_groups_identical: nanMean(groups.map(({ completions }) => Number(new Set(completions.map(({ text }) => text)).size === 1))),
  };
}

/** What rewards and advantages say. */
export function rewardSigns(
  groups: readonly ScoredGroup[],
  { rewards, advantages }: Advantages,
  weights: readonly number[],
): Record<string, number> {
  let row = 0;
  const totals = groups.map(({ completions }) => completions.map(() => rewards[row++])); // [P][G]
  const tiny = TINY * nanStd(rewards);
  const stds = totals.map(nanStd);
  return {
    frac_reward_missing: nanMean(rewards.map((reward) => Number(Number.isNaN(reward)))),
    frac_groups_tiny_std: nanMean(stds.map((std) => Number(std > 1e-8 && std < tiny))),
    frac_groups_rewards_cancel: nanMean(groups.map(({ completions }, p) => Number(cancels(completions, totals[p], weights)))),
    'advantages/max_abs': Math.max(...advantages.map(Math.abs)),
    reward_length_correlation: withinGroups(
      totals,
      groups.map(({ completions }) => completions.map(({ tokenIds }) => tokenIds.length)),
    ),
  };
}

const numberOf = (value: boolean | null): number => (value === null ? NaN : Number(value));

/** Two completions earned different rewards that add up to the same, so that they count as equally good. */
function cancels(completions: ScoredGroup['completions'], totals: readonly number[], weights: readonly number[]): boolean {
  const earned = completions.map(({ rewards }) => rewards.map((value, k) => (weights[k] === 0 ? null : value)).join());
  const bySum = Map.groupBy(earned.keys(), (i) => totals[i].toFixed(6));
  return [...bySum.values()].some((rows) => new Set(rows.map((i) => earned[i])).size > 1);
}

/** Pearson correlation of deviations from the mean of their group, [P][G] each; NaN where one of them has no spread. */
function withinGroups(a: readonly number[][], b: readonly number[][]): number {
  const centred = (groups: readonly number[][]): number[] => groups.flatMap((group) => group.map((value) => value - nanMean(group)));
  const pairs = centred(a).flatMap((x, i) => (Number.isNaN(x) ? [] : [[x, i] as const]));
  const y = centred(b);
  const sum = (of: (x: number, y: number) => number): number => pairs.reduce((total, [x, i]) => total + of(x, y[i]), 0);
  const norm = Math.sqrt(sum((x) => x * x) * sum((_, y) => y * y));
  return norm < 1e-9 ? NaN : sum((x, y) => x * y) / norm;
}
