import { noGrad, torch, type Tensor } from '../../torch/index.ts';
import { metricMean } from './means.ts';
import type { LossConfig, LossType } from './types.ts';

/** Bounds of a sequence's log ratio, as TRL has them. */
const [LOWEST, HIGHEST] = [Math.log(1e-8), 20];

/**
 * phi(w) = e^lambda w^k e^(-lambda w), 1 at w = 1, of each sequence's ratio w = product of its tokens' rho: [B, 1]. k and lambda by the sign of A.
 * Takes no gradient.
 */
function phi(logRatio: Tensor, A: Tensor, config: LossConfig): Tensor {
  return noGrad(() => {
    const perToken = torch.clamp(logRatio.detach(), -HIGHEST, HIGHEST); // [B, T], 0 where nothing counts
    const logW = torch.clamp(torch.sum(perToken, [1], true), LOWEST, HIGHEST); // [B, 1]
    const bySign = (positive: number, negative: number): Tensor =>
      torch.where(torch.ge(A, 0), torch.full_like(A, positive), torch.full_like(A, negative));
    const k = bySign(config.vespo_k_pos, config.vespo_k_neg);
    const lambda = torch.clamp_min(bySign(config.vespo_lambda_pos, config.vespo_lambda_neg), 1e-4);
    const logPhi = torch.sub(torch.add(lambda, torch.mul(k, logW)), torch.mul(lambda, torch.exp(logW)));
    return torch.nan_to_num(torch.exp(logPhi), 0, 0, 0);
  });
}

/** VESPO (arXiv 2602.10693): a smooth weight of the whole sequence's ratio in place of a clip. Ratios are per token, the sequence's is theirs together. */
export const vespo: Omit<LossType, 'normalise'> = {
  surrogate: (_rho, A, logp, config, logRatio) => torch.mul(torch.mul(phi(logRatio, A, config), A), logp),

  clips: () => null,

  metrics: (_rho, A, mask, config, logRatio) => ({ 'vespo/phi_seq_mean': metricMean(phi(logRatio, A, config), mask) }),
};
