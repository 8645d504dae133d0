import { torch } from '../../torch/index.ts';
import { metricMean } from './means.ts';
import type { LossConfig, LossType } from './types.ts';

/** Here epsilon_high is the largest ratio itself, not 1 + epsilon_high (5 in the paper ScaleRL). */
const cap = (config: LossConfig): number => config.epsilon_high ?? config.epsilon;

/** MiniMax-M1's CISPO: the capped ratio weighs the log-probability and takes no gradient, so no token is dropped. */
export const cispo: Omit<LossType, 'normalise'> = {
  surrogate: (rho, A, logp, config) => torch.mul(torch.mul(torch.clamp_max(rho, cap(config)).detach(), A), logp),

  clips: (rho, A, config) => torch.logical_and(torch.gt(rho, cap(config)), torch.gt(A, 0)),

  metrics(rho, A, mask, config) {
    return { cispo_clip_ratio: metricMean(cispo.clips(rho, A, config)!.to({ dtype: 'float32' }), mask) };
  },
};
