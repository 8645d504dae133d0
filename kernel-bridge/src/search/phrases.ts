/**
 * Phrases that a run says more often, or more rarely, in later steps than in earlier ones: stretches of one word or more, counted once a completion.
 * Completions of a group answer one question and are alike, so that the test counts them for less than as many independent ones.
 */
import type { Phrase, PhraseQuery, Phrases } from '../protocol/search.ts';
import { chiSquaredTail, designEffect, falseDiscoveryRates, likelihoodRatio, type Clustered } from '../stats/shares.ts';
import type { IndexedStep, IndexReader } from './index-reader.ts';
import { wordsOf } from './words.ts';

const WORDS = 4;
const LEAST = 5;
const FDR = 0.05;
const LIMIT = 50;
/** Completions that are read on each side: more tell little more, and cost a second for each few thousand. */
const MOST_READ = 3000;
/** Words of a completion that count: a text of a megabyte is told by its beginning. */
const MOST_WORDS = 1000;

/** Counts of one phrase on one side. */
interface Count {
  having: number;
  squaredHaving: number;
  havingBySize: number;
}
type Side = 'before' | 'after';

export function findPhrases(reader: IndexReader, query: PhraseQuery): Phrases {
  const { words = WORDS, least = LEAST, fdr = FDR, limit = LIMIT } = query;
  const steps = (['before', 'after'] as const).map((side) => reader.steps(query[side].from, query[side].to));
  const every = Math.max(1, ...steps.map((all) => Math.ceil(all.reduce((sum, { rows }) => sum + rows, 0) / MOST_READ)));
  const [before, after] = steps.map((all) => readSide(reader, thinned(all, every), words));

  const tested: Phrase[] = [];
  for (const text of new Set([...before.phrases.keys(), ...after.phrases.keys()])) {
    const [a, b] = [before.clustered(text), after.clustered(text)];
    if (a.having + b.having < least) continue;
    const effect = designEffect([a, b]);
    const test = likelihoodRatio(a.having / effect, a.documents / effect, b.having / effect, b.documents / effect);
    const odds = ({ having, documents }: Clustered): number => Math.log((having + 0.5) / (documents - having + 0.5));
    tested.push({
      ...{ text, before: a.having, after: b.having, log_odds: odds(b) - odds(a) },
      ...{ design_effect: effect, p: chiSquaredTail(test), q: 1 },
    });
  }
  const rates = falseDiscoveryRates(tested.map(({ p }) => p));
  tested.forEach((phrase, at) => (phrase.q = rates[at]));
  const found = tested.filter(({ q }) => q <= fdr);
  const told = (side: Side): Phrase[] =>
    longest(found.filter(({ log_odds }) => (side === 'after' ? log_odds > 0 : log_odds < 0)).toSorted(strongestFirst)).slice(0, limit);
  return {
    ...{ grew: told('after'), vanished: told('before'), tested: tested.length, found: found.length },
    ...{ before: before.size, after: after.size, every },
  };
}

/** As many steps as one in `every`, evenly spread, the first among them. */
const thinned = (steps: readonly IndexedStep[], every: number): IndexedStep[] => steps.filter((_, at) => at % every === 0);

const strongestFirst = (a: Phrase, b: Phrase): number =>
  a.p - b.p || Math.abs(b.log_odds) - Math.abs(a.log_odds) || b.text.length - a.text.length || (a.text < b.text ? -1 : 1);

/** A shorter phrase that is said in no other completions than a longer one of the list is a part of it, and is told by it. */
function longest(phrases: readonly Phrase[]): Phrase[] {
  const bySize = Map.groupBy(phrases, ({ before, after }) => `${before} ${after}`);
  return phrases.filter(
    (one) =>
      !bySize
        .get(`${one.before} ${one.after}`)!
        .some((other) => other.text.length > one.text.length && ` ${other.text} `.includes(` ${one.text} `)),
  );
}

interface ReadSide {
  phrases: ReadonlyMap<string, Count>;
  size: Phrases['before'];
  clustered: (phrase: string) => Clustered;
}

function readSide(reader: IndexReader, steps: readonly IndexedStep[], words: number): ReadSide {
  const phrases = new Map<string, Count>();
  let [documents, groups, squares] = [0, 0, 0];
  for (const { step } of steps) {
    const block = reader.facts(step);
    const texts = reader.texts(step, block);
    let row = 0;
    for (const size of block.sizes) {
      const counts = new Map<string, number>();
      for (let i = 0; i < size; i++, row++)
        for (const phrase of phrasesOf(texts[row], words)) counts.set(phrase, (counts.get(phrase) ?? 0) + 1);
      for (const [phrase, having] of counts) {
        const count = phrases.get(phrase) ?? { having: 0, squaredHaving: 0, havingBySize: 0 };
        count.having += having;
        count.squaredHaving += having ** 2;
        count.havingBySize += having * size;
        phrases.set(phrase, count);
      }
      documents += size;
      squares += size ** 2;
      groups++;
    }
  }
  const none: Count = { having: 0, squaredHaving: 0, havingBySize: 0 };
  return {
    phrases,
    size: { completions: documents, groups, steps: steps.length },
    clustered: (phrase) => ({ documents, groups, squares, ...(phrases.get(phrase) ?? none) }),
  };
}

/** Every stretch of one to `most` words of a text, once. */
export function phrasesOf(text: string, most: number): Set<string> {
  const words = wordsOf(text.slice(0, MOST_WORDS * 40))
    .slice(0, MOST_WORDS)
    .map(({ word }) => word);
  const found = new Set<string>();
  for (let at = 0; at < words.length; at++) {
    let phrase = '';
    for (let size = 1; size <= most && at + size <= words.length; size++) {
      phrase = size === 1 ? words[at] : `${phrase} ${words[at + size - 1]}`;
      found.add(phrase);
    }
  }
  return found;
}
