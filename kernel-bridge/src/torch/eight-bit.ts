/**
 * Optimiser state in 8 bits (Dettmers et al. 2021, arXiv 2110.02861), in the format of torchao's AdamW8bit: blocks of 256 values, each value the
 * nearest of 256 in a dynamic map, times the block's largest magnitude (float32).
 */
import { torch } from './ops.ts';
import { keep, scope } from './scope.ts';
import type { Tensor } from './tensor.ts';

export const BLOCK = 256;
/** Smaller tensors, and those that blocks do not fill, stay in float32. */
const SMALLEST = 4096;

export const fitsEightBits = (numel: number): boolean => numel >= SMALLEST && numel % BLOCK === 0;

/** Values of a code in [0, 255], ascending, and what lies midway between neighbours. */
interface DynamicMap {
  values: Tensor; // [256] float32, in [-1, 1] or [0, 1]
  midways: Tensor; // [255] float32
}

const maps = new Map<string, DynamicMap>();

/** One map per device and sign; they live as long as the process. */
function mapOf(signed: boolean, device: string): DynamicMap {
  const key = `${device} ${signed}`;
  let map = maps.get(key);
  if (map === undefined) maps.set(key, (map = makeMap(signed, device)));
  return map;
}

/** Seven decades, each twice as finely divided as the one below, with 0 and 1: most codes are spent near the largest values. */
function makeMap(signed: boolean, device: string): DynamicMap {
  return scope(() => {
    const decades = Array.from({ length: 7 }, (_, i) => {
      const boundaries = torch.linspace(0.1, 1, 2 ** (signed ? i : i + 1) + 1, { dtype: 'float32' });
      const means = torch.div(torch.add(torch.slice(boundaries, 0, 0, -1), torch.slice(boundaries, 0, 1)), 2);
      return torch.mul(means, 10 ** (i - 6));
    });
    const ends = torch.arange(2, { dtype: 'float32' }); // 0 and 1
    const all = torch.cat([...decades, ...(signed ? decades.map((decade) => torch.neg(decade)) : []), ends], 0);
    const values = torch.sort(all)[0].to({ device });
    const midways = torch.div(torch.add(torch.slice(values, 0, 0, -1), torch.slice(values, 0, 1)), 2);
    return { values: keep(values), midways: keep(midways) };
  });
}

/** codes [n] uint8, scale [n / 256] -> [n] float32. */
export function dequantise(codes: Tensor, scale: Tensor, signed: boolean): Tensor {
  const { values } = mapOf(signed, codes.device);
  const unit = torch.index_select(values, 0, codes.to({ dtype: 'int32' }));
  return torch.reshape(torch.mul(torch.reshape(unit, [-1, BLOCK]), torch.unsqueeze(scale, 1)), [-1]);
}

/** Writes x [n] float32 into codes [n] and scale [n / 256]. */
export function quantiseInto(codes: Tensor, scale: Tensor, x: Tensor, signed: boolean): void {
  const blocks = torch.reshape(x, [-1, BLOCK]);
  const largest = torch.clamp_min(torch.amax(torch.abs(blocks), [1]), 1e-12); // [n / 256]
  const unit = torch.div(blocks, torch.unsqueeze(largest, 1));
  torch.copy_(codes, torch.reshape(torch.bucketize(unit, mapOf(signed, codes.device).midways, { out_int32: true, right: true }), [-1]));
  torch.copy_(scale, largest);
}
