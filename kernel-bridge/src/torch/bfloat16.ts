/** Ways to keep what rounding to bfloat16 takes off a float32. Values must be finite. */
import { torch } from './ops.ts';
import type { Generator } from './generator.ts';
import type { Tensor } from './tensor.ts';

const bitsOf = (x: Tensor): Tensor => torch.view(x, 'int32');
const floatOf = (bits: Tensor): Tensor => torch.view(bits, 'float32');
/** A bfloat16 is the upper half of a float32. */
const upperHalf = (bits: Tensor): Tensor => torch.bitwise_and(bits, -0x10000);

/** x float32 -> bfloat16 neighbour above or below, each the likelier the nearer it is, so that the mean is x. */
export function roundStochastic(x: Tensor, random: Generator | null): Tensor {
  const bits = bitsOf(x);
  const dither = torch.random_(torch.empty_like(bits), 0, 0x10000, { generator: random });
  return floatOf(upperHalf(torch.add_(dither, bits))).to({ dtype: 'bfloat16' });
}

/** x float32 -> the nearest bfloat16 and what is missing, in units of its last place / 65536: together exactly x. */
export function splitBfloat16(x: Tensor): { rounded: Tensor; remainder: Tensor } {
  const bits = bitsOf(x);
  const upper = upperHalf(torch.add(bits, 0x8000));
  return { rounded: floatOf(upper).to({ dtype: 'bfloat16' }), remainder: torch.sub(bits, upper).to({ dtype: 'int16' }) };
}

/** Undoes splitBfloat16. */
export function joinBfloat16(rounded: Tensor, remainder: Tensor): Tensor {
  return floatOf(torch.add(bitsOf(rounded.to({ dtype: 'float32' })), remainder.to({ dtype: 'int32' })));
}
