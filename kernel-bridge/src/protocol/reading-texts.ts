/** Readings in words. Without a schema, so that pages load no more than they need. */
import type { ReadingName } from './readings.ts';

/** What each takes for the answer, for people. */
export const READING_TEXTS: Record<ReadingName, string> = {
  exact:
    "the text of the first answer tag, or the whole completion where there is none, is the letter alone, as Med-R1's accuracy reward reads it",
  strict: "the first answer tag that holds one word, as Med-R1's evaluation scripts read it",
  bare: "the whole completion is the letter alone, as Med-R1's zero-shot script reads it",
  tolerant: 'as a person would read it: "c", "C) CT", the text of an option',
};
