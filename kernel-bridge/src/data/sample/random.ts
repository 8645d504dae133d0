/**
 * Seeded random numbers, the same on every machine: sfc32 (Doty-Humphrey's small fast chaotic generator), seeded by
 * a key of several parts so that image 17 looks the same however many images are made.
 */
export interface Random {
  /** Uniform in [0, 1). */
  (): number;
}

export function random(...key: (number | string)[]): Random {
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

export const between = (rng: Random, low: number, high: number): number => low + (high - low) * rng();
export const below = (rng: Random, n: number): number => Math.floor(rng() * n);
export const pick = <T>(rng: Random, items: readonly T[]): T => items[below(rng, items.length)];

/** Fisher-Yates on a copy. */
export function shuffled<T>(rng: Random, items: readonly T[]): T[] {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i--) {
    const j = below(rng, i + 1);
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
}

/** Four FNV-1a hashes of the text, each from its own offset. */
function hash128(text: string): [number, number, number, number] {
  const lanes: [number, number, number, number] = [0x811c9dc5, 0x01000193, 0x9e3779b9, 0x85ebca6b];
  for (let i = 0; i < text.length; i++)
    for (let lane = 0; lane < 4; lane++) lanes[lane] = Math.imul(lanes[lane] ^ (text.charCodeAt(i) + lane), 0x01000193);
  return lanes;
}
