/** Near-duplicates: images whose perceptual hashes differ in at most `NEAR` of their 128 bits. */

/** Bits in which near-duplicates may differ. Six leave two of eight 16-bit bands untouched, which is what `nearPairs` looks for. */
export const NEAR = 6;
const BANDS = 8;

/** Hashes as rows of four 32-bit words. */
export class HashTable {
  readonly words: Uint32Array; // [n x 4]
  readonly size: number;

  constructor(hashes: readonly Uint8Array[]) {
    this.size = hashes.length;
    this.words = new Uint32Array(4 * hashes.length);
    const bytes = new Uint8Array(this.words.buffer);
    hashes.forEach((hash, i) => bytes.set(hash, 16 * i));
  }

  distance(a: number, b: number): number {
    const w = this.words;
    let bits = 0;
    for (let k = 0; k < 4; k++) bits += popcount(w[4 * a + k] ^ w[4 * b + k]);
    return bits;
  }

  /** Rows near row `of`, nearest first: one pass over all rows (82,000 take about a millisecond). */
  near(of: number, k: number = NEAR): { row: number; distance: number }[] {
    const found: { row: number; distance: number }[] = [];
    for (let row = 0; row < this.size; row++) {
      const distance = row === of ? Infinity : this.distance(of, row);
      if (distance <= k) found.push({ row, distance });
    }
    return found.toSorted((a, b) => a.distance - b.distance);
  }
}

function popcount(x: number): number {
  x -= (x >>> 1) & 0x55555555;
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return (((x + (x >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}

/**
 * Every pair of rows at most NEAR apart, each once, smaller row first. At most six differing bits touch at most six of eight bands,
 * so near rows agree in two bands at least: for each of the 28 pairs of bands, rows are sorted by those 32 bits and compared
 * within runs of equal ones. A pair that agrees in several is taken at the first.
 */
export function nearPairs(table: HashTable): { a: number; b: number; distance: number }[] {
  const bands = new Uint16Array(table.words.buffer);
  const pairs: { a: number; b: number; distance: number }[] = [];
  for (let i = 0; i < BANDS; i++) {
    for (let j = i + 1; j < BANDS; j++) {
      for (const run of runs(table.size, (row) => bands[BANDS * row + i] * 65536 + bands[BANDS * row + j])) {
        for (let x = 0; x < run.length; x++) {
          for (let y = x + 1; y < run.length; y++) {
            const [a, b] = [run[x], run[y]];
            const distance = table.distance(a, b);
            if (distance <= NEAR && isFirst(bands, a, b, i, j)) pairs.push(a < b ? { a, b, distance } : { a: b, b: a, distance });
          }
        }
      }
    }
  }
  return pairs;
}

/** Whether i and j are the first two bands in which rows a and b agree. */
function isFirst(bands: Uint16Array, a: number, b: number, i: number, j: number): boolean {
  for (let band = 0; band < j; band++) {
    if (band !== i && bands[BANDS * a + band] === bands[BANDS * b + band]) return false;
  }
  return true;
}

function* runs(size: number, key: (row: number) => number): Generator<Uint32Array> {
  const keys = Float64Array.from({ length: size }, (_, row) => key(row) * 2 ** 20 + row); // 32 bits of key, 20 of row
  keys.sort();
  const rows = Uint32Array.from(keys, (packed) => packed % 2 ** 20);
  for (let start = 0, end = 1; end <= size; end++) {
    if (end < size && Math.floor(keys[end] / 2 ** 20) === Math.floor(keys[start] / 2 ** 20)) continue;
    if (end - start > 1) yield rows.subarray(start, end);
    start = end;
  }
}
