import { verdict } from '../answers/index.ts';
import type { Group, ReadingName } from '../protocol/index.ts';
import { nanMean, nanStd, type Advantages } from './advantages.ts';
import type { ScoredGroup } from './rollouts.ts';
import type { TokenTrace } from './token-traces.ts';
import type { TokenRatios } from '../protocol/step.ts';

const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

/**
 * What the run store keeps of a step's rollouts. `traces`: of their first update, whose policy is the one that sampled; its ratios are 1
 * and left out (`ratiosOf` has those that say something). `reading`: the one that the run counts by.
 */
export function toGroups(
  step: number,
  groups: readonly ScoredGroup[],
  names: readonly string[],
  reading: ReadingName,
  seen: Advantages,
  traces: readonly TokenTrace[],
): Group[] {
  let row = 0;
  return groups.map(({ question: { item, text }, completions }, group) => {
    const rows = completions.map(() => row++);
    const totals = rows.map((i) => seen.rewards[i]);
    return {
      step,
      group,
      item_id: item.id,
      dataset: item.dataset,
      image: item.image === '' ? null : item.image,
      question: item.question,
      options: item.options,
      answer: item.answer,
      modality: item.modality,
      question_type: item.question_type,
      prompt: text,
      reading,
      reward_mean: orNull(nanMean(totals)),
      reward_std: orNull(nanStd(totals)),
      completions: completions.map((completion, index) => {
        return {
          index,
          text: completion.text,
          token_ids: completion.tokenIds,
          logprobs: completion.logprobs,
          entropy: traces[rows[index]].entropy,
          kl: traces[rows[index]].kl,
          ratio: null,
          clipped: null,
          finish_reason: completion.finishReason,
          rewards: Object.fromEntries(names.map((name, k) => [name, completion.rewards[k]])),
          reward: orNull(totals[index]),
          advantage: orNull(seen.advantages[rows[index]]),
          ...verdict(reading, completion.text, item),
        };
      }),
    };
  });
}

/** Ratios that a later update gave to rollouts stored with `step`. */
export function ratiosOf(step: number, groups: readonly ScoredGroup[], traces: readonly TokenTrace[]): TokenRatios {
  let row = 0;
  const of = ({ ratio, clipped }: TokenTrace) => ({ ratio: ratio!, clipped });
  return { step, groups: groups.map(({ completions }) => completions.map(() => of(traces[row++]))) };
}
