import type { Rgb } from './png.ts';

/** Difference hash (Krawetz): 64 bits, each whether a cell of a 9 x 8 grey thumbnail is darker than its right neighbour. */
export function dhash(image: Rgb): bigint {
  const [columns, rows] = [9, 8];
  const sum = new Float64Array(columns * rows);
  const count = new Float64Array(columns * rows);
  for (let y = 0; y < image.height; y++)
    for (let x = 0; x < image.width; x++) {
      const cell = Math.floor((y * rows) / image.height) * columns + Math.floor((x * columns) / image.width);
      const i = (y * image.width + x) * 3;
      sum[cell] += 0.299 * image.data[i] + 0.587 * image.data[i + 1] + 0.114 * image.data[i + 2];
      count[cell]++;
    }
  let hash = 0n;
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns - 1; x++) {
      const cell = y * columns + x;
      hash = (hash << 1n) | (sum[cell] / count[cell] < sum[cell + 1] / count[cell + 1] ? 1n : 0n);
    }
  return hash;
}

export function distance(a: bigint, b: bigint): number {
  let bits = 0;
  for (let x = a ^ b; x > 0n; x &= x - 1n) bits++;
  return bits;
}
