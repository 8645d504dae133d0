import fc from 'fast-check';
import { expect, it } from 'vitest';
import { HashTable, NEAR, nearPairs } from './near.ts';

const bits = fc.uint8Array({ minLength: 16, maxLength: 16 });
/** Hashes of which many are a few flipped bits apart. */
const family = fc
  .tuple(
    fc.array(bits, { minLength: 1, maxLength: 4 }),
    fc.array(fc.tuple(fc.nat(3), fc.array(fc.nat(127), { maxLength: 9 })), { maxLength: 30 }),
  )
  .map(([seeds, flips]) => [
    ...seeds,
    ...flips.map(([seed, places]) => {
      const hash = Uint8Array.from(seeds[seed % seeds.length]);
      for (const place of places) hash[place >> 3] ^= 1 << (place & 7);
      return hash;
    }),
  ]);

const slowDistance = (a: Uint8Array, b: Uint8Array) =>
  a.reduce((sum, byte, i) => sum + (byte ^ b[i]).toString(2).replaceAll('0', '').length, 0);

it('nearPairs finds every pair that comparing all with all finds, once', () => {
  fc.assert(
    fc.property(family, (hashes) => {
      const expected: string[] = [];
      hashes.forEach((a, i) =>
        hashes.slice(i + 1).forEach((b, j) => slowDistance(a, b) <= NEAR && expected.push(`${i} ${i + 1 + j} ${slowDistance(a, b)}`)),
      );
      const found = nearPairs(new HashTable(hashes)).map(({ a, b, distance }) => `${a} ${b} ${distance}`);
      expect(found.toSorted()).toEqual(expected.toSorted());
    }),
  );
});

it('near gives the nearest first and not the row itself', () => {
  const of = (...set: number[]) => {
    const hash = new Uint8Array(16);
    for (const place of set) hash[place >> 3] |= 1 << (place & 7);
    return hash;
  };
  const table = new HashTable([of(), of(1, 2, 3), of(1), of(1, 2, 3, 4, 5, 6, 7)]);
  expect(table.near(0)).toEqual([
    { row: 2, distance: 1 },
    { row: 1, distance: 3 },
  ]);
});
