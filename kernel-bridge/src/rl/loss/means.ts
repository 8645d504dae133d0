import { torch, type Tensor } from '../../torch/index.ts';

/** Tokens that count, at least 1 so that an empty mask gives 0, not NaN. */
const atLeastOne = (count: Tensor): Tensor => torch.clamp_min(count, 1);

/** Mean over tokens of each sequence: [B, T] or [B, 1] -> [B]. */
export function sequenceMean(x: Tensor, mask: Tensor): Tensor {
  return torch.div(torch.sum(torch.mul(x, mask), [1]), atLeastOne(torch.sum(mask, [1])));
}

/** Sum over all tokens: [B, T] or [B, 1] -> []. */
export const tokenSum = (x: Tensor, mask: Tensor): Tensor => torch.sum(torch.mul(x, mask));

/** Mean over all tokens; with one value per sequence ([B, 1]) the mean over sequences, as TRL's global_masked_mean. */
export function metricMean(x: Tensor, mask: Tensor): number {
  return (x.shape[1] === 1 ? torch.mean(x) : torch.div(tokenSum(x, mask), atLeastOne(torch.sum(mask)))).item();
}

/** Mean per sequence for minima and maxima; NaN for a sequence without tokens, as TRL's masked_seq_mean. */
export function metricPerSequence(x: Tensor, mask: Tensor): number[] {
  const means = x.shape[1] === 1 ? torch.squeeze(x, 1) : torch.div(torch.sum(torch.mul(x, mask), [1]), torch.sum(mask, [1]));
  return Array.from(means.toFloat32());
}
