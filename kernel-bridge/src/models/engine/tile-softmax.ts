/**
 * A softmax over the vocabulary, some columns of the logits at a time. On the CPU each step is one pass over the tile by a kernel of our own
 * (native/kernels.cc), elsewhere PyTorch's operators. Logits are divided by the temperature here.
 */
import { medr1, torch, type Tensor } from '../../torch/index.ts';

/** Logits [m, v] of m rows: the vocabulary's columns from `first` on. */
export interface Tile {
  logits: Tensor; // float32
  first: number;
  targets: Tensor; // [m] int64, columns of the whole vocabulary
  temperature: number;
}

/**
 * What is known of m rows after some of the vocabulary, [m, 4] float32: the largest logit `top`; sum of exp(logit - top); that sum with each
 * term times (logit - top), for the entropy; the target's logit, once it came.
 */
export type Seen = Tensor;

export function nothingSeen(m: number, device: string): Seen {
  const seen = torch.zeros([m, 4], { dtype: 'float32', device });
  torch.fill_(torch.select(seen, 1, 0), -Infinity);
  return seen;
}

/** Adds a tile to `seen`. Without `entropy`, the entropy that softmaxOf gives later is not valid, and its cost may be saved. */
export function see(seen: Seen, tile: Tile, entropy = true): void {
  if (seen.device === 'cpu') medr1.see_logits_(seen, tile.logits, tile.targets, tile.first, tile.temperature);
  else seeByOperators(seen, tile, entropy);
}

export interface Softmax {
  lse: Tensor; // [m], log of the sum of exp(logit)
  logps: Tensor; // [m], of the targets
  correct: Tensor; // [m], 1 where no token is more probable than the target
  entropy: Tensor; // [m]
}

/** Of the whole vocabulary. */
export function softmaxOf(seen: Seen): Softmax {
  const [top, sum, weighted, wanted] = torch.unbind(seen, 1);
  const logSum = torch.log(sum);
  const lse = torch.add(top, logSum);
  return {
    lse,
    logps: torch.sub(wanted, lse),
    correct: torch.ge(wanted, top).to({ dtype: 'float32' }),
    entropy: torch.sub(logSum, torch.div(weighted, sum)),
  };
}

/** (onehot(target) - p) times g [m], in place of the logits: their gradient, with g that of logp(target) over the temperature. */
export function logitGradient(tile: Tile, lse: Tensor, g: Tensor): Tensor {
  if (tile.logits.device !== 'cpu') return gradientByOperators(tile, lse, g);
  return medr1.grad_logits_(tile.logits, tile.targets, lse, g, tile.first, tile.temperature);
}

/** `see` for any device. */
export function seeByOperators(seen: Seen, tile: Tile, entropy = true): void {
  const [oldTop, oldSum, oldWeighted, oldWanted] = torch.unbind(seen, 1);
  const logits = tile.temperature === 1 ? tile.logits : torch.div(tile.logits, tile.temperature);
  const top = torch.maximum(oldTop, torch.amax(logits, [1])); // [m]
  const { index, here } = place(tile);
  const found = torch.squeeze(torch.where(here, torch.gather(logits, 1, index), 0), 1);
  const below = torch.sub(logits, torch.unsqueeze(top, 1)); // [m, v]
  const p = entropy ? torch.exp(below) : torch.exp_(below);
  const down = torch.sub(oldTop, top); // what was known was above a lower top
  const shrink = torch.exp(down);
  const sum = torch.addcmul(torch.sum(p, [1]), oldSum, shrink);
  const known = torch.where(torch.gt(oldSum, 0), torch.addcmul(oldWeighted, down, oldSum), 0); // before the first tile `down` is -inf
  const weighted = entropy ? torch.addcmul(torch.sum(torch.mul_(p, below), [1]), known, shrink) : oldWeighted;
  torch.copy_(seen, torch.stack([top, sum, weighted, torch.add(oldWanted, found)], 1));
}

/** `logitGradient` for any device. */
export function gradientByOperators(tile: Tile, lse: Tensor, g: Tensor): Tensor {
  const { logits, temperature } = tile;
  const { index, here } = place(tile);
  if (temperature !== 1) torch.div_(logits, temperature);
  const p = torch.exp_(torch.sub_(logits, torch.unsqueeze(lse, 1))); // [m, v]
  const perRow = torch.unsqueeze(g, 1);
  const own = torch.where(here, perRow, 0);
  return torch.scatter_add_(torch.mul_(p, torch.neg(perRow)), 1, index, own);
}

/** Columns [m, 1] of a tile that its targets stand in, and whether they are in this tile at all. */
function place({ logits, first, targets }: Tile): { index: Tensor; here: Tensor } {
  const shifted = torch.unsqueeze(torch.sub(targets, first), 1);
  const index = torch.clamp(shifted, 0, logits.shape[1] - 1);
  return { index, here: torch.eq(index, shifted) };
}
