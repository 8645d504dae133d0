/**
 * Seeded random numbers, the same on every machine: they draw splits, data sets, orders and seeds. Tokens are sampled with torch's generators.
 * Each generator is kept because draws of earlier versions hang on it: splits on SplitMix64, the made sample on sfc32, the order of a run on mulberry32.
 */

/** Uniform in [0, 1). */
export type Random = () => number;

/** SplitMix64 (Steele, Lea and Flood 2014), 53 bits of each number. */
export function splitMix64(seed: number): Random {
  let state = BigInt(seed);
  return () => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let z = state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return Number((z ^ (z >> 31n)) >> 11n) / 2 ** 53;
  };
}

/** mulberry32: 2^32 states, plenty for shuffling. */
export function mulberry32(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** sfc32 (Doty-Humphrey's small fast chaotic generator), seeded by a key of several parts, e.g. a seed, a name and the number of an image. */
export function sfc32(...key: (number | string)[]): Random {
  let [a, b, c, d] = hash128(key.join('\u0000'));
  const next = () => {
    const t = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 12; i++) next(); // sfc32 needs a dozen rounds before every seed bit has spread
  return next;
}

/** Four FNV-1a hashes of the text, each from its own offset. */
function hash128(text: string): [number, number, number, number] {
  const lanes: [number, number, number, number] = [0x811c9dc5, 0x01000193, 0x9e3779b9, 0x85ebca6b];
  for (let i = 0; i < text.length; i++)
    for (let lane = 0; lane < 4; lane++) lanes[lane] = Math.imul(lanes[lane] ^ (text.charCodeAt(i) + lane), 0x01000193);
  return lanes;
}

/** One 32-bit seed from several numbers, by the finaliser of MurmurHash3 after each. */
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

export const between = (random: Random, low: number, high: number): number => low + (high - low) * random();
/** A whole number from 0 to below `n`. */
export const below = (random: Random, n: number): number => Math.floor(random() * n);
export const pick = <T>(random: Random, values: readonly T[]): T => values[below(random, values.length)];

/** A shuffled copy (Fisher and Yates). */
export function shuffled<T>(random: Random, values: readonly T[]): T[] {
  const copy = [...values];
  for (let last = copy.length - 1; last > 0; last--) {
    const other = below(random, last + 1);
    [copy[last], copy[other]] = [copy[other], copy[last]];
  }
  return copy;
}
