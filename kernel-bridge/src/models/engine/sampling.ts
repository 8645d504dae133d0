/** Choosing the next token of each row, on the device: no value comes back to the host here. */
import { medr1, tensor, torch, type Tensor, type Generator } from '../../torch/index.ts';

export interface SamplingOptions {
  temperature?: number;
  topK?: number;
  topP?: number;
  minP?: number;
  repetitionPenalty?: number;
  greedy?: boolean;
}

export interface Sampler {
  /**
   * logits [N, V] -> ids [N] int64 and their log-probabilities [N] under softmax(logits / temperature), before any truncation. The logits may be
   * overwritten.
   */
  (logits: Tensor, seen: Tensor | null, uniform: Uniform): { ids: Tensor; logps: Tensor };
}

/** Uniform numbers in [0, 1) for N rows: [N, 1] float64. */
export type Uniform = (N: number) => Tensor;

/**
 * Drawn as they are asked for; null = torch's global generator. `count` numbers are drawn each time, one for every row at the start, and `origins` [N]
 * tells which of those rows are left: what a row draws does not depend on when others ended and were dropped.
 */
export const uniformsOf =
  (generator: Generator | null, device: string, count: number, origins: () => Tensor): Uniform =>
  (N) => {
    const all = torch.rand([count, 1], { dtype: 'float64', device, generator });
    return N === count ? all : torch.index_select(all, 0, origins());
  };

/**
 * Settings act in transformers' order: repetition penalty, suppressed tokens, temperature, top k, top p, min p.
 * A draw inverts the cumulative distribution: two uniform numbers per row, where Gumbel noise takes one per token.
 */
export function makeSampler(options: SamplingOptions, suppress: Suppression | null): Sampler {
  const { temperature = 1, topK, topP, minP, repetitionPenalty = 1, greedy = false } = options;
  const plain = !greedy && topK === undefined && (topP ?? 1) === 1 && (minP ?? 0) === 0 && repetitionPenalty === 1;
  if (plain) return (logits, _seen, uniform) => drawPlain(logits, temperature, suppress, uniform);
  return (logits, seen, uniform) => {
    const wide = logits.to({ dtype: 'float32' });
    const scaled = greedy || temperature === 1 ? wide : torch.div(wide, temperature);
    const logProbs = torch.log_softmax(scaled, -1); // [N, V]
    let scores = logProbs;
    if (repetitionPenalty !== 1 && seen !== null) {
      const penalised = penalise(wide, seen, repetitionPenalty);
      scores = torch.log_softmax(greedy || temperature === 1 ? penalised : torch.div(penalised, temperature), -1);
    }
    if (suppress !== null) scores = torch.index_fill(scores, 1, suppress.ids, -Infinity);
    if (topK !== undefined) scores = keepTopK(scores, topK);
    if (topP !== undefined && topP < 1) scores = keepTopP(scores, topP);
    if (minP !== undefined && minP > 0) scores = keepMinP(scores, minP);
    const ids = greedy ? torch.argmax(scores, -1) : drawScored(scores, uniform); // [N]
    return { ids, logps: torch.squeeze(torch.gather(logProbs, 1, torch.unsqueeze(ids, 1)), 1) };
  };
}

function drawScored(scores: Tensor, uniform: Uniform): Tensor {
  const weights = torch.exp(scores);
  return drawWeighted(weights, blockSums(weights, blockSize(weights.shape[1])), uniform);
}

/** Without truncation: the weights take the place of the logits. logits [N, V] */
function drawPlain(logits: Tensor, temperature: number, suppress: Suppression | null, uniform: Uniform): ReturnType<Sampler> {
  const weights = logits.to({ dtype: 'float32' });
  const size = blockSize(weights.shape[1]);
  const sums = weigh(weights, size, temperature); // [N, V / size]
  const total = torch.sum(sums, [1]); // [N]
  if (suppress !== null) {
    torch.index_fill_(weights, 1, suppress.ids, 0);
    const blocks = torch.index_select(torch.view(weights, [...sums.shape, size]), 1, suppress.blocks);
    torch.index_copy_(sums, 1, suppress.blocks, torch.sum(blocks, [2]));
  }
  const ids = drawWeighted(weights, sums, uniform);
  const chosen = torch.squeeze(torch.gather(weights, 1, torch.unsqueeze(ids, 1)), 1);
  return { ids, logps: torch.log(torch.div(chosen, total)) };
}

