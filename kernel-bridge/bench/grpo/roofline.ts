/**
 * The least time that sampling and a training pass can take on a machine of given speed. A figure's share of the roofline is that over the
 * time it took.
 */
import { sizesOf, weightShapes, type ModelConfig } from '../../src/models/shapes.ts';
import { isVision } from '../../src/protocol/weight-names.ts';

export interface Machine {
  /** Floating-point operations a second of a large matrix product, in this dtype or in float32, whichever is faster. */
  flops: number;
  /** Bytes read a second from tensors no cache holds. */
  bytes_per_s: number;
}

export interface Work {
  B: number; // prompts
  P: number; // tokens of a prompt
  patches: number; // of a prompt's image
  G: number;
  T: number; // tokens of a completion
  bytes: number; // of a weight
}

/** Least seconds of sampling B x G completions of T tokens, and of one training pass over them. */
export function leastSeconds(config: ModelConfig, work: Work, { flops, bytes_per_s }: Machine): { sampling: number; pass: number } {
  const sizes = sizesOf(config);
  const { B, P, patches, G, T, bytes } = work;
  const N = B * G;
  const matrices = [...weightShapes(config)].filter(([, shape]) => shape.length > 1);
  const count = (part: (name: string) => boolean): number =>
    matrices.filter(([name]) => part(name)).reduce((sum, [, shape]) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const layers = count((name) => name.startsWith('model.layers.'));
  const merger = count((name) => name.startsWith('visual.merger.'));
  const tower = count(isVision) - merger;
  const head = sizes.vocabulary * sizes.hidden;

  // A product with a weight is 2 operations a weight and row; attention is 2 products of query rows with all keys.
  const attention = (rows: number, keys: number): number => 4 * sizes.layers * sizes.queryWidth * rows * keys;
  const see =
    B *
    (2 * (tower * patches + (merger * patches) / sizes.patchesPerToken) + 4 * sizes.visionDepth * sizes.visionWidth * patches * patches);
  const prefill = see + 2 * layers * B * P + attention(B * P, P / 2);

  const kvBytes = 2 * sizes.layers * sizes.kvWidth * bytes;
  let decode = 0;
  for (let t = 1; t < T; t++) {
    const operations = 2 * N * (layers + head) + attention(N, P + t);
    const read = (layers + head) * bytes + kvBytes * (B * P + N * t); // a prompt's keys are shared by its group
    decode += Math.max(operations / flops, read / bytes_per_s);
  }
  const forward = prefill + 2 * layers * N * (T - 1) + attention(N * (T - 1), P + T / 2) + 2 * head * N * T;
  return {
    sampling: (prefill + 2 * head * B) / flops + decode,
    pass: (3 * forward) / flops, // backward is two products for each of the forward's
  };
}
