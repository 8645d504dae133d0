import type { RewardDefinition } from './types.ts';

/** DAPO eq. 13, as trl.rewards.get_soft_overlong_punishment. Lengths in tokens. */
export const softOverlongPunishment: RewardDefinition = {
  name: 'soft_overlong_punishment',
  description: '0 up to max_completion_len - soft_punish_cache tokens, then falling linearly to -1 at max_completion_len.',
  range: [-1, 0],
  parameters: [
    { name: 'max_completion_len', description: 'Longest completion, in tokens.', fallback: (run) => run.maxCompletionLength },
    {
      name: 'soft_punish_cache',
      description: 'Tokens before the longest length over which the punishment grows; a fifth of it, as in DAPO.',
      fallback: (run) => Math.max(1, Math.floor(run.maxCompletionLength / 5)),
    },
  ],
  create: (_, { max_completion_len: longest, soft_punish_cache: cache }) => {
    const free = longest - cache;
    const score = (length: number): number => (length <= free ? 0 : length <= longest ? (free - length) / cache : -1);
    return (inputs) => inputs.map(({ tokenIds }) => score(tokenIds.length));
  },
};
