/**
 * Attention within segments of different lengths that stand one after another: no padding, no mask. On a GPU in bfloat16 it is PyTorch's
 * flash kernel, called as torch.nn.attention.varlen calls it; elsewhere one product a segment.
 */
import { noGrad, scope, tensor, torch, type Tensor } from '../../torch/index.ts';
import { attention } from './layers.ts';
import type { Model } from '../model.ts';

export interface Segments {
  /** Rows of queries and of keys of each segment, none 0. */
  queries: number[];
  keys: number[];
  /** The same as the kernel takes them: where each starts and the last one ends, [segments + 1] int32. */
  queryStarts: Tensor;
  keyStarts: Tensor;
}

export function segmentsOf(queries: number[], keys: number[], device: string): Segments {
  return { queries, keys, queryStarts: startsOf(queries, device), keyStarts: startsOf(keys, device) };
}

function startsOf(lengths: number[], device: string): Tensor {
  const starts = [0];
  for (const length of lengths) starts.push(starts.at(-1)! + length);
  return tensor(starts, { dtype: 'int32', device });
}

/**
 * q [R, H, D], k and v [K, Hkv, D] -> [R, H * D]. `causal`: the last query of a segment sees all of its keys, the one before all but the
 * last, and so on.
 */
export function segmentAttention(q: Tensor, k: Tensor, v: Tensor, segments: Segments, { causal = false } = {}): Tensor {
  const [R, H, D] = q.shape;
  if (q.device === 'cpu' || !isFlash(q.device, q.dtype, D)) return eachAlone(q, k, v, segments, causal);
  const { queries, keys, queryStarts, keyStarts } = segments;
  const [out] = torch._flash_attention_forward(q, k, v, queryStarts, keyStarts, Math.max(...queries), Math.max(...keys), 0, causal, false);
  return torch.reshape(out, [R, H * D]);
}

function eachAlone(q: Tensor, k: Tensor, v: Tensor, { queries, keys }: Segments, causal: boolean): Tensor {
  let [from, fromKey] = [0, 0];
  const parts = queries.map((length, i) => {
    const [queryRows, keyRows] = [torch.narrow(q, 0, from, length), [k, v].map((t) => torch.narrow(t, 0, fromKey, keys[i]))];
    from += length;
    fromKey += keys[i];
    const [block, ...caches] = [queryRows, ...keyRows].map((t) => torch.unsqueeze(t, 0));
    const mask = causal && length !== keys[i] ? endMask(length, keys[i], q) : null;
    return torch.squeeze(attention(block, caches[0], caches[1], { mask, causal: causal && mask === null }), 0);
  });
  return torch.cat(parts, 0);
}

/** -inf where query i of L may not look at key j of S: j > i + S - L. [1, 1, L, S] */
function endMask(L: number, S: number, { device, dtype }: Tensor): Tensor {
  return noGrad(() => torch.triu(torch.full([1, 1, L, S], -Infinity, { dtype, device }), S - L + 1));
}

/**
 * One query a row, over a cache in which each row has C places and `used` of them hold keys: q [N, H, D], keys and values [N, C, Hkv, D],
 * used [N] int32 -> [N, H * D]. No shape depends on what `used` holds, so a CUDA graph can record it.
 */
export function cacheAttention(q: Tensor, keys: Tensor, values: Tensor, cache: CachePlaces): Tensor {
  const [N, H, D] = q.shape;
  if (cache.mask !== null) return torch.squeeze(attention(torch.unsqueeze(q, 1), keys, values, { mask: cache.mask }), 1);
  const C = keys.shape[1];
  const flat = (t: Tensor) => torch.flatten(t, 0, 1);
  const seqused_k = cache.used;
  const [out] = torch._flash_attention_forward(q, flat(keys), flat(values), cache.queryStarts, cache.keyStarts, 1, C, 0, false, false, {
    seqused_k,
  });
  return torch.reshape(out, [N, H * D]);
}

export interface CachePlaces {
  used: Tensor; // [N] int32
  queryStarts: Tensor; // [N + 1] int32: 0, 1, 2, ...
  keyStarts: Tensor; // [N + 1] int32: 0, C, 2 * C, ...
  /** Hides unused places where there is no flash kernel, [N, 1, 1, C]; else null. */
  mask: Tensor | null;
}

/** Whether products of queries and keys of this model's decoder and tower can go through the flash kernel. */
export function usesFlash(model: Pick<Model, 'config' | 'device' | 'dtype'>): boolean {
  if (model.device === 'cpu') return false;
  return isFlash(model.device, model.dtype, model.config.text_config.head_dim);
}

const known = new Map<string, boolean>();

/** Whether this PyTorch and this GPU take it; asked of them once. MEDR1_FLASH_ATTENTION=0 says no. */
function isFlash(device: string, dtype: string, D: number): boolean {
  if (dtype !== 'bfloat16' || D % 8 !== 0 || D > 256 || process.env.MEDR1_FLASH_ATTENTION === '0') return false;
  let works = known.get(device);
  if (works === undefined) known.set(device, (works = tryFlash(device)));
  return works;
}

function tryFlash(device: string): boolean {
  try {
    scope(() =>
      noGrad(() => {
        const x = torch.zeros([2, 2, 64], { dtype: 'bfloat16', device });
        const starts = startsOf([1, 1], device);
        torch._flash_attention_forward(x, x, x, starts, starts, 1, 1, 0, false, false, {
          seqused_k: torch.ones_like(torch.narrow(starts, 0, 0, 2)),
        });
      }),
    );
    return true;
  } catch (error) {
    process.emitWarning(`no flash attention on ${device}, so attention takes the slower way: ${(error as Error).message}`, {
      code: 'MEDR1_FLASH_ATTENTION',
    });
    return false;
  }
}
