/** Log-probability and entropy of given tokens, over a vocabulary too large to hold for all of them at once. */
import { noGrad, torch, type Tensor } from '../torch/index.ts';
import { logitsOf } from './decoder.ts';
import type { Qwen2VL } from './model.ts';

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
  const V = model.config.text_config.vocab_size;
  const chunk = options.chunkTokens ?? Math.max(1, Math.floor(CHUNK_BYTES / (4 * V)));
  const M = hidden.shape[0];
  const parts: TokenLogps[] = [];
  for (let start = 0; start < M; start += chunk) {
    const size = Math.min(chunk, M - start);
    const logits = logitsOf(model, torch.narrow(hidden, 0, start, size)).to({ dtype: 'float32' }); // [m, V]
    const all = torch.log_softmax(temperature === 1 ? logits : torch.div(logits, temperature), -1);
    const index = torch.unsqueeze(torch.narrow(targets, 0, start, size), 1);
    parts.push({
      logps: torch.squeeze(torch.gather(all, 1, index), 1),
      entropy: entropy ? entropyOf(all) : null,
      correct: correct ? torch.eq(torch.argmax(all, -1), torch.squeeze(index, 1)).to({ dtype: 'float32' }) : null,
    });
  }
  if (parts.length === 1) return parts[0];
  return {
    logps: torch.cat(
      parts.map((part) => part.logps),
      0,
    ),
    entropy: entropy
      ? torch.cat(
          parts.map((part) => part.entropy!),
          0,
        )
      : null,
    correct: correct
      ? torch.cat(
          parts.map((part) => part.correct!),
          0,
        )
      : null,
  };
}

function entropyOf(logProbs: Tensor): Tensor {
  return noGrad(() => torch.neg(torch.sum(torch.mul(torch.exp(logProbs), logProbs), [-1])));
}
