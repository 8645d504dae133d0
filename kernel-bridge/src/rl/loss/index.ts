/** The eight losses. Each names its surrogate and the count that divides its sum. Formulas are those of TRL's _compute_loss. */
import { torch, type Tensor } from '../../torch/index.ts';
import type { TrainConfig } from '../../protocol/index.ts';
import { cispo } from './cispo.ts';
import { clipped } from './clipped.ts';
import { sequenceMean, tokenSum } from './means.ts';
import { sapo } from './sapo.ts';
import type { LossType } from './types.ts';
import { vespo } from './vespo.ts';

export type { LossConfig, LossType, StepScale } from './types.ts';
export { metricMean } from './means.ts';

type Normalise = LossType['normalise'];

/** DeepSeekMath: mean over the tokens of a completion, then over completions. Short completions weigh more per token. */
const perSequence: Normalise = (x, mask, { accumulation }) => torch.div(torch.mean(sequenceMean(x, mask)), accumulation);

/** Mean over the tokens of this micro-batch. */
const perBatchToken: Normalise = (x, mask, { accumulation }) =>
  torch.div(torch.div(tokenSum(x, mask), torch.clamp_min(torch.sum(mask), 1)), accumulation);

/** Mean over the tokens of the whole step, whatever the micro-batches. */
const perStepToken: Normalise = (x, mask, { tokens }) => torch.div(tokenSum(x, mask), Math.max(1, tokens));

/** Dr. GRPO: a constant in place of the length, so that length brings no gain. */
const perLongest: Normalise = (x, mask, { accumulation }, { max_completion_length }) =>
  torch.div(tokenSum(x, mask), mask.shape[0] * max_completion_length * accumulation);

/** LUSPO: the sum over a completion's tokens, then the mean over completions. */
const perSequenceSum: Normalise = (x, mask, { accumulation }) => torch.div(torch.mean(torch.sum(torch.mul(x, mask), [1])), accumulation);

export const LOSSES: Record<TrainConfig['loss_type'], LossType> = {
  grpo: { ...clipped, normalise: perSequence },
  bnpo: { ...clipped, normalise: perBatchToken },
  dr_grpo: { ...clipped, normalise: perLongest },
  dapo: { ...clipped, normalise: perStepToken },
  luspo: { ...clipped, normalise: perSequenceSum },
  cispo: { ...cispo, normalise: perStepToken },
  sapo: { ...sapo, normalise: perSequence },
  vespo: { ...vespo, normalise: perStepToken },
};

/** log pi - log pi_old of each token [B, T]; 0 where nothing counts, as in TRL. */
export const logRatioOf = (logp: Tensor, logpOld: Tensor, mask: Tensor): Tensor => torch.mul(torch.sub(logp, logpOld), mask);

/** pi / pi_old from its logarithm: per token [B, T], or the geometric mean of a sequence's [B, 1] (GSPO). */
export const importanceRatio = (logRatio: Tensor, mask: Tensor, level: TrainConfig['importance_sampling_level']): Tensor =>
  torch.exp(level === 'token' ? logRatio : torch.unsqueeze(sequenceMean(logRatio, mask), 1));

/** Schulman's k3 estimate of KL(pi || pi_ref) per token, never negative: [B, T]. */
export function k3(logp: Tensor, logpRef: Tensor): Tensor {
  const logr = torch.sub(logpRef, logp);
  return torch.sub(torch.sub(torch.exp(logr), logr), 1);
}
