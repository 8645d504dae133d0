/** What is known of a completion beyond what the trainer stored: whether it repeats itself or contradicts itself, and a short sketch of its words. */
import { readAnswer, splitCompletion } from '../answers/index.ts';
import { joined } from './stretches.ts';
import { MOST_WORDS, wordHashes } from './words.ts';

/** Bits of a completion's `flags`. */
export const FLAG = { repeats: 1, 'no-answer': 2, 'think-disagrees': 4 } as const;

/** Stretches of four words that a text must have before it can be said to repeat itself. */
const LEAST_STRETCHES = 16;
/** Share of four-word stretches that were said before: seq-rep-4 of Welleck et al. 2020 (arXiv 1908.04319). */
const MOST_REPEATED = 0.5;

export interface Said {
  text: string;
  prediction: string | null;
  options: readonly string[];
  /** The prompt ends in <think>. */
  thinkOpen: boolean;
}

/** `words`: as wordHashes has them. */
export function factsOf({ text, prediction, options, thinkOpen }: Said): { flags: number; sketch: Uint8Array; words: Uint32Array } {
  const hashes = wordHashes(text, MOST_WORDS);
  let flags = 0;
  if (repeats(hashes)) flags |= FLAG.repeats;
  if (prediction === null) flags |= FLAG['no-answer'];
  else if (thinkDisagrees({ text, prediction, options, thinkOpen })) flags |= FLAG['think-disagrees'];
  return { flags, sketch: sketchOf(hashes), words: hashes };
}

function repeats(words: Uint32Array): boolean {
  const stretches = words.length - 3;
  if (stretches < LEAST_STRETCHES) return false;
  const seen = new Set<number>();
  for (let at = 0; at < stretches; at++) seen.add(joined(words, at, 4));
  return 1 - seen.size / stretches >= MOST_REPEATED;
}

/** The reasoning names one option, as a person would read it, and the answer is another. */
function thinkDisagrees({ text, prediction, options, thinkOpen }: Said): boolean {
  const think = splitCompletion(text, { thinkOpen }).find(({ kind }) => kind === 'think');
  if (!think || !mayName(think.text, options)) return false;
  const named = readAnswer('tolerant', think.text, options);
  return named !== null && named !== prediction;
}

const ASCII = /^[\x00-\x7f]*$/;
/** Words by which a letter is announced, and spaces that an option's text may be written with. */
const SIGNS = ['answer', 'option', 'choice', 'boxed', '  ', '\n', '\t'];
const LETTER_FIRST = /^[^A-Za-z0-9_]*[A-Za-z]\s*(?:[^A-Za-z0-9_\s]|$)/;

/** False where the reading surely names nothing: most reasoning mentions no option, and a look is a tenth of a reading. */
function mayName(text: string, options: readonly string[]): boolean {
  if (!ASCII.test(text) || LETTER_FIRST.test(text)) return true;
  const plain = text.toLowerCase();
  if (SIGNS.some((sign) => plain.includes(sign))) return true;
  return options.some((option) => {
    const wanted = option.toLowerCase().trim();
    return wanted !== '' && (!ASCII.test(option) || plain.includes(wanted.replace(/\s+/g, ' ').replace(/[. ]+$/, '')));
  });
}

/** Bytes of a sketch. */
export const SKETCH = 8;
/** Words of a stretch that sketches compare. */
const STRETCH = 3;
const MULTIPLIERS = [0x9e3779b1, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f, 0x165667b1, 0xd3a2646d, 0xfd7046c5, 0xb55a4f09];

/**
 * b-bit minhash (Li and König 2010) of the three-word stretches: two texts agree in about as many of its bytes as their sets of stretches overlap (Jaccard).
 */
export function sketchOf(words: Uint32Array): Uint8Array {
  const least = new Uint32Array(SKETCH).fill(0xffffffff);
  const stretches = Math.max(1, words.length - STRETCH + 1);
  for (let at = 0; at < stretches; at++) {
    const hash = joined(words, at, Math.min(STRETCH, words.length));
    for (let k = 0; k < SKETCH; k++) {
      let value = Math.imul(hash ^ (hash >>> 15), MULTIPLIERS[k]);
      value = (value ^ (value >>> 13)) >>> 0;
      if (value < least[k]) least[k] = value;
    }
  }
  return Uint8Array.from(least, (value) => value & 0xff);
}

/** Sketch of a text to compare with. */
export const textSketch = (text: string): Uint8Array => sketchOf(wordHashes(text, MOST_WORDS));

/** The three-word stretches of a text, as numbers. */
export const stretchesOf = (text: string): Set<number> => stretchSet(wordHashes(text, MOST_WORDS));

/** Jaccard index of two sets of stretches, 0 to 1. */
export function overlap(a: ReadonlySet<number>, b: ReadonlySet<number>): number {
  let both = 0;
  for (const hash of a) if (b.has(hash)) both++;
  const either = a.size + b.size - both;
  return either === 0 ? 1 : both / either;
}

/** Whether a text shares at least so much with these stretches (Jaccard). What differs too much is not read to its end. */
export function isAlike(text: string, wanted: ReadonlySet<number>, least: number): boolean {
  const words = wordHashes(text, MOST_WORDS);
  const size = Math.min(STRETCH, words.length);
  const most = (wanted.size * (1 - least)) / least;
  const seen = new Set<number>();
  let both = 0;
  for (let at = 0; at < Math.max(1, words.length - STRETCH + 1); at++) {
    const stretch = joined(words, at, size);
    if (seen.has(stretch)) continue;
    seen.add(stretch);
    if (wanted.has(stretch)) both++;
    else if (seen.size - both > most) return false;
  }
  return both / (wanted.size + seen.size - both) >= least;
}

function stretchSet(words: Uint32Array): Set<number> {
  const size = Math.min(STRETCH, words.length);
  return new Set(Array.from({ length: Math.max(1, words.length - STRETCH + 1) }, (_, at) => joined(words, at, size)));
}
