/** Sizes that the optimiser keeps to and the memory planner counts with; no tensors here. */

/** Elements that the optimiser widens at a time (adamw.ts). */
export const PIECE = { cpu: 2 ** 20, cuda: 2 ** 22 };
