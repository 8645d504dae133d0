/**
 * Rotary positions. The decoder's M-RoPE gives each token three positions (time, height, width): equal ones for text, the
 * place in the merged patch grid for image tokens. The vision tower rotates by the patch's row and column.
 */
import { tensor, torch, type DType, type Tensor } from '../../../torch/index.ts';
import { inverseFrequencies, rotationBy, type Rotation } from '../../engine/rotary.ts';
import type { Positions } from '../../model.ts';
import type { Grid } from '../../prompt.ts';
import type { TextConfig } from './config.ts';

/** Positions of a prompt's tokens, as transformers' get_rope_index gives them. Grids are in patches, before merging. */
export function promptPositions(ids: number[], grids: Grid[], imageTokenId: number, mergeSize: number): Positions {
  const axes: number[][] = [[], [], []];
  let next = 0;
  let image = 0;
  for (let i = 0; i < ids.length;) {
    if (ids[i] !== imageTokenId) {
      for (const axis of axes) axis.push(next);
      next++;
      i++;
      continue;
    }
    const [t, h, w] = grids[image++];
    const rows = h / mergeSize;
    const columns = w / mergeSize;
    for (let n = 0; n < t * rows * columns; n++) {
      axes[0].push(next + Math.floor(n / (rows * columns)));
      axes[1].push(next + (Math.floor(n / columns) % rows));
      axes[2].push(next + (n % columns));
    }
    next += Math.max(rows, columns);
    i += t * rows * columns;
  }
  return { axes, next };
}

/**
 * Rotation of the decoder's heads for tokens at the given positions [3, R].
 * Each section of a head's frequencies turns by its own axis.
 */
export function textRotation(text: TextConfig, positions: Tensor, dtype: DType): Rotation {
  const { rope_theta, mrope_section } = text.rope_parameters;
  const axisOf = mrope_section.flatMap((size, i) => new Array<number>(size).fill(i % 3)); // [D/2]
  const { device } = positions;
  const perPair = torch.t(torch.index_select(positions, 0, tensor(axisOf, { dtype: 'int64', device }))); // [R, D/2]
  return rotationBy(torch.mul(perPair, inverseFrequencies(rope_theta, text.head_dim, device)), dtype);
}

/** Rotation of the vision tower's heads: half of the pairs turn by row, half by column. rows, columns: [R]. */
export function visionRotation(headDim: number, rows: Tensor, columns: Tensor): Rotation {
  const inverse = inverseFrequencies(10000, headDim / 2, rows.device); // [D/4]
  const angles = [rows, columns].map((axis) => torch.mul(torch.unsqueeze(axis, 1), inverse)); // 2 x [R, D/4]
  return rotationBy(torch.cat(angles, 1), 'float32'); // transformers rotates patches in float32
}
