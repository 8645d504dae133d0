/** Sizes that the engine keeps to and the memory planner counts with; no tensors here. */

/** Places of a prompt in a static cache come in such steps, for prompts of one data set differ in length (static-decode.ts). */
export const PROMPT_STEP = 64;
/** Bytes of patches that are kept for questions that come again (rl/encoder.ts). */
export const IMAGE_CACHE_BYTES = 512 * 2 ** 20;
/** Bytes of a tile's logits, and of its weights: a tile of the vocabulary at a time, which a CPU's cache holds (token-logps.ts). */
export const TILE_BYTES = { cpu: 8 * 2 ** 20, cuda: 256 * 2 ** 20 };
/** Logits that are no more than this in all are kept for the backward pass. */
export const KEPT_BYTES = { cpu: 32 * 2 ** 20, cuda: 256 * 2 ** 20 };
