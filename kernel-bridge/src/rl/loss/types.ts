import type { TrainConfig } from '../../protocol/index.ts';
import type { Tensor } from '../../torch/index.ts';

/** Keys of the configuration that shape the loss. */
export type LossConfig = Pick<
  TrainConfig,
  | 'loss_type'
  | 'importance_sampling_level'
  | 'epsilon'
  | 'epsilon_high'
  | 'delta'
  | 'beta'
  | 'sapo_temperature_pos'
  | 'sapo_temperature_neg'
  | 'vespo_k_pos'
  | 'vespo_lambda_pos'
  | 'vespo_k_neg'
  | 'vespo_lambda_neg'
  | 'max_completion_length'
>;

/** What a micro-batch must know of its step to be normalised. */
export interface StepScale {
  /** Micro-batches summed into one update. */
  accumulation: number;
  /** Tokens in the loss over all of them. */
  tokens: number;
}

/** One `loss_type`: each part is what the paper changes, the rest of the update is common (rl/grpo.ts). */
export interface LossType {
  /**
   * Objective per token, to be made large: [B, T], or [B, 1] with ratios per sequence. rho as it is, A [B, 1], logp [B, T], logRatio [B, T] of each
   * token, 0 where nothing counts.
   */
  surrogate(rho: Tensor, A: Tensor, logp: Tensor, config: LossConfig, logRatio: Tensor): Tensor;
  /** Loss of a micro-batch from token losses and mask, both [B, T] -> []; summed over a step's micro-batches it is the loss of the step. */
  normalise(tokenLoss: Tensor, mask: Tensor, scale: StepScale, config: LossConfig): Tensor;
  /** Tokens (sequences, with ratios per sequence) whose ratio was cut to its bound, by the sign of A; null = this loss cuts none. bool, as rho. */
  clips(rho: Tensor, A: Tensor, config: LossConfig): Tensor | null;
  /** By TRL's names. */
  metrics(rho: Tensor, A: Tensor, mask: Tensor, config: LossConfig, logRatio: Tensor): Record<string, number>;
}
