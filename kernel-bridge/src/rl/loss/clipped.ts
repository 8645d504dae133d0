import { torch, type Tensor } from '../../torch/index.ts';
import { metricMean, metricPerSequence } from './means.ts';
import type { LossConfig, LossType } from './types.ts';

const high = (config: LossConfig): number => config.epsilon_high ?? config.epsilon;

/** Two-sided clipping: rho is bounded even where A < 0 would let it grow. */
const bounded = (rho: Tensor, config: LossConfig): Tensor => (config.delta === null ? rho : torch.clamp_max(rho, config.delta));

/** Where the clip takes the gradient away, below and above the bounds: bool, as rho. */
function outside(rho: Tensor, A: Tensor, config: LossConfig): { low: Tensor; up: Tensor } {
  const ratio = bounded(rho, config);
  return {
    low: torch.logical_and(torch.lt(ratio, 1 - config.epsilon), torch.lt(A, 0)),
    up: torch.logical_and(torch.gt(ratio, 1 + high(config)), torch.gt(A, 0)),
  };
}

const finite = (values: number[]): number[] => values.filter((value) => !Number.isNaN(value));

/** PPO's pessimistic surrogate, shared by every loss that differs in its mean alone. */
export const clipped: Omit<LossType, 'normalise'> = {
  surrogate(rho, A, _logp, config) {
    const inside = torch.clamp(rho, 1 - config.epsilon, 1 + high(config));
    return torch.minimum(torch.mul(bounded(rho, config), A), torch.mul(inside, A));
  },

  clips(rho, A, config) {
    const { low, up } = outside(rho, A, config);
    return torch.logical_or(low, up);
  },

  metrics(rho, A, mask, config) {
    const [low, up] = Object.values(outside(rho, A, config)).map((side) => side.to({ dtype: 'float32' }));
    return {
      'clip_ratio/low_mean': metricMean(low, mask),
      'clip_ratio/low_min': Math.min(...finite(metricPerSequence(low, mask))),
      'clip_ratio/high_mean': metricMean(up, mask),
      'clip_ratio/high_max': Math.max(...finite(metricPerSequence(up, mask))),
      'clip_ratio/region_mean': metricMean(torch.maximum(low, up), mask),
    };
  },
};
