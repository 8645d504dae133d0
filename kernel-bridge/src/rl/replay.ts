/** One GRPO update on completions and rewards that are given: what would the loss be, under these settings? Changes no weight. */
import type { TrainConfig } from '../protocol/index.ts';
import type { EncodedPrompt, Model } from '../models/index.ts';
import { rewardErrors } from '../rewards/index.ts';
import { clipGradNorm, span } from '../torch/index.ts';
import { computeAdvantages, type Advantages } from './advantages.ts';
import { completionMetrics, rewardMetrics } from './batch-metrics.ts';
import { errors } from './errors.ts';
import { frozenLogps, grpoUpdate } from './grpo.ts';
import { Meters } from './meters.ts';
import { microBatches } from './micro-batches.ts';

export interface ReplayGroup {
  prompt: EncodedPrompt;
  /** Token ids of the G completions. */
  completions: number[][];
  /** Raw values by reward function, null = not applicable: [G][K]. */
  rewards: (number | null)[][];
}

export interface ReplayModels {
  policy: Model;
  /** For KL; null at beta 0. May be the policy itself. */
  reference: Model | null;
  /** The policy that sampled, for `num_iterations` above 1; null = the policy itself. */
  old?: Model | null;
  /** Tokens that end a completion. */
  eosTokenIds: readonly number[];
}

export interface Replay {
  loss: number;
  /** Before clipping. */
  grad_norm: number;
  /** [group][completion] */
  advantages: number[][];
  /** By TRL's names. */
  metrics: Record<string, number | null>;
}

/** Leaves the gradients of the update on the policy's weights; `config.num_generations` is taken from the groups, which must be of one size. */
export function replay(models: ReplayModels, groups: readonly ReplayGroup[], names: readonly string[], config: TrainConfig): Replay {
  const { policy, reference, old = null, eosTokenIds } = models;
  const G = groups[0].completions.length;
  const N = groups.length * G;
  if (N % config.per_device_train_batch_size !== 0) throw errors.replaySplit(N, config.per_device_train_batch_size);
  const weights = config.reward_weights ?? names.map(() => 1);
  if (weights.length !== names.length) throw rewardErrors.weightCount(names, weights.length);

  const meters = new Meters();
  const completions = groups.flatMap((group) => group.completions);
  const ended = completions.map((ids) => eosTokenIds.includes(ids[ids.length - 1]));
  const rewards = groups.flatMap((group) => group.rewards);
  const seen: Advantages = computeAdvantages(rewards, weights, G, config);
  const promptTokens = groups.reduce((sum, { prompt }) => sum + prompt.inputIds.length * G, 0);
  meters.add('num_tokens', promptTokens + completions.reduce((sum, ids) => sum + ids.length, 0));
  meters.addAll(completionMetrics(completions.map((ids, i) => ({ length: ids.length, ended: ended[i] }))));
  meters.addAll(rewardMetrics(names, rewards, seen));

  const batch = microBatches(groups, config.per_device_train_batch_size).map((rows) => ({
    ...rows,
    logpOld: old && span('old policy', () => frozenLogps(old, rows, config.temperature)),
    logpRef: reference && span('reference', () => frozenLogps(reference, rows, config.temperature)),
    advantages: seen.advantages.slice(rows.from, rows.to),
    counted: ended.slice(rows.from, rows.to).map((end) => end || !config.mask_truncated_completions),
  }));
  try {
    const { loss } = span('update', () => grpoUpdate(policy, batch, config, meters));
    const grad_norm = span('clip', () => clipGradNorm([...policy.trainable.values()], Infinity));
    const advantages = groups.map((_, p) => seen.advantages.slice(p * G, (p + 1) * G));
    return { loss, grad_norm, advantages, metrics: meters.read() };
  } finally {
    for (const { logpOld, logpRef } of batch) {
      logpOld?.[Symbol.dispose]();
      logpRef?.[Symbol.dispose]();
    }
  }
}
