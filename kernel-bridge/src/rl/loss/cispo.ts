import { torch } from '../../torch/index.ts';
import { metricMean } from './means.ts';
import type { LossConfig, LossType } from './types.ts';

/** Here epsilon_high is the largest ratio itself, not 1 + epsilon_high (5 in the paper ScaleRL). */
const cap = (config: LossConfig): number => config.epsilon_high ?? config.epsilon;

/** MiniMax-M1's CISPO: the capped ratio weighs the log-probability and takes no gradient, so no token is dropped. */
export const cispo: Omit<LossType, 'normalise'> = {
  surrogate: (rho, A, logp, config) => torch.mul(torch.mul(torch.clamp_max(rho, cap(config)).detach(), A), logp),

  metrics(rho, A, mask, config) {
    const capped = torch.logical_and(torch.gt(rho, cap(config)), torch.gt(A, 0)).to({ dtype: 'float32' });
    return { cispo_clip_ratio: metricMean(capped, mask) };
  },
};
