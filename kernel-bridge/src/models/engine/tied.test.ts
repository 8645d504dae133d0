import { expect, it } from 'vitest';
import { backward, customFunction, keep, noGrad, scope, torch, type Tensor } from '../../torch/index.ts';
import { initModel } from '../checkpoint.ts';
import { tinyConfig, tinyModel } from '../testing/tiny.ts';
import { embeddingTables } from './tied.ts';

/** Two rows looked up, all of them multiplied; `seen` takes the gradient that the product gives. */
function loss({ input, output, sparse }: ReturnType<typeof embeddingTables>, seen: (gradient: Tensor) => void): Tensor {
  const x = torch.embedding(input, torch.arange(3, 5, { dtype: 'int64' }), { sparse });
  const product = customFunction<[Tensor], Tensor>({
    forward: (_context, W) => torch.sum(W),
    backward: () => {
      const gradient = torch.full([...output.shape], 2, { dtype: 'float32' });
      seen(gradient);
      return [gradient];
    },
  });
  return torch.add(torch.sum(torch.mul(x, 3)), product(output));
}

it('the rows that were looked up are added to the gradient of the logits in place', () => {
  const model = tinyModel();
  const W = model.outputEmbedding;
  W.requiresGrad = true;
  let product: Tensor | null = null;
  scope(() => backward(loss(embeddingTables(model), (gradient) => (product = keep(gradient.detach())))));
  const rows = (matrix: Tensor): number[] => noGrad(() => Array.from(torch.select(matrix, 1, 0).toFloat32()));
  const wanted = Array.from({ length: W.shape[0] }, (_, row) => (row === 3 || row === 4 ? 5 : 2));
  expect(rows(W.grad!)).toEqual(wanted);
  expect(rows(product!)).toEqual(wanted);
});

it('a gradient of the lookup alone is that of those rows', () => {
  const model = tinyModel();
  const W = model.outputEmbedding;
  W.requiresGrad = true;
  scope(() => {
    const { input, sparse } = embeddingTables(model);
    backward(torch.sum(torch.embedding(input, torch.arange(3, 5, { dtype: 'int64' }), { sparse })));
    const dense = torch.to_dense(W.grad!);
    expect(Array.from(torch.sum(dense, [1]).toFloat32()).flatMap((sum, row) => (sum === 0 ? [] : [row]))).toEqual([3, 4]);
  });
});

it('two weights stay two, and one that is not trained is itself', () => {
  const untied = initModel({ ...tinyConfig, tie_word_embeddings: false }, { seed: 0, std: 0.3 });
  untied.setTrainable(() => true);
  expect(embeddingTables(untied)).toEqual({
    input: untied.weight('model.embed_tokens.weight'),
    output: untied.weight('lm_head.weight'),
    sparse: false,
  });
  const model = tinyModel();
  expect(embeddingTables(model).input).toBe(model.outputEmbedding);
});
