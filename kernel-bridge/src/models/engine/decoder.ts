/** The language model's layers over rows of tokens; how tokens see each other is the caller's `attend`. */
import type { Tensor } from '../../torch/index.ts';
import { rmsNorm } from './layers.ts';
import type { Model } from '../model.ts';
import { product } from './product.ts';
import type { Rotation } from './rotary.ts';

/** q [R, H, D], k and v [R, Hkv, D], positions applied -> [R, H * D]. */
export type Attend = (layer: number, q: Tensor, k: Tensor, v: Tensor) => Tensor;

/** Hidden states before the final norm: x [R, hidden] -> [R, hidden]. */
export function decode(model: Model, x: Tensor, turn: Rotation, attend: Attend): Tensor {
  for (let i = 0; i < model.config.text_config.num_hidden_layers; i++) {
    const name = `model.layers.${i}`;
    x = model.runLayer(name, x, (input) => model.family.layer(model, name, input, turn, (q, k, v) => attend(i, q, k, v)));
  }
  return x;
}

/** The norm after the last layer: [M, hidden] -> [M, hidden]. */
export function finalNorm(model: Model, hidden: Tensor): Tensor {
  return rmsNorm(model, 'model.norm', hidden, model.config.text_config.rms_norm_eps);
}

/** Logits of hidden states as `decode` gives them: [M, hidden] -> [M, V], not rounded where products are computed in float32. */
export function logitsOf(model: Model, hidden: Tensor): Tensor {
  const h = finalNorm(model, hidden);
  return product(model, model.widens ? h.to({ dtype: 'float32' }) : h, model.outputEmbedding, null);
}
