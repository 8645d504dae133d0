import Type from 'typebox';
import type { RewardDefinition } from './types.ts';

/** Ours: a length to aim at from both sides, where soft_overlong_punishment knows one side alone. */
export const lengthBand: RewardDefinition = {
  name: 'length_band',
  description: '1 for a completion of low to high tokens, falling linearly to 0 over slope tokens on both sides.',
  formula: 'max(0, 1 - d / slope), with d tokens outside low to high, 0 inside',
  known_failure: 'It pays for length whatever is said: a policy pads its reasoning up to low. Keep its weight below that of accuracy.',
  range: [0, 1],
  parameters: Type.Object({
    low: Type.Integer({ minimum: 0, default: 32, title: 'Shortest', description: 'Fewest tokens that earn 1.', unit: 'tokens' }),
    high: Type.Integer({ minimum: 0, default: 128, title: 'Longest', description: 'Most tokens that earn 1.', unit: 'tokens' }),
    slope: Type.Integer({ minimum: 1, default: 32, title: 'Slope', description: 'Tokens over which it falls to 0.', unit: 'tokens' }),
  }),
  problem: ({ low, high }) => (low > high ? `has low above high (${String(low)} and ${String(high)})` : null),
  create: (_, parameters) => {
    const { low, high, slope } = parameters as Record<string, number>;
    const score = (length: number): number => Math.max(0, 1 - Math.max(low - length, length - high, 0) / slope);
    return (inputs) => inputs.map(({ tokenIds }) => score(tokenIds.length));
  },
};
