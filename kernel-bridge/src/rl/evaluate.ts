import { publishedReading, verdict } from '../answers/index.ts';
import { wilson } from '../stats/wilson.ts';
import { nanMean, weightedSum } from './advantages.ts';
import { ask } from './ask.ts';
import { agreed } from './ranks.ts';
import { rewardInput } from './rollouts.ts';
import type { Scorer } from './scorer.ts';
import type { Training } from './training.ts';

/** Questions answered together. */
const BATCH = 16;

/** What one answer was worth. */
interface Row {
  /** Place in the held-out slice. */
  place: number;
  strict: number;
  tolerant: number;
  length: number;
  rewards: (number | null)[];
}

/** Greedy answers to the training's held-out slice, as metrics by `eval_` names; null when it has none. Ranks take batches in turn. */
export async function evaluate(training: Training, scorer: Scorer): Promise<Record<string, number | null> | null> {
  if (training.evalItems.length === 0) return null;
  const parts = await agreed(training.ranks, () => ownRows(training, scorer), scorer.kernel);
  training.shareLeftOut();
  const rows = parts.flat().sort((a, b) => a.place - b.place);
  const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);
  return {
    ...withInterval(
      'eval_accuracy',
      rows.map(({ strict }) => strict),
    ),
    ...withInterval(
      'eval_accuracy_tolerant',
      rows.map(({ tolerant }) => tolerant),
    ),
    eval_items: rows.length,
    eval_reward: orNull(nanMean(rows.map((row) => weightedSum(row.rewards, scorer.weights)))),
    ...Object.fromEntries(
      scorer.names.map((name, k) => [`eval_rewards/${name}/mean`, orNull(nanMean(rows.map((row) => row.rewards[k] ?? NaN)))]),
    ),
    'eval_completions/mean_length': nanMean(rows.map(({ length }) => length)),
  };
}

/** 0 or 1 for each answer, as a share and the ends of its 95 % interval. */
function withInterval(name: string, right: readonly number[]): Record<string, number | null> {
  const { rate, low, high } = wilson(
    right.reduce((sum, one) => sum + one, 0),
    right.length,
  );
  return { [name]: rate, [`${name}_low`]: low, [`${name}_high`]: high };
}

/** This rank's answers. */
async function ownRows(training: Training, scorer: Scorer): Promise<Row[]> {
  const { evalItems, config, policy, processor, evalEncoder, ranks } = training;
  const published = publishedReading(config.variant, config.prompt_template);
  const rows: Row[] = [];
  for (let start = 0; start < evalItems.length; start += BATCH) {
    if ((start / BATCH) % ranks.size !== ranks.rank) continue;
    const slice = evalItems.slice(start, start + BATCH);
    const questions = await training.askable(slice, evalEncoder);
    if (questions.length === 0) continue;
    const replies = await ask(
      policy,
      processor,
      questions.map(({ prompt }) => prompt),
      { greedy: true, maxNewTokens: config.max_completion_length },
    );
    const completions = replies.map(([reply]) => reply);
    const rewards = await scorer.score(
      completions.map((completion, i) => rewardInput(questions[i], completion)),
      training.step,
    );
    completions.forEach(({ text, tokenIds }, i) => {
      const { item } = questions[i];
      rows.push({
        place: start + slice.indexOf(item),
        strict: Number(verdict(published, text, item).correct),
        tolerant: Number(verdict('tolerant', text, item).correct),
        length: tokenIds.length,
        rewards: rewards[i],
      });
    });
    evalEncoder.trim();
  }
  return rows;
}
