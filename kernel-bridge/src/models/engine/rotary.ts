/** Rotary positions: pairs of a head's numbers turn by an angle for each position. */
import { torch, type DType, type Tensor } from '../../torch/index.ts';

/** cos and sin [R, 1, D]; the sign of rotate_half is folded into sin. */
export interface Rotation {
  cos: Tensor;
  sin: Tensor;
}

/** x [R, H, D] -> x * cos + rotate_half(x) * sin. */
export function rotate(x: Tensor, { cos, sin }: Rotation): Tensor {
  const half = x.shape[x.ndim - 1] / 2;
  return torch.addcmul(torch.mul(x, cos), torch.roll(x, [half], [-1]), sin);
}

/** theta ^ (-2 i / dim) of each pair: [dim / 2]. */
export function inverseFrequencies(theta: number, dim: number, device: string): Tensor {
  const exponents = torch.div(torch.arange(0, dim, 2, { dtype: 'float32', device }), dim);
  return torch.reciprocal(torch.pow(theta, exponents));
}

/** angles [R, D / 2] -> the rotation by them. */
export function rotationBy(angles: Tensor, dtype: DType): Rotation {
  const cos = torch.cos(angles);
  const sin = torch.sin(angles);
  return {
    cos: torch.unsqueeze(torch.cat([cos, cos], 1), 1).to({ dtype }),
    // rotate_half is (-x2, x1), a roll by half a head is (x2, x1): the minus moves to sin's first half.
    sin: torch.unsqueeze(torch.cat([torch.neg(sin), sin], 1), 1).to({ dtype }),
  };
}
