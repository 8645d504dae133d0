/**
 * The vision tower: patches -> embeddings -> blocks -> merger, which joins 2x2 neighbouring patches into one image token.
 * All images of a batch go through in one pass; attention stays within an image (or, in most blocks of Qwen2.5-VL, a window).
 */
import { tensor, torch, type Tensor } from '../../../torch/index.ts';
import { visionWidth, type Qwen2VLConfig } from './config.ts';
import { attention, gatherRows, layerNorm, linear, rmsNorm, swiglu } from '../../engine/layers.ts';
import type { Model as AnyModel } from '../../model.ts';
import type { EncodedImage, Grid } from '../../prompt.ts';
import { product } from '../../engine/product.ts';
import { rotate, type Rotation } from '../../engine/rotary.ts';
import { visionRotation } from './rope.ts';
import { segmentAttention, segmentsOf, usesFlash } from '../../engine/varlen.ts';

type Model = AnyModel<Qwen2VLConfig>;

const EPS = 1e-6; // both towers' norms; no key in config.json

/** Image tokens of all images, one after another: [sum of t * h * w / 4, hidden_size]. */
export function encodeImages(model: Model, images: EncodedImage[]): Tensor {
  const { vision_config: vision } = model.config;
  const width = visionWidth(model.config);
  const grids = images.map((image) => image.grid);
  const windows = model.config.model_type === 'qwen2_5_vl' ? windowOrder(grids, vision) : null;

  const pixels = torch.cat(
    images.map((image) => image.pixelValues.to({ dtype: model.dtype, device: model.device })),
    0,
  );
  // The 3-D convolution's stride is its kernel, so it is a matrix product.
  const kernel = torch.reshape(model.weight('visual.patch_embed.proj.weight'), [width, pixels.shape[1]]);
  let x = product(model, pixels, kernel, null); // [R, E]
  let turn = rotationOf(model, grids);
  const imageLengths = grids.flatMap(([t, h, w]) => new Array<number>(t).fill(h * w));
  const unit = vision.spatial_merge_size ** 2;
  if (windows !== null) {
    const patches = windows.order.flatMap((group) => Array.from({ length: unit }, (_, i) => group * unit + i));
    const index = tensor(patches, { dtype: 'int64', device: model.device });
    x = gatherRows(x, index);
    turn = { cos: torch.index_select(turn.cos, 0, index), sin: torch.index_select(turn.sin, 0, index) };
  }

  const attend = attentionWithin(model, imageLengths);
  const attendInWindow = windows && attentionWithin(model, windows.lengths);
  const norm = model.config.model_type === 'qwen2_vl' ? layerNorm : rmsNorm;
  for (let i = 0; i < vision.depth; i++) {
    const name = `visual.blocks.${i}`;
    const wholeImage = attendInWindow === null || vision.fullatt_block_indexes!.includes(i);
    x = model.runLayer(name, x, (input) => {
      const seen = torch.add(
        input,
        selfAttention(model, `${name}.attn`, norm(model, `${name}.norm1`, input, EPS), turn, wholeImage ? attend : attendInWindow),
      );
      return torch.add(seen, mlp(model, `${name}.mlp`, norm(model, `${name}.norm2`, seen, EPS)));
    });
  }

  x = torch.reshape(norm(model, 'visual.merger.ln_q', x, EPS), [-1, width * unit]); // [R / 4, 4 * E]
  x = linear(model, 'visual.merger.mlp.2', torch.gelu(linear(model, 'visual.merger.mlp.0', x))); // [R / 4, hidden]
  if (windows === null) return x;
  const back = new Array<number>(windows.order.length);
  windows.order.forEach((group, i) => (back[group] = i));
  return gatherRows(x, tensor(back, { dtype: 'int64', device: model.device }));
}

/** q, k, v [R, H, D] -> [R, H * D]. */
type Attend = (q: Tensor, k: Tensor, v: Tensor) => Tensor;

