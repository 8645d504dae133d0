import type { Model } from '../models/index.ts';
import { scope, torch, type Tensor } from '../torch/index.ts';

/** One whole number of the bits of all these tensors: the same on two ranks that hold the same. */
export function checksum(tensors: readonly Tensor[]): number {
  if (tensors.length === 0) return 0;
  return scope(() => {
    const sums = tensors.map((tensor) => {
      const bits = torch.view(tensor.detach(), tensor.dtype === 'float32' ? 'int32' : 'int16');
      return torch.sum(bits, { dtype: 'int64' });
    });
    const places = torch.arange(1, sums.length + 1, { dtype: 'int64', device: tensors[0].device });
    return torch.remainder(torch.sum(torch.mul(torch.stack(sums), places)), 2 ** 52).item(); // a whole number that JavaScript holds exactly
  });
}

/** All weights of a model and of its adapter. */
export const weightsOf = ({ params, adapter }: Model): Tensor[] => [...params.values(), ...(adapter?.params.values() ?? [])];
