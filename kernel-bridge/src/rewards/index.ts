/** The rewards there are, and the one way to call them. */
export type { AskKernel, RewardContext, RewardDefinition, RewardFunction, RewardInput } from './types.ts';
export { builtInNamed, builtInReward, REWARDS } from './built-in.ts';
export { errors as rewardErrors, isRewardFailure } from './errors.ts';
export { configuredRewards, kernelSource, readRewardFile, rewardSource } from './files.ts';
export { WAITS_FOR_KERNEL } from './errors.ts';
export { checkEntries, checkRewards, contextOf } from './check.ts';
export { changedParameters, changedSchedules, parametersAt, weightsAt } from './parameters.ts';
export { createReward, RewardFunctions, score } from './reward-functions.ts';
export { groupInputs, tryReward, type RewardBatch } from './report.ts';
export { UserReward } from './user-reward.ts';
export { thinkOf, wordsOf } from './think.ts';
export { answersAsReasoned } from './think_answer_consistency.ts';
