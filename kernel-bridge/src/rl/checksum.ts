import type { Model } from '../models/index.ts';
import { scope, torch, type Tensor } from '../torch/index.ts';

/** Elements at a time: as whole numbers of 8 bytes they are copied first. */
const PIECE = 2 ** 20;

/** One whole number of the bits of all these tensors: the same on two ranks that hold the same. */
export function checksum(tensors: readonly Tensor[]): number {
  if (tensors.length === 0) return 0;
  return scope(() => {
    const sums = tensors.map((tensor) => scope(() => sumOf(tensor)));
    const places = torch.arange(1, sums.length + 1, { dtype: 'int64', device: tensors[0].device });
    return torch.remainder(torch.sum(torch.mul(torch.stack(sums), places)), 2 ** 52).item(); // a whole number that JavaScript holds exactly
  });
}

/** Of the bits, as whole numbers: [] int64. */
function sumOf(tensor: Tensor): Tensor {
  const bits = torch.view(torch.reshape(tensor.detach(), [-1]), tensor.dtype === 'float32' ? 'int32' : 'int16');
  const pieces = torch.split(bits, PIECE).map((piece) => torch.sum(piece, { dtype: 'int64' }));
  return torch.sum(torch.stack(pieces));
}

/** All weights of a model and of its adapter. */
export const weightsOf = ({ params, adapter }: Model): Tensor[] => [...params.values(), ...(adapter?.params.values() ?? [])];
