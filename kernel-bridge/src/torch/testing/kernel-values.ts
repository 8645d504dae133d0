/** Prints what the kernels give for fixed numbers, as JSON: kernels.test.ts runs it for each instruction set. */
import { medr1, tensor, torch, type Tensor } from '../index.ts';

const numbers = (rows: number, columns: number): Tensor =>
  tensor(
    Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => Math.sin(i * columns + j))),
    { dtype: 'float32' },
  );
const targets = tensor([3, 50, 200], { dtype: 'int64' });
const logits = medr1.few_rows_linear(numbers(3, 70), numbers(90, 70), null);
const seen = tensor(
  [0, 1, 2].map(() => [-Infinity, 0, 0, 0]),
  { dtype: 'float32' },
);
medr1.see_logits_(seen, logits, targets, 0, 0.9);
const gradient = medr1.grad_logits_(torch.clone(logits), targets, torch.logsumexp(logits, [1]), tensor([1, -1, 0.5]), 0, 1);
const sums = medr1.weigh_logits_(logits, 9, 1.3);
console.log(JSON.stringify([logits, seen, gradient, sums].flatMap((t) => Array.from(t.toFloat32()))));
