import { below, pick, shuffled } from '../../stats/random.ts';
import type { Random } from '../../stats/random.ts';
import { QUESTION_TYPES } from './world.ts';
import type { QuestionType, Scene } from './world.ts';

/** Options that a question of the made sample has at most. */
export const MOST_OPTIONS = 4;

export interface Question {
  type: QuestionType;
  text: string;
  options: string[];
  /** The right option's index. */
  answer: number;
}

/**
 * Asks one question of a type about a scene; null where it makes no sense (the place of no lesion).
 * Over all questions the option texts tell nothing: distractors are uniform over the pool the answers come from, positions are shuffled.
 * Of a hundred questions three have two options and three have three, as some of OmniMedVQA's.
 */
export function ask(rng: Random, type: QuestionType, scene: Scene): Question | null {
  const { ask: phrases, pool, answer } = QUESTION_TYPES[type];
  const right = answer(scene);
  if (right === null) return null;
  const roll = below(rng, 100);
  const count = roll < 3 ? 2 : roll < 6 ? 3 : MOST_OPTIONS;
  const distractors = shuffled(
    rng,
    (pool as readonly string[]).filter((text) => text !== right),
  ).slice(0, count - 1);
  const options = shuffled(rng, [right, ...distractors]);
  return { type, text: pick(rng, phrases), options, answer: options.indexOf(right) };
}
