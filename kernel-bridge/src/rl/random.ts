/**
 * Order of the data and seeds of sampling, without state to save: everything follows from the run's seed and a position, so a run that
 * goes on from a checkpoint draws what the uninterrupted run would have drawn.
 */

/** One 32-bit number from several, by the finaliser of MurmurHash3 after each. */
export function mixSeed(...parts: number[]): number {
  let hash = 0x9e3779b9;
  for (const part of parts) {
    hash = (hash ^ part) >>> 0;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash = (hash ^ (hash >>> 16)) >>> 0;
    hash = (hash + 0x9e3779b9) >>> 0;
  }
  return hash;
}

/** mulberry32: 2^32 states, uniform in [0, 1); plenty for shuffling, never used for sampling tokens. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** 0 .. length - 1 in a random order (Fisher and Yates). */
export function permutation(length: number, seed: number): number[] {
  const random = mulberry32(seed);
  const order = Array.from({ length }, (_, index) => index);
  for (let last = length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}
