/**
 * Stretches of two and three neighbouring words, as numbers, and which of them the completions of a step say, as a Bloom filter (Bloom 1970). A phrase that a
 * step does not say, or a text that shares too little with it, is known without reading the step's texts.
 */
import { MOST_WORDS, wordHash } from './words.ts';
import type { WordQuery } from './words.ts';

/** Bits of the filter for each stretch; with two of them set, 5 of 100 stretches that are not there seem to be. */
const BITS = 8;
const [FIRST, SECOND] = [0x9e3779b1, 0x85ebca6b];

/** Of `count` words from place `at` on. */
export function joined(words: Uint32Array, at: number, count: number): number {
  let hash = START;
  for (let i = at; i < at + count; i++) hash = longer(hash, words[i]);
  return hash >>> 0;
}

const START = 0x811c9dc5;
const longer = (hash: number, word: number): number => Math.imul(hash ^ word, 0x01000193) ^ (word >>> 16);

/** `said`: the words of each completion, as wordHashes has them. Null where one has more words than are read, so that the filter would miss some. */
export function stretchFilter(said: readonly Uint32Array[]): Uint8Array | null {
  if (said.some((words) => words.length >= MOST_WORDS)) return null;
  const all = distinct(said);
  const filter = new Uint8Array(Math.max(1, Math.ceil((all.length * BITS) / 8)));
  const bits = filter.length * 8;
  for (const stretch of all) {
    for (const bit of [place(stretch, FIRST, bits), place(stretch, SECOND, bits)]) filter[bit >> 3] |= 1 << (bit & 7);
  }
  return filter;
}

function place(stretch: number, multiplier: number, bits: number): number {
  const value = Math.imul(stretch ^ (stretch >>> 15), multiplier);
  return ((value ^ (value >>> 13)) >>> 0) % bits;
}

/** False where the step surely does not say it. */
export function maySay(filter: Uint8Array, stretch: number): boolean {
  const bits = filter.length * 8;
  const isSet = (bit: number): boolean => (filter[bit >> 3] & (1 << (bit & 7))) !== 0;
  return isSet(place(stretch, FIRST, bits)) && isSet(place(stretch, SECOND, bits));
}

/** Each stretch once, by an open hash table: a Set of them takes four times as long. */
function distinct(said: readonly Uint32Array[]): Uint32Array {
  const most = said.reduce((sum, words) => sum + 2 * words.length, 0);
  const table = new Uint32Array(1 << Math.ceil(Math.log2(2 * most + 2))); // 0 = free; a stretch of the number 0 is kept as 1
  const found = new Uint32Array(most);
  let count = 0;
  const add = (stretch: number): void => {
    const key = stretch === 0 ? 1 : stretch;
    let at = key & (table.length - 1);
    while (table[at] !== 0 && table[at] !== key) at = (at + 1) & (table.length - 1);
    if (table[at] === key) return;
    table[at] = key;
    found[count++] = stretch;
  };
  for (const words of said) {
    for (let at = 0; at + 1 < words.length; at++) {
      const pair = longer(longer(START, words[at]), words[at + 1]);
      add(pair >>> 0);
      if (at + 2 < words.length) add(longer(pair, words[at + 2]) >>> 0);
    }
  }
  return found.subarray(0, count);
}

/** Whether a step's filter lets its texts hold what is looked for. */
export type FilterTest = (filter: Uint8Array) => boolean;

/** Of each list of phrases one at least must be there with all its stretches. Null where no filter can tell. */
export function phraseFilter({ all }: WordQuery): FilterTest | null {
  const lists = all
    .map((phrases) =>
      phrases.map(({ words, prefix }) => {
        const whole = Uint32Array.from(prefix ? words.slice(0, -1) : words, wordHash); // the last word of "optic dis*" may be many
        return [2, 3].flatMap((count) =>
          Array.from({ length: Math.max(0, whole.length - count + 1) }, (_, at) => joined(whole, at, count)),
        );
      }),
    )
    .filter((phrases) => phrases.every((stretches) => stretches.length > 0));
  if (lists.length === 0) return null;
  return (filter) => lists.every((phrases) => phrases.some((stretches) => stretches.every((stretch) => maySay(filter, stretch))));
}

/** A text that shares the part `least` of all stretches with these shares at least that part of these. Null where no filter can tell. */
export function alikeFilter(wanted: ReadonlySet<number>, words: number, least: number): FilterTest | null {
  if (words < 2) return null;
  const stretches = [...wanted];
  const needed = Math.ceil(least * stretches.length - 1e-9);
  return (filter) => {
    let held = 0;
    for (const [at, stretch] of stretches.entries()) {
      if (held + stretches.length - at < needed) return false;
      if (maySay(filter, stretch)) held++;
    }
    return held >= needed;
  };
}
