/** The embedding table and the matrix of the logits, which are one weight in a tied model. */
import { customFunction, isGradEnabled, torch, type Tensor } from '../../torch/index.ts';
import type { Model } from '../model.ts';

export interface EmbeddingTables {
  /** Rows are looked up in it. [V, D] */
  input: Tensor;
  /** Turns hidden states into logits. [V, D] */
  output: Tensor;
  /** The gradient of `input` may be sparse: it meets that of `output`. */
  sparse: boolean;
}

/**
 * Both tables. In a tied model on the CPU their gradients meet in a node of ours, which adds the looked-up rows to the gradient of the logits in
 * place. Left to itself the engine adds a sparse gradient to a copy: 78 MB for 151,936 x 256 in bfloat16, 467 MB for the 2B model.
 */
export function embeddingTables(model: Model): EmbeddingTables {
  const [input, output] = [model.weight('model.embed_tokens.weight'), model.outputEmbedding];
  const tied = input === output && model.device === 'cpu' && input.requiresGrad && isGradEnabled();
  if (!tied) return { input, output, sparse: false };
  const [lookedUp, multiplied] = twice(input);
  return { input: lookedUp, output: multiplied, sparse: true };
}

/** W [V, D] -> W for the lookup, W for the logits. The gradient of the second must be the caller's alone: the first is added to it in place. */
const twice = customFunction<[Tensor], Tensor[]>({
  forward: (_context, W) => [torch.alias(W), torch.alias(W)],
  backward: (_context, rows, whole) => [rows !== null && whole !== null ? torch.add_(whole, rows) : (rows ?? whole)],
});
