/** One layer of Qwen2's decoder. */
import { torch, type Tensor } from '../../../torch/index.ts';
import { linear, rmsNorm, swiglu } from '../../engine/layers.ts';
import { rotate, type Rotation } from '../../engine/rotary.ts';
import type { Model, SelfAttend } from '../../model.ts';

/** x [R, hidden] -> [R, hidden] by the weights that begin with `name`. */
export function decoderLayer(model: Model, name: string, x: Tensor, turn: Rotation, attend: SelfAttend): Tensor {
  const { head_dim, rms_norm_eps: eps } = model.config.text_config;
  const heads = (t: Tensor) => torch.reshape(t, [t.shape[0], -1, head_dim]);
  const h = rmsNorm(model, `${name}.input_layernorm`, x, eps);
  const q = rotate(heads(linear(model, `${name}.self_attn.q_proj`, h)), turn); // [R, H, D]
  const k = rotate(heads(linear(model, `${name}.self_attn.k_proj`, h)), turn); // [R, Hkv, D]
  const v = heads(linear(model, `${name}.self_attn.v_proj`, h));
  const seen = torch.add(x, linear(model, `${name}.self_attn.o_proj`, attend(q, k, v)));
  return torch.add(seen, swiglu(model, `${name}.mlp`, rmsNorm(model, `${name}.post_attention_layernorm`, seen, eps)));
}
