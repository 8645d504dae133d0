/**
 * Completions that say nearly the same, as families. A completion joins the family whose first completion it shares enough three-word stretches with,
 * else it begins one; so no chain of small changes joins what is not alike. Candidates come from min-hashing (Broder 1997) in bands, and each is
 * checked by its stretches themselves.
 */
import type { Families, Family, FamilyQuery } from '../protocol/search.ts';
import type { ReadingName } from '../protocol/readings.ts';
import { CORRECT } from './block.ts';
import { overlap, stretchesOf } from './facts.ts';
import { SIMILARITY } from './filter.ts';
import { placeOf } from './find.ts';
import type { IndexReader } from './index-reader.ts';

const LIMIT = 50;
const SHOWN = 2000;
/** Of 32 bands of two hashes each, a pair that shares .3 of its stretches meets in one with probability .95, one that shares .7 surely. */
const BANDS = 32;
const ROWS = 2;
const MULTIPLIERS = Uint32Array.from({ length: BANDS * ROWS }, (_, at) => (Math.imul(at + 1, 0x9e3779b1) | 1) >>> 0);
/** Families that are looked at for one completion, the first of them first. */
const MOST_CANDIDATES = 200;

interface Growing extends Omit<Family, 'texts' | 'questions' | 'reward'> {
  stretches: ReadonlySet<number>;
  texts: Set<string>;
  items: Set<number>;
  rewards: number;
  rewarded: number;
}

/** `overdue`: the time is over; what was read until then is told. */
export function findFamilies(reader: IndexReader, query: FamilyQuery, reading: ReadingName, overdue: () => boolean): Families {
  const { similarity = SIMILARITY, limit = LIMIT } = query;
  const families: Growing[] = [];
  const bands = new Map<number, number[]>();
  /** Texts that were placed: most near-duplicates are duplicates. */
  const placed = new Map<string, Growing>();
  let completions = 0;
  let stopped: number | null = null;
  for (const { step } of reader.steps(query.from, query.to)) {
    if (overdue()) {
      stopped = step;
      break;
    }
    const block = reader.facts(step);
    const texts = reader.texts(step, block);
    let group = 0;
    let end = block.sizes[0];
    for (const [row, text] of texts.entries()) {
      while (row >= end) end += block.sizes[++group];
      let family = placed.get(text);
      if (!family) {
        const stretches = stretchesOf(text);
        const keys = bandsOf(stretches);
        family = candidates(keys, bands)
          .map((at) => families[at])
          .find((one) => overlap(one.stretches, stretches) >= similarity);
        if (!family) {
          family = begun({ run: query.run, step, ...placeOf(block, row) }, text, stretches);
          for (const key of keys) bands.set(key, [...(bands.get(key) ?? []), families.length]);
          families.push(family);
        }
        placed.set(text, family);
      }
      completions++;
      family.completions++;
      family.texts.add(text);
      family.items.add(block.items[group]);
      family.to = step;
      if (block.correct[row] !== CORRECT.unknown) family.judged++;
      if (block.correct[row] === CORRECT.right) family.right++;
      if (!Number.isNaN(block.reward[row])) {
        family.rewards += block.reward[row];
        family.rewarded++;
      }
    }
  }
  const several = families.filter((family) => family.completions > 1).toSorted((a, b) => b.completions - a.completions);
  return {
    families: several.slice(0, limit).map(told),
    ...{ total: several.length, alone: families.length - several.length, completions, reading, stopped_at: stopped },
  };
}

function begun(first: Family['first'], text: string, stretches: ReadonlySet<number>): Growing {
  const { step } = first;
  const counts = { completions: 0, judged: 0, right: 0, rewards: 0, rewarded: 0 };
  return { first, text: text.slice(0, SHOWN), stretches, from: step, to: step, texts: new Set(), items: new Set(), ...counts };
}

function told({ first, text, completions, texts, items, from, to, judged, right, rewards, rewarded }: Growing): Family {
  const reward = rewarded === 0 ? null : rewards / rewarded;
  return { first, text, completions, texts: texts.size, questions: items.size, from, to, judged, right, reward };
}

/** One number for each band; equal numbers make two texts candidates. */
function bandsOf(stretches: ReadonlySet<number>): number[] {
  const least = new Uint32Array(BANDS * ROWS).fill(0xffffffff);
  for (const stretch of stretches)
    for (let k = 0; k < least.length; k++) {
      let hash = Math.imul(stretch ^ (stretch >>> 15), MULTIPLIERS[k]);
      hash = (hash ^ (hash >>> 13)) >>> 0;
      if (hash < least[k]) least[k] = hash;
    }
  return Array.from({ length: BANDS }, (_, band) => {
    const [a, b] = [least[band * ROWS], least[band * ROWS + 1]];
    return (Math.imul(a, 0x85ebca6b) ^ b) * BANDS + band;
  });
}

function candidates(keys: readonly number[], bands: ReadonlyMap<number, number[]>): number[] {
  const found = new Set<number>();
  for (const key of keys) for (const at of bands.get(key) ?? []) found.add(at);
  return [...found].sort((a, b) => a - b).slice(0, MOST_CANDIDATES);
}
