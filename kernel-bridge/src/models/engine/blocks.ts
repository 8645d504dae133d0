/**
 * Sequences of different lengths as rows of tokens (what linear layers take) and as a block [B, L] padded on the right
 * (what attention takes). With little padding the rows are the block itself and nothing is copied; with much, only real tokens are rows.
 */
import { tensor, torch, type Tensor } from '../../torch/index.ts';
import { gatherRows } from './layers.ts';

const DENSE_FILL = 0.8; // share of real tokens above which padding costs less than copying

export interface Blocks {
  /** Number of rows. */
  rows: number;
  /** B sequences, L the longest. */
  B: number;
  L: number;
  lengths: number[];
  /** The row of token i of sequence b. */
  row(b: number, i: number): number;
  /** [rows, ...] -> [B, L, ...] */
  toBlock(x: Tensor): Tensor;
  /** [B, L, ...] -> [rows, ...] */
  toRows(x: Tensor): Tensor;
  /** Per-token values, laid out as rows; padding gets `pad`. */
  fill(values: number[][], pad: number): number[];
}

export function blocksOf(lengths: number[], device: string): Blocks {
  const B = lengths.length;
  const L = Math.max(0, ...lengths);
  const total = lengths.reduce((a, b) => a + b, 0);
  return total >= DENSE_FILL * B * L ? dense(lengths, B, L) : packed(lengths, B, L, total, device);
}

function dense(lengths: number[], B: number, L: number): Blocks {
  return {
    rows: B * L,
    B,
    L,
    lengths,
    row: (b, i) => b * L + i,
    toBlock: (x) => torch.reshape(x, [B, L, ...x.shape.slice(1)]),
    toRows: (x) => torch.reshape(x, [B * L, ...x.shape.slice(2)]),
    fill: (values, pad) => values.flatMap((row) => [...row, ...new Array<number>(L - row.length).fill(pad)]),
  };
}

function packed(lengths: number[], B: number, L: number, total: number, device: string): Blocks {
  const starts: number[] = [];
  let start = 0;
  for (const length of lengths) {
    starts.push(start);
    start += length;
  }
  // Padding reads row 0: finite, and never looked at, for the right side is masked.
  const rowOfSlot = lengths.flatMap((length, b) => Array.from({ length: L }, (_, i) => (i < length ? starts[b] + i : 0)));
  const slotOfRow = lengths.flatMap((length, b) => Array.from({ length }, (_, i) => b * L + i));
  const blockIndex = tensor(rowOfSlot, { dtype: 'int64', device }); // [B * L]
  const rowIndex = tensor(slotOfRow, { dtype: 'int64', device }); // [rows]
  return {
    rows: total,
    B,
    L,
    lengths,
    row: (b, i) => starts[b] + i,
    toBlock: (x) => torch.reshape(gatherRows(x, blockIndex), [B, L, ...x.shape.slice(1)]),
    toRows: (x) => gatherRows(torch.reshape(x, [B * L, ...x.shape.slice(2)]), rowIndex),
    fill: (values) => values.flat(),
  };
}
