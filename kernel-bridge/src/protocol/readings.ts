/** The rules by which an answer is read out of a completion, by name. `src/answers` reads by them; every verdict says which one it is under. */
import Type from 'typebox';

export const READING_NAMES = ['exact', 'strict', 'bare', 'tolerant'] as const;
export type ReadingName = (typeof READING_NAMES)[number];
export const ReadingName = Type.Unsafe<ReadingName>(Type.String({ enum: [...READING_NAMES] }));

/** What each takes for the answer, for people. */
export const READING_TEXTS: Record<ReadingName, string> = {
  exact:
    "the text of the first answer tag, or the whole completion where there is none, is the letter alone, as Med-R1's accuracy reward reads it",
  strict: "the first answer tag that holds one word, as Med-R1's evaluation scripts read it",
  bare: "the whole completion is the letter alone, as Med-R1's zero-shot script reads it",
  tolerant: 'as a person would read it: "c", "C) CT", the text of an option',
};

/**
 * By which reading the completions of a run count as right: that of its accuracy reward, so that verdict and reward agree; `exact` for a
 * run without one. By the functions that its configuration names.
 */
export function runReading({ reward_funcs }: { reward_funcs: readonly string[] }): ReadingName {
  return !reward_funcs.includes('accuracy') && reward_funcs.includes('accuracy_tolerant') ? 'tolerant' : 'exact';
}