function selfAttention(model: Model, name: string, x: Tensor, turn: Rotation, attend: Attend): Tensor {
  const [R, E] = x.shape;
  const heads = model.config.vision_config.num_heads;
  const qkv = torch.reshape(linear(model, `${name}.qkv`, x), [R, 3, heads, E / heads]);
  const [q, k, v] = torch.unbind(qkv, 1); // each [R, H, D]
  const turned = [q, k].map((t) => rotate(t.to({ dtype: 'float32' }), turn).to({ dtype: model.dtype }));
  return linear(model, `${name}.proj`, attend(turned[0], turned[1], v));
}

/** Attention within consecutive images or windows of the given lengths. */
function attentionWithin(model: Model, lengths: number[]): Attend {
  if (!usesFlash(model)) return (q, k, v) => runAttention(q, k, v, lengths);
  const segments = segmentsOf(lengths, lengths, model.device);
  return (q, k, v) => segmentAttention(q, k, v, segments);
}

/** Runs of equal lengths go as one batch. */
function runAttention(q: Tensor, k: Tensor, v: Tensor, lengths: number[]): Tensor {
  const [, H, D] = q.shape;
  const parts: Tensor[] = [];
  for (let i = 0, start = 0; i < lengths.length;) {
    const length = lengths[i];
    let count = 1;
    while (lengths[i + count] === length) count++;
    const part = (t: Tensor) => torch.reshape(torch.narrow(t, 0, start, count * length), [count, length, H, D]);
    parts.push(torch.reshape(attention(part(q), part(k), part(v)), [count * length, H * D]));
    start += count * length;
    i += count;
  }
  return parts.length === 1 ? parts[0] : torch.cat(parts, 0);
}

function mlp(model: Model, name: string, x: Tensor): Tensor {
  if (model.config.vision_config.hidden_act === 'silu') return swiglu(model, name, x);
  const h = linear(model, `${name}.fc1`, x);
  return linear(model, `${name}.fc2`, torch.mul(h, torch.sigmoid(torch.mul(h, 1.702)))); // quick_gelu
}

/** Rows and columns of all patches, in the order of the image processor: 2x2 neighbours stand together. */
function rotationOf(model: Model, grids: Grid[]): Rotation {
  const { spatial_merge_size: merge, num_heads } = model.config.vision_config;
  const rows: number[] = [];
  const columns: number[] = [];
  for (const [t, h, w] of grids) {
    for (let n = 0; n < t * h * w; n++) {
      const inGroup = n % (merge * merge);
      const group = Math.floor(n / (merge * merge)) % ((h * w) / (merge * merge));
      rows.push(Math.floor(group / (w / merge)) * merge + Math.floor(inGroup / merge));
      columns.push((group % (w / merge)) * merge + (inGroup % merge));
    }
  }
  const float = { dtype: 'float32', device: model.device } as const;
  return visionRotation(visionWidth(model.config) / num_heads, tensor(rows, float), tensor(columns, float));
}

/** Qwen2.5-VL's order of merged patches, window by window, and each window's length in patches. Windows at the edges are smaller. */
function windowOrder(
  grids: Grid[],
  vision: { spatial_merge_size: number; patch_size: number; window_size?: number },
): { order: number[]; lengths: number[] } {
  const merge = vision.spatial_merge_size;
  const side = Math.floor(vision.window_size! / merge / vision.patch_size);
  const order: number[] = [];
  const lengths: number[] = [];
  let first = 0;
  for (const [t, h, w] of grids) {
    const rows = h / merge;
    const columns = w / merge;
    for (let frame = 0; frame < t; frame++, first += rows * columns) {
      for (let top = 0; top < rows; top += side) {
        for (let left = 0; left < columns; left += side) {
          const bottom = Math.min(top + side, rows);
          const right = Math.min(left + side, columns);
          for (let r = top; r < bottom; r++) for (let c = left; c < right; c++) order.push(first + r * columns + c);
          lengths.push((bottom - top) * (right - left) * merge * merge);
        }
      }
    }
  }
  return { order, lengths };
}
