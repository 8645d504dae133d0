/** Sizes that the engine keeps to and the memory planner counts with; no tensors here. */

/** Bytes of a tile's logits, and of its weights: a tile of the vocabulary at a time, which a CPU's cache holds (token-logps.ts). */
export const TILE_BYTES = { cpu: 8 * 2 ** 20, cuda: 256 * 2 ** 20 };
/** Logits that are no more than this in all are kept for the backward pass. */
export const KEPT_BYTES = { cpu: 32 * 2 ** 20, cuda: 256 * 2 ** 20 };
