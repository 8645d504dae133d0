/** Tries users' reward functions before a run depends on them. */
import type { RewardSet, TrainConfig, VqaItem } from '../protocol/index.ts';
import { score } from './reward-functions.ts';
import type { RewardContext, RewardInput } from './types.ts';
import { UserReward } from './user-reward.ts';

/** Completions of a call that finds what would throw in the first step: well formed, wrong, empty, cut off. */
const COMPLETIONS = ['<think>It is.</think><answer>A</answer>', 'B', '', '<think>It'];
const STAND_IN: RewardInput['item'] = {
  id: 'item',
  dataset: 'data',
  question: 'What is shown?',
  options: ['yes', 'no'],
  answer: 'A',
  modality: 'CT',
  question_type: 'Modality Recognition',
};

export const contextOf = ({ variant, max_completion_length }: TrainConfig): RewardContext => ({
  variant,
  maxCompletionLength: max_completion_length,
});

/** Runs the tests of every user's file, and a call on made-up completions of some items. Throws the first REWARD_ error. */
export async function checkRewards(rewards: RewardSet, context: RewardContext, items: readonly VqaItem[] = []): Promise<void> {
  const usable = items.filter(({ problem }) => problem === null).slice(0, COMPLETIONS.length);
  for (const [name, source] of Object.entries(rewards.sources)) {
    using reward = new UserReward(name, source, context);
    await reward.test();
    await score(
      name,
      (inputs, step) => reward.score(inputs, step),
      COMPLETIONS.map((text, i) => inputOf(text, usable[i] ?? STAND_IN)),
    );
  }
}

const inputOf = (completion: string, item: RewardInput['item']): RewardInput => ({
  completion,
  tokenIds: Array.from(completion.split(' '), (_, id) => id),
  finishReason: 'stop',
  prompt: item.question,
  item,
});
