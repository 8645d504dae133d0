import { NONE, type RewardDefinition } from './types.ts';

/** trl.rewards.think_format_reward: it looks at the reasoning alone, whatever follows it. */
const PATTERN = /^<think>(?!.*<think>).*?<\/think>/s;

export const thinkFormat: RewardDefinition = {
  name: 'think_format',
  description: '1 when the completion begins with one think tag that is closed, whatever follows it; else 0.',
  formula: '1 where ^<think>(?!.*<think>)(.*?)</think>.*$ matches, else 0; as trl.rewards.think_format_reward',
  known_failure: 'An empty tag earns it, and so does a completion without an answer.',
  range: [0, 1],
  parameters: NONE,
  create: () => (inputs) => inputs.map(({ completion }) => (PATTERN.test(completion) ? 1 : 0)),
};