/** exp((logit - the row's largest) / temperature) in place of the logits [N, V], and the sums of its blocks: [N, V / size]. */
function weigh(logits: Tensor, size: number, temperature: number): Tensor {
  if (logits.device === 'cpu') return medr1.weigh_logits_(logits, size, temperature);
  torch.sub_(logits, torch.amax(logits, [-1], true));
  return blockSums(torch.exp_(temperature === 1 ? logits : torch.div_(logits, temperature)), size);
}

const blockSums = (weights: Tensor, size: number): Tensor => {
  const [N, V] = weights.shape;
  return torch.sum(torch.view(weights, [N, V / size, size]), [2]);
};

/**
 * A token of each row by its weight, in two draws: a block of the vocabulary, then a token in it. Only the blocks' sums and the one block are
 * added up in float64, not the whole vocabulary. weights [N, V], sums [N, V / size] -> ids [N]
 */
function drawWeighted(weights: Tensor, sums: Tensor, uniform: Uniform): Tensor {
  const size = weights.shape[1] / sums.shape[1];
  const first = torch.unsqueeze(torch.mul(pick(sums, uniform), size), 1); // [N, 1]
  const block = torch.gather(weights, 1, torch.add(first, torch.arange(size, { device: weights.device }))); // [N, size]
  return torch.add(torch.squeeze(first, 1), pick(block, uniform));
}

/** The largest divisor of V up to its square root. */
function blockSize(V: number): number {
  let size = Math.floor(Math.sqrt(V));
  while (V % size !== 0) size--;
  return size;
}

/**
 * The place at which the cumulative weights [N, K] pass a uniform number [N]. Places without weight are never met; weights that are no
 * numbers give the last place, so that a device is never sent outside its memory.
 */
function pick(weights: Tensor, uniform: Uniform): Tensor {
  const cumulative = torch.cumsum(weights, -1, { dtype: 'float64' });
  const [N, K] = weights.shape;
  const target = torch.mul(uniform(N), torch.narrow(cumulative, 1, K - 1, 1));
  return torch.squeeze(torch.clamp_max(torch.searchsorted(cumulative, target, { right: true }), K - 1), 1);
}

/** Tokens that are never drawn, and the blocks of the vocabulary that they are in; each once. */
export interface Suppression {
  ids: Tensor;
  blocks: Tensor;
}

/** Of the given tokens, null when there are none in the vocabulary. */
export function suppression(tokenIds: number[], vocabSize: number, device: string): Suppression | null {
  const inside = [...new Set(tokenIds)].filter((id) => id < vocabSize);
  if (inside.length === 0) return null;
  const size = blockSize(vocabSize);
  const index = (places: number[]) => tensor(places, { dtype: 'int64', device });
  return { ids: index(inside), blocks: index([...new Set(inside.map((id) => Math.floor(id / size)))]) };
}

/** Scores of tokens that occur (seen [N, V] bool) are made smaller: divided if positive, multiplied if negative. */
function penalise(logits: Tensor, seen: Tensor, penalty: number): Tensor {
  const smaller = torch.where(torch.lt(logits, 0), torch.mul(logits, penalty), torch.div(logits, penalty));
  return torch.where(seen, smaller, logits);
}

function keepTopK(scores: Tensor, k: number): Tensor {
  const size = scores.shape[1];
  const [values] = torch.topk(scores, Math.min(k, size), -1);
  const smallest = torch.narrow(values, 1, values.shape[1] - 1, 1); // [N, 1]
  return torch.masked_fill(scores, torch.lt(scores, smallest), -Infinity);
}

/** The smallest set of tokens whose probability reaches p; the most probable one always stays. */
function keepTopP(scores: Tensor, p: number): Tensor {
  const [sorted, order] = torch.sort(scores, -1, false);
  const cumulative = torch.cumsum(torch.softmax(sorted, -1), -1);
  const drop = torch.le(cumulative, 1 - p); // [N, V], in ascending order
  const size = scores.shape[1];
  torch.fill_(torch.narrow(drop, 1, size - 1, 1), false);
  return torch.masked_fill(scores, torch.scatter(drop, 1, order, drop), -Infinity);
}

/** Tokens at least p times as probable as the most probable one. */
function keepMinP(scores: Tensor, p: number): Tensor {
  const best = torch.amax(scores, [-1], true);
  return torch.masked_fill(scores, torch.lt(scores, torch.add(best, Math.log(p))), -Infinity);
}
