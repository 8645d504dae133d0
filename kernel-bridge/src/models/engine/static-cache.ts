/**
 * The memory of decoding with static shapes. Every tensor keeps its place from one call of `generate` to the next, so that recorded CUDA
 * graphs go on reading and writing it; a call that needs more makes a new one.
 */
import { disposeAll, keepAll, noGrad, scope, tensor, torch, type Tensor } from '../../torch/index.ts';
import type { Model } from '../model.ts';
import { rotationOfText } from './prefix.ts';
import type { Rotation } from './rotary.ts';
import { usesFlash, type CachePlaces } from './varlen.ts';

/** Most that a cache holds. */
export interface CacheSize {
  rows: number;
  /** Keys of a row: its prompt's and those of its new tokens. */
  places: number;
  newTokens: number;
  /** Room for the tokens that occurred, which the repetition penalty needs. */
  seen: boolean;
}

/** N = size.rows, C = size.places, S = size.newTokens. */
export class StaticCache {
  readonly size: CacheSize;
  readonly tensors: {
    keys: Tensor[]; // per layer [N, C, Hkv, D]
    values: Tensor[];
    turns: Rotation; // of positions 0 to C - 1, [C, 1, D]
    ids: Tensor; // [N] int64, drawn last
    used: Tensor; // [N] int32, places that hold keys
    places: Tensor; // [N] int64, the next free one among all N * C
    positions: Tensor; // [N] int64, of the next token
    step: Tensor; // [1] int64, draws so far
    uniforms: Tensor; // [S, 2, N] float64
    drawnIds: Tensor; // [S, N] int64
    drawnLogps: Tensor; // [S, N] float32
    seen: Tensor | null; // [N, V] bool
    firstPlaces: Tensor; // [N] int64: 0, C, 2 * C, ...
    queryStarts: Tensor; // [N + 1] int32: 0, 1, 2, ...
    keyStarts: Tensor; // [N + 1] int32
    order: Tensor | null; // [C] int32: 0, 1, 2, ..., where a mask is made of it
  };
  private readonly dtype: Model['dtype'];

  constructor(model: Model, size: CacheSize) {
    this.size = size;
    this.dtype = model.dtype;
    const { rows: N, places: C, newTokens: S } = size;
    const { device, dtype } = model;
    const { num_hidden_layers, num_key_value_heads: Hkv, head_dim, vocab_size } = model.config.text_config;
    const zeros = (shape: number[], type: 'int64' | 'int32' | 'float32' | 'float64' | 'bool') =>
      torch.zeros(shape, { dtype: type, device });
    const caches = () => Array.from({ length: num_hidden_layers }, () => torch.zeros([N, C, Hkv, head_dim], { dtype, device }));
    const positions = Array.from({ length: C }, (_, i) => i);
    const steps = (count: number, by: number) => Array.from({ length: count }, (_, i) => i * by);
    this.tensors = keepAll(
      scope(() =>
        noGrad(() => ({
          keys: caches(),
          values: caches(),
          turns: rotationOfText(model, positions),
          ids: zeros([N], 'int64'),
          used: zeros([N], 'int32'),
          places: zeros([N], 'int64'),
          positions: zeros([N], 'int64'),
          step: zeros([1], 'int64'),
          uniforms: zeros([S, 2, N], 'float64'),
          drawnIds: zeros([S, N], 'int64'),
          drawnLogps: zeros([S, N], 'float32'),
          seen: size.seen ? zeros([N, vocab_size], 'bool') : null,
          firstPlaces: tensor(steps(N, C), { dtype: 'int64', device }),
          queryStarts: tensor(steps(N + 1, 1), { dtype: 'int32', device }),
          keyStarts: tensor(steps(N + 1, C), { dtype: 'int32', device }),
          order: usesFlash(model) ? null : tensor(positions, { dtype: 'int32', device }),
        })),
      ),
    );
  }

  holds({ rows, places, newTokens, seen }: CacheSize): boolean {
    const { size } = this;
    return rows <= size.rows && places <= size.places && newTokens <= size.newTokens && (size.seen || !seen);
  }

  /** What attention of the first n rows looks at. */
  view(n: number): CachePlaces {
    const { used, queryStarts, keyStarts, order } = this.tensors;
    const first = torch.narrow(used, 0, 0, n);
    return {
      used: first,
      queryStarts: torch.narrow(queryStarts, 0, 0, n + 1),
      keyStarts: torch.narrow(keyStarts, 0, 0, n + 1),
      mask: order && maskBehind(first, order, this.dtype),
    };
  }

  /** A mask multiplies unused places by 0, so they must be finite. */
  clear(): void {
    if (this.tensors.order === null) return;
    for (const cache of [...this.tensors.keys, ...this.tensors.values]) torch.zero_(cache);
  }

  /** The first rows hold prompts of these lengths [n] int64, and go on at these positions [n] int64. Nothing is drawn yet. */
  start(lengths: Tensor, positions: Tensor): void {
    const { used, places, positions: next, firstPlaces, step } = this.tensors;
    const first = (t: Tensor) => torch.narrow(t, 0, 0, lengths.shape[0]);
    torch.copy_(first(used), lengths);
    torch.add_(torch.copy_(first(places), first(firstPlaces)), lengths);
    torch.copy_(first(next), positions);
    torch.zero_(step);
  }

  /** Moves these rows to the front. */
  select(rows: number[]): void {
    const { keys, values, ids, used, positions, places, firstPlaces, seen } = this.tensors;
    const index = tensor(rows, { dtype: 'int64', device: ids.device });
    const front = (t: Tensor) => torch.narrow(t, 0, 0, rows.length);
    for (const t of [...keys, ...values, ids, used, positions, ...(seen === null ? [] : [seen])])
      scope(() => void torch.copy_(front(t), torch.index_select(t, 0, index)));
    torch.add_(torch.copy_(front(places), front(firstPlaces)), front(used));
  }

  [Symbol.dispose](): void {
    disposeAll(this.tensors);
  }
}

/** -inf at and behind each row's first unused place. used [n], order [C] -> [n, 1, 1, C] */
function maskBehind(used: Tensor, order: Tensor, dtype: Model['dtype']): Tensor {
  const { device } = used;
  const [n, C] = [used.shape[0], order.shape[0]];
  const hidden = torch.ge(order, torch.reshape(used, [n, 1, 1, 1])); // [n, 1, 1, C]
  return torch.masked_fill(torch.zeros([n, 1, 1, C], { dtype, device }), hidden, -Infinity);
}
