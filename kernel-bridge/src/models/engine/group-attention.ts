/** Attention while sampling: one new token per completion looks at its prompt, which exists once, and at the tokens drawn so far. */
import { tensor, torch, type Tensor } from '../../torch/index.ts';

/** What all completions of a prompt look at. B prompts, P tokens of the longest. */
export interface PromptCache {
  keys: Tensor[]; // per layer [Hkv, B, P, D]
  values: Tensor[];
  mask: Tensor | null; // [B, 1, P] additive, hides shorter prompts' padding; null when there is none
}

/**
 * The rows of the batch by prompt: N rows in order of their prompts, and slots [B, G] for as many as the largest group has. The
 * queries of a group meet their prompt's keys in one product.
 */
export interface Groups {
  /** [Hkv * N, h, x] -> [Hkv * B, G * h, x] */
  toSlots(rows: Tensor): Tensor;
  /** [Hkv * B, G * h, x] -> [Hkv * N, h, x] */
  toRows(slots: Tensor): Tensor;
  /** What the two look places up in; whoever made the groups frees it. */
  indices: Tensor[];
}

/** Groups of the given sizes, none of them 0. With equal sizes slots are the rows themselves and nothing is copied. */
export function groupsOf(sizes: number[], kvHeads: number, device: string): Groups {
  const [B, G] = [sizes.length, Math.max(...sizes)];
  const N = sizes.reduce((a, b) => a + b, 0);
  const regroup = (t: Tensor, from: number, to: number) => torch.reshape(t, [kvHeads * to, (t.shape[1] * from) / to, t.shape[2]]);
  if (N === B * G) return { toSlots: (rows) => regroup(rows, N, B), toRows: (slots) => regroup(slots, B, N), indices: [] };

  let start = 0;
  const rowOfSlot: number[] = [];
  const slotOfRow: number[] = [];
  sizes.forEach((size, b) => {
    for (let i = 0; i < G; i++) rowOfSlot.push(start + Math.min(i, size - 1)); // a slot too many repeats the last row
    for (let i = 0; i < size; i++) slotOfRow.push(b * G + i);
    start += size;
  });
  const index = (places: number[]) => tensor(places, { dtype: 'int64', device });
  const [rowIndex, slotIndex] = [index(rowOfSlot), index(slotOfRow)];
  const select = (t: Tensor, count: number, places: Tensor) => {
    const [, h, x] = t.shape;
    return torch.reshape(torch.index_select(torch.reshape(t, [kvHeads, count, h, x]), 1, places), [-1, h, x]);
  };
  return {
    toSlots: (rows) => regroup(select(rows, N, rowIndex), B * G, B),
    toRows: (slots) => select(regroup(slots, B, B * G), B * G, slotIndex),
    indices: [rowIndex, slotIndex],
  };
}

/**
 * Both parts share one softmax. As batched products: for one query per row several times faster on the CPU than the fused
 * kernel, which is made for many. q [N, H, D], keys and values [Hkv, N, S, D] -> [N, H * D].
 * Computed in the caches' dtype.
 */
export function groupAttention(q: Tensor, layer: number, prompts: PromptCache, groups: Groups, keys: Tensor, values: Tensor): Tensor {
  const [N, H, D] = q.shape;
  const [Hkv, B, P] = prompts.keys[layer].shape;
  const [S, h] = [keys.shape[2], H / Hkv]; // h query heads share a key head
  const flat = (t: Tensor) => torch.reshape(t, [-1, t.shape[2], D]);

  const scaled = torch.mul(q, D ** -0.5).to({ dtype: keys.dtype });
  const perHead = torch.transpose(torch.reshape(scaled, [N, Hkv, h, D]), 0, 1);
  const queries = torch.reshape(perHead, [Hkv * N, h, D]);
  let toPrompt = torch.bmm(groups.toSlots(queries), torch.transpose(flat(prompts.keys[layer]), 1, 2)); // [Hkv * B, G * h, P]
  if (prompts.mask !== null) toPrompt = torch.reshape(torch.add(torch.reshape(toPrompt, [Hkv, B, -1, P]), prompts.mask), toPrompt.shape);
  const toOwn = torch.bmm(queries, torch.transpose(flat(keys), 1, 2)); // [Hkv * N, h, S]

  const scores = torch.cat([groups.toRows(toPrompt), toOwn], 2); // [Hkv * N, h, P + S]
  const weights = torch.softmax(scores, -1, { dtype: 'float32' }).to({ dtype: values.dtype });
  const fromPrompt = torch.bmm(groups.toSlots(torch.narrow(weights, 2, 0, P)), flat(prompts.values[layer])); // [Hkv * B, G * h, D]
  const seen = torch.baddbmm(groups.toRows(fromPrompt), torch.narrow(weights, 2, P, S), flat(values)); // [Hkv * N, h, D]
  return torch.reshape(torch.transpose(torch.reshape(seen, [Hkv, N, h, D]), 0, 1), [N, H * D]).to({ dtype: q.dtype });
}
