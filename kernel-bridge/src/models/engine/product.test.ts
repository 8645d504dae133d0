import { describe, expect, it } from 'vitest';
import { backward, generator, noGrad, scope, tensor, torch, type Tensor } from '../../torch/index.ts';
import { product } from './product.ts';

const random = generator(3);
const bfloat16 = (...shape: number[]): Tensor => torch.randn(shape, { generator: random }).to({ dtype: 'bfloat16' });
const wide = (t: Tensor): Tensor => t.to({ dtype: 'float32' });
/** Largest difference in units of b's largest value. */
const off = (a: Tensor, b: Tensor): number =>
  torch.max(torch.abs(torch.sub(wide(a), wide(b)))).item() / torch.max(torch.abs(wide(b))).item();
const ROUNDING = 2 ** -8; // of one bfloat16
const widens = { widens: true };

describe('a widened product', () => {
  it.each([
    ['one piece', 16, 64, 48],
    ['several pieces, the last one short', 8, 2048, 700],
    ['few rows, left to bfloat16', 2, 64, 48],
  ])('is the float32 one, rounded: %s', (_, R, I, O) =>
    scope(() => {
      const [x, W, b] = [bfloat16(R, I), bfloat16(O, I), bfloat16(O)];
      const y = product(widens, x, W, b);
      expect([y.dtype, y.shape]).toEqual(['bfloat16', [R, O]]);
      expect(off(y, torch.linear(wide(x), wide(W), wide(b)))).toBeLessThan(2 * ROUNDING);
      expect(product(widens, torch.reshape(x, [1, R, I]), W, null).shape).toEqual([1, R, O]);
    }),
  );

  it('has the gradients of the float32 one, rounded, and none for what is constant', () =>
    scope(() => {
      const [x, W, b, g] = [bfloat16(8, 2048), bfloat16(700, 2048), bfloat16(700), bfloat16(8, 700)];
      const leaves = [x, W, b];
      leaves.forEach((leaf) => (leaf.requiresGrad = true));
      backward(product(widens, x, W, b), g);
      const wides = [x, W, b].map((leaf) => wide(leaf.detach()));
      wides.forEach((leaf) => (leaf.requiresGrad = true));
      backward(torch.linear(wides[0], wides[1], wides[2]), wide(g));
      leaves.forEach((leaf, i) => {
        expect(leaf.grad!.dtype).toBe('bfloat16');
        expect(off(leaf.grad!, wides[i].grad!)).toBeLessThan(2 * ROUNDING);
      });
      W.requiresGrad = false;
      W.grad = null;
      backward(product(widens, x, W, null), g);
      expect(W.grad).toBeNull();
    }));
});

it('other models use the plain operator', () =>
  scope(() => {
    const [x, W] = [tensor([[1, 2]]), tensor([[3, 4]])];
    expect(product({ widens: false }, x, W, null).item()).toBe(11);
  }));

it.each(['with a bias', 'without'])('few rows without a gradient are the same product: %s', (which) =>
  scope(() => {
    const [x, W] = [torch.randn([3, 1024], { generator: random }), torch.randn([1030, 1024], { generator: random })]; // over 2^17
    const b = which === 'without' ? null : torch.randn([1030], { generator: random });
    const y = noGrad(() => product({ widens: false }, x, W, b));
    expect(y.shape).toEqual([3, 1030]);
    expect(off(y, torch.linear(x, W, b))).toBeLessThan(1e-5);
  }),
);

it.each([1, 3, 40, 200])('float32 rows over bfloat16 weights are not rounded: %i of them', (rows) =>
  scope(() => {
    const [x, W] = [torch.randn([rows, 96], { generator: random }), bfloat16(70, 96)];
    const y = noGrad(() => product(widens, x, W, null));
    expect(y.dtype).toBe('float32');
    expect(off(y, torch.linear(x, wide(W)))).toBeLessThan(1e-5);
  }),
);
