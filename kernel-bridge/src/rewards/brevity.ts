import Type from 'typebox';
import { verdict } from '../answers/index.ts';
import { thinkOf, wordsOf } from './think.ts';
import type { RewardDefinition } from './types.ts';

/** Ours, in the manner of the length rewards of "Kimi k1.5" (arXiv 2501.12599, section 2.3.3): short reasoning counts where the answer is right. */
export const brevity: RewardDefinition = {
  name: 'brevity',
  description: '1 for a right answer after no reasoning, falling linearly to 0 at limit words; a wrong answer earns 0.',
  formula:
    'max(0, 1 - w / limit) where the answer is right, else 0 (with only_right off: whatever the answer), with w words in the think tag; null without a think tag',
  known_failure:
    'Reasoning collapses to nothing where the task can be answered without it: look at the lengths, and use a schedule that ends.',
  range: [0, 1],
  parameters: Type.Object({
    limit: Type.Integer({
      minimum: 1,
      default: 100,
      title: 'Words that earn nothing',
      description: 'Reasoning of so many words earns 0.',
      unit: 'words',
    }),
    only_right: Type.Boolean({ default: true, title: 'Right answers only', description: 'A wrong answer earns nothing, however short.' }),
  }),
  create:
    (_, { limit, only_right }) =>
    (inputs) =>
      inputs.map(({ completion, item }) => {
        const think = thinkOf(completion);
        if (think === null) return null;
        const { correct } = verdict('tolerant', completion, item);
        if (only_right === true && correct === null) return null;
        return only_right === true && correct !== true ? 0 : Math.max(0, 1 - wordsOf(think) / Number(limit));
      }),
};
