/**
 * x W^T + b. For bfloat16 on a CPU that is slow at it (torch/cpu.ts) the product is computed in float32 and rounded: W is widened a few rows at
 * a time, which stay in the cache, so that no second copy of the weights ever exists. Measured in docs/benchmarks.md.
 */
import { customFunction, isGradEnabled, medr1, scope, torch, type Tensor } from '../../torch/index.ts';
import type { Model } from '../model.ts';

const WIDENED = 2 ** 19; // elements of W at a time: 2 MiB of float32
const FEW_ROWS = 4; // below, reading W is all the work, and bfloat16 reads half as much

/**
 * Of so few rows a product is computed by a kernel of our own (native/kernels.cc), for a BLAS rearranges all of W at every call. A W smaller
 * than this it does at once: there the BLAS is as fast or faster.
 */
const KERNEL_ROWS = 128;
const KERNEL_WEIGHTS = 2 ** 17;

/** x [..., in], W [out, in], b [out] or null -> [..., out] in the dtype of x; W may be bfloat16 where x is float32 if the model widens. */
export function product(model: Pick<Model, 'widens'>, x: Tensor, W: Tensor, b: Tensor | null): Tensor {
  const narrow = x.numel < FEW_ROWS * W.shape[1] && x.dtype === W.dtype;
  if (x.ndim === 2 && x.shape[0] <= KERNEL_ROWS && W.device === 'cpu' && !isGradEnabled()) {
    if (W.dtype === 'float32' ? W.numel >= KERNEL_WEIGHTS : model.widens && !narrow) return medr1.few_rows_linear(x, W, b);
  }
  if (!model.widens || narrow) return torch.linear(x, W, b);
  const rows = torch.reshape(x, [-1, W.shape[1]]);
  const y = b === null ? widened(rows, W) : widened(rows, W, b);
  return x.ndim === 2 ? y : torch.reshape(y, [...x.shape.slice(0, -1), W.shape[0]]);
}

const widened = customFunction<[x: Tensor, W: Tensor, b?: Tensor], Tensor>({
  forward(context, x, W, b) {
    context.save(x, W);
    context.biased = b !== undefined;
    const wide = widen(x);
    const parts = chunks(W.shape[0], W.shape[1], (start, size) => {
      const bias = b === undefined ? null : widen(torch.narrow(b, 0, start, size));
      return torch.linear(wide, widen(torch.narrow(W, 0, start, size)), bias).to({ dtype: x.dtype });
    });
    return joined(parts, 1);
  },
  backward({ saved: [x, W], biased }, g) {
    const gradients = [x.requiresGrad ? widenedInputGradient(g!, W) : null, W.requiresGrad ? widenedWeightGradient(g!, x, W) : null];
    return biased ? [...gradients, torch.sum(g!, [0], false, { dtype: 'float32' }).to({ dtype: W.dtype })] : gradients;
  },
});

function widenedInputGradient(g: Tensor, W: Tensor): Tensor {
  const sum = torch.zeros([g.shape[0], W.shape[1]], { dtype: 'float32', device: g.device });
  chunks(W.shape[0], W.shape[1], (start, size) =>
    torch.addmm_(sum, widen(torch.narrow(g, 1, start, size)), widen(torch.narrow(W, 0, start, size))),
  );
  return sum.to({ dtype: g.dtype });
}

function widenedWeightGradient(g: Tensor, x: Tensor, { dtype }: Tensor): Tensor {
  const wide = widen(x);
  const parts = chunks(g.shape[1], x.shape[1], (start, size) =>
    torch.mm(torch.t(widen(torch.narrow(g, 1, start, size))), wide).to({ dtype }),
  );
  return joined(parts, 0);
}

const widen = (t: Tensor): Tensor => t.to({ dtype: 'float32' });
const joined = (parts: Tensor[], dim: number): Tensor => (parts.length === 1 ? parts[0] : torch.cat(parts, dim));

/** `work` over all `rows` of a matrix, as many at a time as may be widened at once. */
function chunks(rows: number, width: number, work: (start: number, size: number) => Tensor): Tensor[] {
  const size = Math.max(1, Math.floor(WIDENED / width));
  return Array.from({ length: Math.ceil(rows / size) }, (_, i) => scope(() => work(i * size, Math.min(size, rows - i * size))));
}
