import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ownersOf, roundsOf } from './owners.ts';

const sizes = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 40 });
const ranks = fc.constantFrom(1, 2, 4, 8);

describe('owners', () => {
  it('share the elements: nobody holds more than an equal share and the largest weight', () => {
    fc.assert(
      fc.property(sizes, ranks, (elements, size) => {
        const owners = ownersOf(elements, size);
        const held = Array.from({ length: size }, (_, rank) => elements.reduce((sum, n, w) => sum + (owners[w] === rank ? n : 0), 0));
        const total = elements.reduce((sum, n) => sum + n, 0);
        expect(Math.max(...held)).toBeLessThanOrEqual(total / size + Math.max(...elements));
        expect(held.reduce((sum, n) => sum + n, 0)).toBe(total);
      }),
    );
  });
});

describe('rounds', () => {
  it('hold every element once, of each rank its own weights in order, and at most so many', () => {
    fc.assert(
      fc.property(sizes, ranks, fc.integer({ min: 1, max: 3000 }), (elements, size, most) => {
        const owners = ownersOf(elements, size);
        const rounds = roundsOf(
          elements.map((n, index) => ({ index, elements: n, owner: owners[index] })),
          size,
          most,
        );
        for (const round of rounds) {
          expect(round).toHaveLength(size);
          for (const pieces of round) expect(pieces.reduce((sum, { size: n }) => sum + n, 0)).toBeLessThanOrEqual(most);
        }
        const seen = elements.map(() => 0);
        rounds.forEach((round) =>
          round.forEach((pieces, rank) =>
            pieces.forEach(({ index, from, size: n }) => {
              expect(owners[index]).toBe(rank);
              expect(from).toBe(seen[index]);
              seen[index] += n;
            }),
          ),
        );
        expect(seen).toEqual(elements);
      }),
    );
  });
});
