/** The layers that both towers are built of. Every linear goes through `linear`, where an adapter can add its part. */
import { torch, type Tensor } from '../torch/index.ts';
import type { Qwen2VL } from './model.ts';

/** x [..., in] -> [..., out] by the weights `name`.weight and, if there is one, `name`.bias. */
export function linear(model: Qwen2VL, name: string, x: Tensor): Tensor {
  const y = torch.linear(x, model.weight(`${name}.weight`), model.params.get(`${name}.bias`) ?? null);
  return model.adapter === null ? y : model.adapter.apply(name, x, y);
}

export function rmsNorm(model: Qwen2VL, name: string, x: Tensor, eps: number): Tensor {
  const weight = model.weight(`${name}.weight`);
  return torch.rms_norm(x, weight.shape, weight, eps);
}

export function layerNorm(model: Qwen2VL, name: string, x: Tensor, eps: number): Tensor {
  const weight = model.weight(`${name}.weight`);
  return torch.layer_norm(x, weight.shape, weight, model.weight(`${name}.bias`), eps);
}

/** down(silu(gate(x)) * up(x)): the decoder's MLP, and Qwen2.5-VL's vision MLP. */
export function swiglu(model: Qwen2VL, name: string, x: Tensor): Tensor {
  const gate = torch.silu(linear(model, `${name}.gate_proj`, x));
  return linear(model, `${name}.down_proj`, torch.mul(gate, linear(model, `${name}.up_proj`, x)));
}

/**
 * Scaled dot-product attention, queries of several heads sharing a key head where there are more of them.
 * q [B, L, H, D], k and v [B, S, Hkv, D], mask additive [B, 1, L, S] or null -> [B, L, H * D].
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, options: { mask?: Tensor | null; causal?: boolean } = {}): Tensor {
  const [B, L, H, D] = q.shape;
  const out = torch.scaled_dot_product_attention(
    torch.transpose(q, 1, 2),
    torch.transpose(k, 1, 2),
    torch.transpose(v, 1, 2),
    options.mask ?? null,
    0,
    options.causal ?? false,
    { enable_gqa: H !== k.shape[2] },
  ); // [B, H, L, D]
  return torch.reshape(torch.transpose(out, 1, 2), [B, L, H * D]);
}

/** Rows of x [R, ...] by index [M] -> [M, ...]. As an embedding look-up, whose backward is far faster than index_add's. */
export function gatherRows(x: Tensor, index: Tensor): Tensor {
  const [R, ...rest] = x.shape;
  const width = rest.reduce((a, b) => a * b, 1);
  const rows = torch.embedding(torch.reshape(x, [R, width]), index);
  return torch.reshape(rows, [index.shape[0], ...rest]);
}
