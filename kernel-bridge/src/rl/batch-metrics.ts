/** Metrics of a batch of completions and rewards, before any update: TRL's, and ours beside them. */
import { choicesOf, readAnswer } from '../answers/index.ts';
import type { ReadingName } from '../protocol/index.ts';
import { nanMean, nanStd, type Advantages } from './advantages.ts';
import type { ScoredGroup } from './rollouts.ts';

const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** completions/*: lengths in tokens, the end token included. */
export function completionMetrics(completions: { length: number; ended: boolean }[]): Record<string, number> {
  const lengths = completions.map(({ length }) => length);
  const ended = completions.filter((completion) => completion.ended).map(({ length }) => length);
  const terminated = ended.length === 0 ? [0] : ended;
  return {
    'completions/mean_length': mean(lengths),
    'completions/min_length': Math.min(...lengths),
    'completions/max_length': Math.max(...lengths),
    'completions/clipped_ratio': 1 - ended.length / completions.length,
    'completions/mean_terminated_length': mean(terminated),
    'completions/min_terminated_length': Math.min(...terminated),
    'completions/max_terminated_length': Math.max(...terminated),
  };
}

/** reward, reward_std, rewards/*: raw values [N][K] and what the advantages were made from. */
export function rewardMetrics(
  names: readonly string[],
  perFunction: (number | null)[][],
  { rewards, stdIsZero }: Advantages,
): Record<string, number> {
  const columns = names.map((name, k) => [name, perFunction.map((row) => row[k] ?? NaN)] as const);
  return {
    ...Object.fromEntries(
      columns.flatMap(([name, values]) => [
        [`rewards/${name}/mean`, nanMean(values)],
        [`rewards/${name}/std`, nanStd(values)],
      ]),
    ),
    reward: nanMean(rewards),
    reward_std: nanStd(rewards),
    frac_reward_zero_std: mean(stdIsZero.map(Number)),
  };
}

/**
 * Letters answered by the run's reading, and groups all right or all wrong (tinker's split of frac_reward_zero_std). What a question does not offer, an
 * E where A to D stand or any other word, counts as none: the shares add up to 1.
 */
export function answerMetrics(groups: readonly ScoredGroup[], reading: ReadingName): Record<string, number> {
  const offered = groups.map(({ question }) => choicesOf(question.item.options).map(({ letter }) => letter));
  const predictions = groups.map(({ question, completions }) =>
    completions.map(({ text }) => readAnswer(reading, text, question.item.options)),
  );
  const counted = predictions.flatMap((group, p) =>
    group.map((prediction) => (prediction !== null && offered[p].includes(prediction) ? prediction : 'none')),
  );
  const histogram = [...new Set(['none', ...offered.flat()])].toSorted().map((letter) => {
    return [`answers/${letter}`, counted.filter((one) => one === letter).length / counted.length];
  });

  const known = groups.flatMap(({ question }, p) =>
    question.item.answer === null ? [] : [{ answer: question.item.answer, predicted: predictions[p] }],
  );
  const share = (test: (group: (typeof known)[number]) => boolean): number => known.filter(test).length / known.length;
  return {
    ...Object.fromEntries(histogram),
    frac_groups_all_right: share(({ answer, predicted }) => predicted.every((letter) => letter === answer)),
    frac_groups_all_wrong: share(({ answer, predicted }) => predicted.every((letter) => letter !== answer)),
  };
}
