/**
 * The training forward's attention without padding or mask: every prompt and every completion is a segment (varlen.ts), a completion's keys
 * being its prompt's followed by its own. What the masked blocks of group-logps.ts compute, for a kernel that knows segments.
 */
import { tensor, torch } from '../../torch/index.ts';
import type { Blocks } from './blocks.ts';
import type { Attend } from './decoder.ts';
import { gatherRows } from './layers.ts';
import type { Prefix } from './prefix.ts';
import { segmentAttention, segmentsOf } from './varlen.ts';

/** Rows are the prompts' followed by the completions' own; `owner`: completion -> prompt. */
export function packedAttention(prefix: Prefix, own: Blocks, owner: number[], device: string): Attend {
  const { blocks } = prefix;
  const prompts = spans(blocks);
  const queries = [...prompts];
  const keys = [...prompts];
  const keyRows = Array.from({ length: blocks.rows }, (_, row) => row);
  spans(own).forEach((span, n) => {
    if (span === 0) return; // its only token is no input
    const prompt = blocks.lengths[owner[n]];
    for (let i = 0; i < prompt; i++) keyRows.push(blocks.row(owner[n], i));
    for (let i = 0; i < span; i++) keyRows.push(blocks.rows + own.row(n, i));
    queries.push(span);
    keys.push(prompt + span);
  });
  const segments = segmentsOf(queries, keys, device);
  const index = tensor(keyRows, { dtype: 'int64', device });

  return (_layer, q, k, v) => {
    const heads = k.shape[1];
    const both = gatherRows(torch.cat([k, v], 1), index); // [K, 2 * Hkv, D], one look-up for the two
    return segmentAttention(q, torch.narrow(both, 1, 0, heads), torch.narrow(both, 1, heads, heads), segments, { causal: true });
  };
}

/** Rows that each sequence takes: padding behind its end is part of it, seen by nothing that counts. */
const spans = ({ rows, B, L, lengths }: Blocks): number[] => (rows === B * L ? new Array<number>(B).fill(L) : lengths);
