/** Which rank owns which weight, and in what rounds ranks exchange them. Numbers alone: who moves the bytes is optimizer.ts. */

/** The owner of each weight, so that ranks hold about as many elements: the largest goes to the rank that has least so far, the first of equals. */
export function ownersOf(elements: readonly number[], ranks: number): number[] {
  const held = new Array<number>(ranks).fill(0);
  const owners = new Array<number>(elements.length).fill(0);
  const bySize = elements.map((_, index) => index).toSorted((a, b) => elements[b] - elements[a] || a - b);
  for (const index of bySize) {
    const least = held.indexOf(Math.min(...held));
    owners[index] = least;
    held[least] += elements[index];
  }
  return owners;
}

/** `size` elements of weight `index`, from element `from` on. */
export interface Piece {
  index: number;
  from: number;
  size: number;
}

/**
 * Cuts the weights into rounds, [round][rank]: in each, every rank has at most `most` elements of its own weights, in their order. A rank that has
 * none left has an empty list.
 */
export function roundsOf(weights: readonly { index: number; elements: number; owner: number }[], ranks: number, most: number): Piece[][][] {
  const perRank = Array.from({ length: ranks }, (_, rank) =>
    chunks(
      weights.filter(({ owner }) => owner === rank),
      most,
    ),
  );
  const count = Math.max(0, ...perRank.map(({ length }) => length));
  return Array.from({ length: count }, (_, round) => perRank.map((own) => own[round] ?? []));
}

function chunks(weights: readonly { index: number; elements: number }[], most: number): Piece[][] {
  const out: Piece[][] = [];
  let room = 0;
  for (const { index, elements } of weights) {
    for (let from = 0; from < elements;) {
      if (room === 0) {
        out.push([]);
        room = most;
      }
      const size = Math.min(room, elements - from);
      out.at(-1)!.push({ index, from, size });
      from += size;
      room -= size;
    }
  }
  return out;
}
