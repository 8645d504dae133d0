/**
 * Log-probability and entropy of given tokens over the vocabulary, chunk by chunk: of the [M, 151936] logits never more
 * than one chunk exists, forward or backward; backward computes them again.
 */
import { customFunction, scope, torch, type Tensor } from '../torch/index.ts';
import { finalNorm } from './decoder.ts';
import type { Qwen2VL } from './model.ts';
import { addWeightGradient, inputGradient, product } from './product.ts';

const CHUNK_BYTES = 256 * 2 ** 20;

export interface TokenLogps {
  logps: Tensor; // [M] float32
  entropy: Tensor | null; // [M] float32, no gradient
  /** 1 where the target is the most probable token. */
  correct: Tensor | null; // [M] float32, no gradient
}

/** hidden [M, D] before the final norm, targets [M] -> log p(target) under softmax(logits / temperature). */
export function tokenLogps(
  model: Qwen2VL,
  hidden: Tensor,
  targets: Tensor,
  options: { temperature?: number; entropy?: boolean; correct?: boolean; chunkTokens?: number } = {},
): TokenLogps {
  const { temperature = 1, entropy = true, correct = false } = options;
  const chunkTokens = options.chunkTokens ?? Math.max(1, Math.floor(CHUNK_BYTES / (4 * model.config.text_config.vocab_size)));
  const compute = chunked(model, Math.min(chunkTokens, hidden.shape[0]), temperature, [
    ...(entropy ? [entropyOf] : []),
    ...(correct ? [isBest] : []),
  ]);
  const [logps, ...facts] = compute(finalNorm(model, hidden), model.outputEmbedding, targets);
  const constants = facts.map((fact) => fact.detach());
  return { logps, entropy: entropy ? constants.shift()! : null, correct: correct ? constants.shift()! : null };
}

/** A number per token that needs all log-probabilities: (logp [m, V], targets [m, 1]) -> [m]. */
type Fact = (logp: Tensor, targets: Tensor) => Tensor;
const entropyOf: Fact = (logp) => torch.neg(torch.sum(torch.mul(torch.exp(logp), logp), [1]));
const isBest: Fact = (logp, targets) => torch.eq(torch.argmax(logp, 1), torch.squeeze(targets, 1)).to({ dtype: 'float32' });

/** (h [M, D], W [V, D], targets [M]) -> [logps [M], each fact [M]]. */
const chunked = (model: Qwen2VL, chunk: number, temperature: number, facts: Fact[]) =>
  customFunction<[Tensor, Tensor, Tensor], Tensor[]>({
    forward(context, h, W, targets) {
      const parts = chunksOf(h.shape[0], chunk).map(([start, size]) =>
        scope(() => {
          const logp = logProbs(model, torch.narrow(h, 0, start, size), W, temperature); // [m, V]
          const wanted = column(targets, start, size);
          const values = [torch.squeeze(torch.gather(logp, 1, wanted), 1), ...facts.map((fact) => fact(logp, wanted))];
          return { values, kept: size === h.shape[0] ? [logp] : [] }; // a single chunk is kept; of several, none
        }),
      );
      context.save(h, W, targets, ...parts.flatMap(({ kept }) => kept));
      return parts[0].values.map((_, i) =>
        torch.cat(
          parts.map(({ values }) => values[i]),
          0,
        ),
      );
    },

    // d logp(target) / d logits = (onehot(target) - p) / temperature
    backward({ saved: [h, W, targets, keptLogp] }, gradient) {
      if (gradient === null) return [null, null, null];
      const scaled = torch.unsqueeze(torch.div(gradient, temperature), 1); // [M, 1]
      const gradW = W.requiresGrad ? torch.zeros_like(W) : null;
      const gradH = chunksOf(h.shape[0], chunk).map(([start, size]) =>
        scope(() => {
          const rows = torch.narrow(h, 0, start, size);
          const g = torch.narrow(scaled, 0, start, size);
          const p = torch.exp(keptLogp ?? logProbs(model, rows, W, temperature)); // [m, V]
          const gradLogits = torch.scatter_add_(torch.mul_(p, torch.neg(g)), 1, column(targets, start, size), g).to({ dtype: W.dtype });
          if (gradW !== null) addWeightGradient(model, gradW, gradLogits, rows);
          return inputGradient(model, gradLogits, W); // [m, D]
        }),
      );
      return [torch.cat(gradH, 0), gradW, null];
    },
  });

function logProbs(model: Qwen2VL, h: Tensor, W: Tensor, temperature: number): Tensor {
  const logits = product(model, h, W, null).to({ dtype: 'float32' });
  return torch.log_softmax(temperature === 1 ? logits : torch.div(logits, temperature), -1);
}

const column = (targets: Tensor, start: number, size: number) => torch.unsqueeze(torch.narrow(targets, 0, start, size), 1); // [m, 1]

const chunksOf = (M: number, chunk: number) =>
  Array.from({ length: Math.ceil(M / chunk) }, (_, i): [start: number, size: number] => [i * chunk, Math.min(chunk, M - i * chunk)]);
