import { torch } from '../../torch/index.ts';
import type { LossType } from './types.ts';

/** SAPO: a sigmoid gate around ratio 1 in place of the hard clip, softer where A > 0. */
export const sapo: Omit<LossType, 'normalise'> = {
  surrogate(rho, A, _logp, config) {
    const positive = torch.gt(A, 0); // [B, 1]
    const tau = torch.where(positive, torch.full_like(A, config.sapo_temperature_pos), torch.full_like(A, config.sapo_temperature_neg));
    const gate = torch.div(torch.mul(torch.sigmoid(torch.mul(tau, torch.sub(rho, 1))), 4), tau);
    return torch.mul(gate, A);
  },

  clips: () => null,
  metrics: () => ({}),
};
