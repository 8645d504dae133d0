/** The rewards there are, and the one way to call them. */
export type { RewardContext, RewardDefinition, RewardFunction, RewardInput } from './types.ts';
export { REWARDS } from './built-in.ts';
export { errors as rewardErrors, isRewardFailure } from './errors.ts';
export { configuredRewards, readRewardFile, rewardSource } from './files.ts';
export { checkEntries, checkRewards, contextOf } from './check.ts';
export { createReward, RewardFunctions, score } from './reward-functions.ts';
export { groupInputs, tryReward, type RewardBatch } from './report.ts';
export { UserReward } from './user-reward.ts';
