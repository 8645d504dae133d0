import Type from 'typebox';
import type { RewardDefinition } from './types.ts';

/** trl.rewards.get_repetition_penalty_reward, of "Demystifying Long Chain-of-Thought Reasoning" (arXiv 2502.03373), appendix C.2. */
export const repetitionPenalty: RewardDefinition = {
  name: 'repetition_penalty',
  description: '0 where no n-gram of tokens repeats, down to max_penalty where all are one.',
  formula: '(1 - u / m) * max_penalty, with m n-grams of ngram_size tokens, u of them different; 0 below ngram_size tokens',
  known_failure:
    'A loop that is longer than n-grams are many, or that changes a token each time, is seen in part; short completions are safe from it.',
  range: [-1, 0],
  parameters: Type.Object({
    ngram_size: Type.Integer({
      minimum: 1,
      maximum: 64,
      default: 3,
      title: 'Tokens of an n-gram',
      description: 'How many tokens in a row must come again.',
      unit: 'tokens',
    }),
    max_penalty: Type.Number({
      maximum: 0,
      default: -1,
      title: 'Largest penalty',
      description: 'For a completion that is one n-gram over and over.',
    }),
  }),
  create: (_, parameters) => {
    const { ngram_size: size, max_penalty: most } = parameters as Record<string, number>;
    return (inputs) =>
      inputs.map(({ tokenIds }) => {
        const count = tokenIds.length - size + 1;
        if (count < 1) return 0;
        const different = new Set(Array.from({ length: count }, (_, at) => tokenIds.slice(at, at + size).join(' ')));
        const repeated = 1 - different.size / count;
        return repeated === 0 ? 0 : repeated * most;
      });
  },
};
