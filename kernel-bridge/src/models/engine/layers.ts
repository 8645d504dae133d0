/** The layers that both towers are built of. Every linear goes through `linear`, where an adapter can add its part. */
import { customFunction, isGradEnabled, isSlow, torch, type Tensor } from '../../torch/index.ts';
import type { Model } from '../model.ts';
import { product } from './product.ts';

/** x [..., in] -> [..., out] by the weights `name`.weight and, if there is one, `name`.bias. */
export function linear(model: Model, name: string, x: Tensor): Tensor {
  const y = product(model, x, model.weight(`${name}.weight`), model.params.get(`${name}.bias`) ?? null);
  return model.adapter === null ? y : model.adapter.apply(name, x, y);
}

export function rmsNorm(model: Model, name: string, x: Tensor, eps: number): Tensor {
  const weight = model.weight(`${name}.weight`);
  return model.device === 'cpu' ? cpuRmsNorm(x, weight, eps) : torch.rms_norm(x, weight.shape, weight, eps);
}

/** x / sqrt(mean(x^2) + eps) * weight. PyTorch has no kernel of it for the CPU: its operator is a chain of twice as many small ones. */
const cpuRmsNorm = customFunction<[x: Tensor, weight: Tensor, eps: number], Tensor>({
  forward(context, x, weight, eps) {
    const wide = x.to({ dtype: 'float32' }); // [R, D]
    const norm = torch.linalg_vector_norm(wide, 2, [-1], true); // [R, 1]
    const scale = torch.rsqrt_(torch.add_(torch.div_(torch.square_(norm), x.shape[x.ndim - 1]), eps)); // [R, 1]
    context.save(x, weight, scale);
    return torch.mul_(torch.mul(wide, scale), weight).to({ dtype: x.dtype });
  },
  // With n = x * scale: dx = scale * (g * weight - n * mean(g * weight * n)), dweight = sum of g * n.
  backward({ saved: [x, weight, scale] }, g) {
    const n = torch.mul(x, scale); // [R, D] float32
    const gn = torch.mul(n, g!);
    const dWeight = weight.requiresGrad ? torch.sum(gn, [0]).to({ dtype: weight.dtype }) : null;
    if (!x.requiresGrad) return [null, dWeight];
    const mean = torch.mean(torch.mul_(gn, weight), [-1], true); // [R, 1]
    const dx = torch.mul_(torch.addcmul_(torch.mul(g!.to({ dtype: 'float32' }), weight), n, mean, { value: -1 }), scale);
    return [dx.to({ dtype: x.dtype }), dWeight];
  },
});

export function layerNorm(model: Model, name: string, x: Tensor, eps: number): Tensor {
  const [weight, bias] = [model.weight(`${name}.weight`), model.weight(`${name}.bias`)];
  const sumsNarrow = model.device === 'cpu' && x.dtype === 'bfloat16' && isGradEnabled();
  return sumsNarrow ? wideLayerNorm(x, weight, bias, eps) : torch.layer_norm(x, weight.shape, weight, bias, eps);
}

/** PyTorch's kernel for the CPU adds the gradients of weight and bias up in bfloat16, row by row: over an image's patches most of them is lost. */
const wideLayerNorm = customFunction<[x: Tensor, weight: Tensor, bias: Tensor, eps: number], Tensor>({
  forward(context, x, weight, bias, eps) {
    context.save(x, weight, bias);
    context.eps = eps;
    return torch.layer_norm(x, weight.shape, weight, bias, eps);
  },
  backward({ saved: [x, weight, bias], eps }, g) {
    const { dtype } = x;
    const [dy, input, gamma, beta] = [g!, x, weight, bias].map((t) => t.to({ dtype: 'float32' }));
    const [, mean, rstd] = torch.native_layer_norm(input, weight.shape, gamma, beta, eps as number);
    const wanted = [x, weight, bias].map((t) => t.requiresGrad);
    const found = torch.native_layer_norm_backward(dy, input, weight.shape, mean, rstd, gamma, beta, wanted);
    return found.map((gradient, i) => (wanted[i] ? gradient.to({ dtype }) : null));
  },
});

/** down(silu(gate(x)) * up(x)): the decoder's MLP, and Qwen2.5-VL's vision MLP. */
export function swiglu(model: Model, name: string, x: Tensor): Tensor {
  const gate = torch.silu(linear(model, `${name}.gate_proj`, x));
  return linear(model, `${name}.down_proj`, torch.mul(gate, linear(model, `${name}.up_proj`, x)));
}

const fast = (t: Tensor): Tensor => (isSlow(t) ? t.to({ dtype: 'float32' }) : t);

/**
 * Scaled dot-product attention, queries of several heads sharing a key head where there are more of them.
 * q [B, L, H, D], k and v [B, S, Hkv, D], mask additive [B, 1, L, S] or null -> [B, L, H * D].
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, options: { mask?: Tensor | null; causal?: boolean } = {}): Tensor {
  const [B, L, H, D] = q.shape;
  const out = torch.scaled_dot_product_attention(
    torch.transpose(fast(q), 1, 2),
    torch.transpose(fast(k), 1, 2),
    torch.transpose(fast(v), 1, 2),
    options.mask ? fast(options.mask) : null,
    0,
    options.causal ?? false,
    { enable_gqa: H !== k.shape[2] },
  ); // [B, H, L, D]
  return torch.reshape(torch.transpose(out, 1, 2), [B, L, H * D]).to({ dtype: q.dtype });
}

/** Rows of x [R, ...] by index [M] -> [M, ...]. As an embedding look-up, whose backward is far faster than index_add's. */
export function gatherRows(x: Tensor, index: Tensor): Tensor {
  const [R, ...rest] = x.shape;
  const width = rest.reduce((a, b) => a * b, 1);
  const rows = torch.embedding(torch.reshape(x, [R, width]), index);
  return torch.reshape(rows, [index.shape[0], ...rest]);
}
