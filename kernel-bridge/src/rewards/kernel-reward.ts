/**
 * A reward function that a kernel evaluates: a call goes there as texts and numbers, numbers come back. The function may give other values for the same
 * completions, so whoever asks keeps what it gave (worker/kernel-rewards.ts).
 */
import { createHash } from 'node:crypto';
import type { RewardSource } from '../protocol/rewards.ts';
import { batchOf } from './batch.ts';
import { errors } from './errors.ts';
import type { AskKernel, RewardContext, RewardFunction } from './types.ts';

/** Throws REWARD_THREW, REWARD_LENGTH, REWARD_VALUE, REWARD_TIMEOUT, REWARD_KERNEL_ABSENT, REWARD_KERNEL_BUSY or REWARD_KERNEL_UNREACHABLE. */
export function kernelReward(name: string, source: RewardSource, context: RewardContext, ask: AskKernel | undefined): RewardFunction {
  return async (inputs, step) => {
    if (ask === undefined) throw errors.kernelUnreachable(name);
    const batch = batchOf(inputs, step, context);
    const key = createHash('sha256')
      .update(JSON.stringify([name, source.sha256, batch]))
      .digest('hex');
    const scored = await ask({ key, name, sha256: source.sha256, ...batch }, source);
    if ('values' in scored) return scored.values;
    if ('failure' in scored) throw errors.user(name, source.file, scored.failure, inputs);
    throw errors.unanswered(name, scored);
  };
}
