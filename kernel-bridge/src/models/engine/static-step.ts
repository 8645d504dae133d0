/** One step of decoding over a StaticCache. Nothing here comes back to the host, and no shape depends on how far the completions are. */
import { torch, type Tensor } from '../../torch/index.ts';
import { decode, logitsOf } from './decoder.ts';
import { attention } from './layers.ts';
import type { Model } from '../model.ts';
import { embed, rotationAt, type Prefix } from './prefix.ts';
import type { Sampler } from './sampling.ts';
import type { StaticCache } from './static-cache.ts';
import { cacheAttention } from './varlen.ts';

/** Runs the last drawn tokens of the first n rows through the model and draws the next ones. */
export function step(model: Model, cache: StaticCache, sampler: Sampler, n: number): void {
  const { keys, values, turns, ids, used, places, positions, seen } = cache.tensors;
  const first = (t: Tensor) => torch.narrow(t, 0, 0, n);
  const [drawn, place, position] = [first(ids), first(places), first(positions)];
  if (seen !== null) torch.scatter_(first(seen), 1, torch.unsqueeze(drawn, 1), true);
  torch.add_(first(used), 1);
  const view = cache.view(n);
  const turn = { cos: torch.index_select(turns.cos, 0, position), sin: torch.index_select(turns.sin, 0, position) };
  const x = torch.embedding(model.weight('model.embed_tokens.weight'), drawn); // [n, hidden]
  const hidden = decode(model, x, turn, (layer, q, k, v) => {
    torch.index_copy_(torch.flatten(keys[layer], 0, 1), 0, place, k);
    torch.index_copy_(torch.flatten(values[layer], 0, 1), 0, place, v);
    return cacheAttention(q, first(keys[layer]), first(values[layer]), view);
  });
  torch.add_(place, 1);
  torch.add_(position, 1);
  draw(cache, sampler, n, logitsOf(model, hidden));
}

/** Chooses the tokens of the first n rows; logits [n, V]. */
export function draw(cache: StaticCache, sampler: Sampler, n: number, logits: Tensor): void {
  const { ids, step: count, uniforms, drawnIds, drawnLogps, seen } = cache.tensors;
  const [numbers] = torch.unbind(torch.index_select(torch.narrow(uniforms, 2, 0, n), 0, count), 0); // [2, n]
  const rest = torch.unbind(torch.unsqueeze(numbers, 2), 0);
  const next = sampler(logits, seen && torch.narrow(seen, 0, 0, n), () => rest.shift()!);
  torch.copy_(torch.narrow(ids, 0, 0, n), next.ids);
  torch.index_copy_(torch.narrow(drawnIds, 1, 0, n), 0, count, torch.unsqueeze(next.ids, 0));
  torch.index_copy_(torch.narrow(drawnLogps, 1, 0, n), 0, count, torch.unsqueeze(next.logps, 0));
  torch.add_(count, 1);
}

/** Runs the prompts, each of which gets n rows of the cache. Gives their last hidden states, [prompts, hidden]. */
export function prefill(model: Model, prefix: Prefix, cache: StaticCache, n: number): Tensor {
  const { keys, values } = cache.tensors;
  const { blocks } = prefix;
  const { B, L } = blocks;
  /** Padding behind a shorter prompt's end is written too; new tokens take its places before anything looks there. */
  const copy = (into: Tensor, block: Tensor) => {
    const [, C, H, D] = into.shape;
    const rows = torch.view(torch.narrow(into, 0, 0, B * n), [B, n, C, H, D]);
    torch.copy_(torch.narrow(rows, 2, 0, L), torch.unsqueeze(block, 1));
  };
  const turn = rotationAt(model, prefix.axes);
  return decode(model, embed(model, prefix.ids, prefix), turn, (layer, q, k, v) => {
    const [kb, vb] = [blocks.toBlock(k), blocks.toBlock(v)]; // [B, L, Hkv, D]
    copy(keys[layer], kb);
    copy(values[layer], vb);
    return blocks.toRows(attention(blocks.toBlock(q), kb, vb, { causal: true }));
  });
}
