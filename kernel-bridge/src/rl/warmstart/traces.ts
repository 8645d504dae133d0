import { formatSolution, inTags } from '../../answers/index.ts';
import type { Variant } from '../../protocol/index.ts';
import { FINDINGS, PLACE_NAMES, QUESTION_TYPES, SIZE_NAMES } from '../../data/sample/world.ts';
import type { Scene } from '../../data/sample/world.ts';

/** What the tiny model learns to say. */

export function describe({ modality, anatomy, lesion }: Scene): string {
  const seen = lesion
    ? `a ${lesion.size} ${FINDINGS[lesion.finding].colour} ${FINDINGS[lesion.finding].shape} at the ${lesion.place}`
    : 'no lesion';
  return `This ${modality} image shows the ${anatomy} with ${seen}.`;
}

/** The option's text stands just before its letter: naming it first is what lets so small a model find the letter. */
export const choice = (text: string, letter: string): string => ` (${text} ${letter}).`;
export const conclude = (text: string, letter: string): string => `So the answer is${choice(text, letter)}`;

export function reply(variant: Variant, seen: string, option: string, letter: string, finalLetter = letter): string {
  const thought = inTags('think', `${seen} ${conclude(option, letter)}`);
  if (variant === 'no-think') return formatSolution(finalLetter);
  return variant === 'think' ? thought + formatSolution(finalLetter) : formatSolution(finalLetter) + thought;
}

/** The words by which one trace differs from another: what is seen, and the options. */
export const CONTENT_WORDS: readonly string[] = [
  ...Object.values(QUESTION_TYPES).flatMap((type) => [...type.pool] as string[]),
  ...Object.values(FINDINGS).flatMap(({ colour, shape }) => [colour, shape]),
  ...SIZE_NAMES,
  ...PLACE_NAMES,
  'no',
];
