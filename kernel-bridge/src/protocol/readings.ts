/** The rules by which an answer is read out of a completion, by name. `src/answers` reads by them; every verdict says which one it is under. */
import Type from 'typebox';

export const READING_NAMES = ['exact', 'strict', 'bare', 'tolerant'] as const;
export type ReadingName = (typeof READING_NAMES)[number];
export const ReadingName = Type.Unsafe<ReadingName>(Type.String({ enum: [...READING_NAMES] }));

/**
 * By which reading the completions of a run count as right: that of its accuracy reward, so that verdict and reward agree; `exact` for a
 * run without one. By the functions that its configuration names.
 */
export function runReading({ reward_funcs }: { reward_funcs: readonly string[] }): ReadingName {
  return !reward_funcs.includes('accuracy') && reward_funcs.includes('accuracy_tolerant') ? 'tolerant' : 'exact';
}
