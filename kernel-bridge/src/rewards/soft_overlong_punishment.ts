import Type from 'typebox';
import type { RewardDefinition } from './types.ts';

/** DAPO eq. 13, as trl.rewards.get_soft_overlong_punishment. Lengths in tokens. */
export const softOverlongPunishment: RewardDefinition = {
  name: 'soft_overlong_punishment',
  description: '0 up to max_completion_len - soft_punish_cache tokens, then falling linearly to -1 at max_completion_len.',
  formula:
    '0 where n <= L - c; (L - c - n) / c where L - c < n <= L; -1 where n > L, with n tokens, L max_completion_len, c soft_punish_cache',
  known_failure: 'It punishes length alone: a policy that stops in the middle of its answer is safe from it.',
  range: [-1, 0],
  parameters: Type.Object({
    max_completion_len: Type.Integer({
      minimum: 1,
      title: 'Longest completion',
      description: "L; the run's max_completion_length where it is left out.",
      unit: 'tokens',
    }),
    soft_punish_cache: Type.Integer({
      minimum: 0,
      title: 'Punished before it',
      description: 'c: tokens before L over which the punishment grows; a fifth of max_completion_length where it is left out, as in DAPO.',
      unit: 'tokens',
    }),
  }),
  fallbacks: ({ maxCompletionLength }) => ({
    max_completion_len: maxCompletionLength,
    soft_punish_cache: Math.max(1, Math.floor(maxCompletionLength / 5)),
  }),
  create: (_, parameters) => {
    const { max_completion_len: longest, soft_punish_cache: cache } = parameters as Record<string, number>;
    const free = longest - cache;
    const score = (length: number): number => (length <= free ? 0 : length <= longest ? (free - length) / cache : -1);
    return (inputs) => inputs.map(({ tokenIds }) => score(tokenIds.length));
  },
};
