import { describe, expect, it } from 'vitest';
import { grad, scope, tensor, torch, type DType, type Tensor } from '../../torch/index.ts';
import { groupAttention, groupsOf } from './group-attention.ts';
import { attention, layerNorm, rmsNorm } from './layers.ts';
import { tinyModel } from '../testing/tiny.ts';

/** Values that differ everywhere, on and off 0. */
const made = (shape: number[], phase = 0): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return torch.reshape(torch.mul(torch.sin(torch.add(torch.arange(0, size, { dtype: 'float32' }), phase)), 2), shape);
};
const largestDifference = (a: Tensor, b: Tensor) => torch.amax(torch.abs(torch.sub(a, b))).item();

describe('rmsNorm', () => {
  const model = tinyModel();
  const name = 'model.norm';
  const run = (norm: (x: Tensor, weight: Tensor) => Tensor, dtype: DType) => {
    const [x, weight] = [made([7, 32]).to({ dtype }), torch.add(made([32], 3), 1).to({ dtype })];
    for (const leaf of [x, weight]) leaf.requiresGrad = true;
    model.params.set(`${name}.weight`, weight);
    const y = norm(x, weight);
    return [y, ...grad(y, [x, weight], { gradOutputs: [made([7, 32], 5).to({ dtype })] })] as Tensor[];
  };

  it.each([
    ['float32', 1e-5],
    ['bfloat16', 0.07],
  ] as const)("gives values and gradients of PyTorch's operator in %s", (dtype, tolerance) => {
    scope(() => {
      const ours = run((x) => rmsNorm(model, name, x, 1e-6), dtype);
      const theirs = run((x, weight) => torch.rms_norm(x, [32], weight, 1e-6), dtype);
      expect(ours.map((t) => t.dtype)).toEqual([dtype, dtype, dtype]);
      ours.forEach((t, i) => expect(largestDifference(t, theirs[i])).toBeLessThan(tolerance));
    });
  });
});

describe('layerNorm', () => {
  it.each([true, false])("in bfloat16 keeps what many rows give its weight and bias; the input's gradient wanted: %s", (learns) => {
    using model = tinyModel();
    scope(() => {
      const given = [made([3136, 32]), torch.add(made([32], 3), 1), made([32], 4)].map((t) => t.to({ dtype: 'bfloat16' }));
      const g = torch.add(made([3136, 32], 5), 1).to({ dtype: 'bfloat16' });
      const run = (dtype: DType): Tensor[] => {
        const [x, weight, bias] = given.map((t) => torch.to(t, { dtype, copy: true }) as Tensor);
        const leaves = learns ? [x, weight, bias] : [weight, bias];
        for (const leaf of leaves) leaf.requiresGrad = true;
        model.params.set('n.weight', weight).set('n.bias', bias);
        const y = layerNorm(model, 'n', x, 1e-6);
        const found = [y, ...(grad(y, leaves, { gradOutputs: [g.to({ dtype })] }) as Tensor[])];
        model.params.delete('n.weight');
        model.params.delete('n.bias');
        return found;
      };
      const [narrow, exact] = [run('bfloat16'), run('float32')];
      expect(narrow.map((t) => t.dtype)).toEqual(narrow.map(() => 'bfloat16'));
      narrow.forEach((t, i) => {
        const far = torch.amax(torch.abs(torch.sub(t.to({ dtype: 'float32' }), exact[i]))).item() / torch.amax(torch.abs(exact[i])).item();
        expect(far, String(i)).toBeLessThan(2 ** -7);
      });
    });
  });
});

describe('groupAttention', () => {
  const [H, Hkv, D, P, S] = [4, 2, 8, 5, 3];

  it.each([
    ['equal groups', [2, 2, 2], [5, 5, 5]],
    ['groups and prompts of different sizes', [1, 4, 2], [3, 5, 1]],
  ])('equals attention of every row alone over its prompt and its own keys: %s', (_, sizes, lengths) => {
    scope(() => {
      const [B, N] = [sizes.length, sizes.reduce((a, b) => a + b, 0)];
      const [q, keys, values] = [made([N, H, D]), made([Hkv, N, S, D], 1), made([Hkv, N, S, D], 2)];
      const prompts = { keys: [made([Hkv, B, P, D], 3)], values: [made([Hkv, B, P, D], 4)], mask: maskOf(lengths) };
      const out = groupAttention(q, 0, prompts, groupsOf(sizes, Hkv, 'cpu'), keys, values);
      const owner = sizes.flatMap((size, b) => new Array<number>(size).fill(b));
      owner.forEach((b, n) => {
        const row = (shared: Tensor, own: Tensor) => {
          const prompt = torch.narrow(torch.select(shared, 1, b), 1, 0, lengths[b]);
          return torch.unsqueeze(torch.transpose(torch.cat([prompt, torch.select(own, 1, n)], 1), 0, 1), 0); // [1, p + S, Hkv, D]
        };
        const alone = attention(
          torch.reshape(torch.select(q, 0, n), [1, 1, H, D]),
          row(prompts.keys[0], keys),
          row(prompts.values[0], values),
        );
        expect(largestDifference(torch.select(out, 0, n), torch.reshape(alone, [H * D]))).toBeLessThan(1e-5);
      });
    });
  });

  function maskOf(lengths: number[]): Tensor {
    const rows = lengths.map((length) => [Array.from({ length: P }, (_, i) => (i < length ? 0 : -Infinity))]);
    return tensor(rows);
  }
});
