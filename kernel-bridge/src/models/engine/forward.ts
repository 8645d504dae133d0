/** The plain forward pass: every sequence whole, no sharing. What the faster paths are held against. */
import { scope, tensor, torch, type Tensor } from '../../torch/index.ts';
import { decode, logitsOf } from './decoder.ts';
import { attention } from './layers.ts';
import type { Model } from '../model.ts';
import { embed, layOut, rotationAt } from './prefix.ts';
import type { EncodedPrompt } from '../prompt.ts';

export interface Forward {
  /** [B, L, V], padded on the right: row b holds its sequence's tokens first; what follows is to be ignored. */
  logits: Tensor;
  /** [B, L] bool: real tokens. */
  mask: Tensor;
}

export function forward(model: Model, batch: { prompt: EncodedPrompt; completion?: number[] }[]): Forward {
  return scope(() => plain(model, batch));
}

function plain(model: Model, batch: { prompt: EncodedPrompt; completion?: number[] }[]): Forward {
  const whole = batch.map(({ prompt, completion = [] }) => ({ ...prompt, inputIds: [...prompt.inputIds, ...completion] }));
  const prefix = layOut(model, whole);
  const { blocks } = prefix;
  const turn = rotationAt(model, prefix.axes);
  const hidden = decode(model, embed(model, prefix.ids, prefix), turn, (_layer, q, k, v) =>
    blocks.toRows(attention(blocks.toBlock(q), blocks.toBlock(k), blocks.toBlock(v), { causal: true })),
  );
  const lengths = tensor(blocks.lengths, { dtype: 'int64', device: model.device, shape: [blocks.B, 1] });
  return {
    logits: blocks.toBlock(logitsOf(model, hidden)),
    mask: torch.lt(torch.arange(blocks.L, { device: model.device }), lengths),
  };
}
