/** Tries users' reward functions before a run depends on them. */
import { inTags } from '../answers/index.ts';
import {
  errorBody,
  rewardName,
  type CheckedReward,
  type CheckRewards,
  type RewardSet,
  type TrainConfig,
  type VqaItem,
} from '../protocol/index.ts';
import { errors } from './errors.ts';
import { configuredRewards } from './files.ts';
import { kernelReward, testKernelReward } from './kernel-reward.ts';
import { score } from './reward-functions.ts';
import type { AskKernel, RewardContext, RewardInput } from './types.ts';
import type { TestCount } from './sandbox/messages.ts';
import { UserReward } from './user-reward.ts';

/** Completions of a call that finds what would throw in the first step: well formed, wrong, empty, cut off. */
const COMPLETIONS = [inTags('think', 'It is.') + inTags('answer', 'A'), 'B', '', '<think>It'];
const STAND_IN: RewardInput['item'] = {
  id: 'item',
  dataset: 'data',
  question: 'What is shown?',
  options: ['yes', 'no'],
  answer: 'A',
  modality: 'CT',
  question_type: 'Modality Recognition',
};

export const contextOf = ({ variant, max_completion_length }: Pick<TrainConfig, 'variant' | 'max_completion_length'>): RewardContext => ({
  variant,
  maxCompletionLength: max_completion_length,
});

/** Runs the tests of every user's file, and a call on made-up completions of some items; tests by function. Throws the first REWARD_ error. */
export async function checkRewards(
  rewards: RewardSet,
  context: RewardContext,
  items: readonly VqaItem[] = [],
  askKernel?: AskKernel,
): Promise<Record<string, TestCount | null>> {
  const tests: Record<string, TestCount | null> = {};
  const usable = items.filter(({ problem }) => problem === null).slice(0, COMPLETIONS.length);
  for (const [name, source] of Object.entries(rewards.sources)) {
    const inputs = COMPLETIONS.map((text, i) => inputOf(text, usable[i] ?? STAND_IN));
    if (source.runtime === 'kernel') {
      tests[name] = await testKernelReward(name, source, context, askKernel);
      await score(name, kernelReward(name, source, context, askKernel), inputs);
      continue;
    }
    using reward = new UserReward(name, source, context);
    tests[name] = await reward.test();
    await score(name, (of, step) => reward.score(of, step), inputs);
  }
  return tests;
}

/** Each entry by itself, with what is wrong with it. */
export async function checkEntries(
  { reward_funcs, reward_files }: CheckRewards,
  context: RewardContext,
  served: RewardSet['sources'] = {},
  askKernel?: AskKernel,
): Promise<CheckedReward[]> {
  const checked: CheckedReward[] = [];
  for (const entry of reward_funcs) {
    const name = rewardName(entry);
    const one: CheckedReward = { entry, name, sha256: null, tests: null, error: null };
    try {
      if (checked.some((other) => other.name === name)) throw errors.twice(name);
      const set = configuredRewards({ reward_funcs: [entry], reward_weights: null }, reward_files, served);
      one.sha256 = set.sources[name]?.sha256 ?? null;
      one.tests = (await checkRewards(set, context, [], askKernel))[name] ?? null;
    } catch (thrown) {
      one.error = errorBody(thrown);
    }
    checked.push(one);
  }
  return checked;
}

const inputOf = (completion: string, item: RewardInput['item']): RewardInput => ({
  completion,
  tokenIds: Array.from(completion.split(' '), (_, id) => id),
  finishReason: 'stop',
  prompt: item.question,
  item,
});
