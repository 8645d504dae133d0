import { describe, expect, it } from 'vitest';
import { noGrad, scope, tensor, torch, type Tensor } from '../../torch/index.ts';
import { cacheAttention, segmentAttention, segmentsOf } from './varlen.ts';

const random = (...shape: number[]) => torch.randn(shape, { dtype: 'float32' });
const rows = (t: Tensor, from: number, count: number) => torch.narrow(t, 0, from, count);

/** Softmax written out for one query head at a time; query i of L looks at keys up to `last(i)`. [L, H, D], [S, Hkv, D] -> [L, H * D] */
function written(q: Tensor, k: Tensor, v: Tensor, last: (i: number) => number): number[][] {
  const [L, H, D] = q.shape;
  const shared = H / k.shape[1];
  return Array.from({ length: L }, (_, i) =>
    Array.from({ length: H }, (_h, h) => {
      const head = (t: Tensor, which: number) => torch.select(rows(t, 0, last(i) + 1), 1, which); // [keys, D]
      const query = torch.select(torch.select(q, 0, i), 0, h); // [D]
      const weights = torch.softmax(torch.div(torch.mv(head(k, Math.floor(h / shared)), query), Math.sqrt(D)), 0);
      return torch.mv(torch.t(head(v, Math.floor(h / shared))), weights).tolist() as number[];
    }).flat(),
  );
}

const expectClose = (found: number[][], wanted: number[][]) =>
  found.forEach((row, i) => row.forEach((value, j) => expect(value).toBeCloseTo(wanted[i][j], 5)));

describe('attention within segments', () => {
  const [queries, keys] = [
    [3, 2, 4],
    [3, 5, 4],
  ];
  it.each([
    ['causal, from the end', true],
    ['of all keys', false],
  ])('%s, is that of each segment alone', (_, causal) =>
    scope(() =>
      noGrad(() => {
        const [q, k, v] = [random(9, 4, 8), random(12, 2, 8), random(12, 2, 8)];
        const found = segmentAttention(q, k, v, segmentsOf(queries, keys, 'cpu'), { causal }).tolist() as number[][];
        let [from, fromKey] = [0, 0];
        queries.forEach((length, s) => {
          const parts = [rows(q, from, length), rows(k, fromKey, keys[s]), rows(v, fromKey, keys[s])] as const;
          expectClose(
            found.slice(from, from + length),
            written(...parts, (i) => (causal ? i + keys[s] - length : keys[s] - 1)),
          );
          from += length;
          fromKey += keys[s];
        });
      }),
    ),
  );

  it('says where segments start and end as the kernel wants it', () => {
    const { queryStarts, keyStarts } = segmentsOf(queries, keys, 'cpu');
    expect([queryStarts.tolist(), keyStarts.tolist(), keyStarts.dtype]).toEqual([[0, 3, 5, 9], [0, 3, 8, 12], 'int32']);
  });
});

it('attention over a cache looks at the places in use', () =>
  scope(() =>
    noGrad(() => {
      const [q, k, v] = [random(2, 4, 8), random(2, 6, 2, 8), random(2, 6, 2, 8)];
      const mask = torch.reshape(tensor([0, 0, 0, -Infinity, -Infinity, -Infinity, 0, 0, 0, 0, 0, -Infinity]), [2, 1, 1, 6]);
      const places = { used: tensor([3, 5], { dtype: 'int32' }), ...segmentsOf([1, 1], [6, 6], 'cpu'), mask };
      const found = cacheAttention(q, k, v, places).tolist() as number[][];
      [3, 5].forEach((used, n) =>
        expectClose(
          [found[n]],
          written(rows(q, n, 1), torch.select(k, 0, n), torch.select(v, 0, n), () => used - 1),
        ),
      );
    }),
  ));
