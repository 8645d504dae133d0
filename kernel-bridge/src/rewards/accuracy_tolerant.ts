import { verdict } from '../answers/index.ts';
import type { RewardDefinition } from './types.ts';

/** Ours: rewards the meaning, not the form; use it beside `format` when the strict reading starves the run of signal. */
export const accuracyTolerant: RewardDefinition = {
  name: 'accuracy_tolerant',
  description: '1 when the answer means the right option ("c", "C) CT", the option\'s own text), else 0.',
  range: [0, 1],
  parameters: [],
  create: () => (inputs) =>
    inputs.map(({ completion, item }) => {
      const { correct } = verdict('tolerant', completion, item);
      return correct === null ? null : Number(correct);
    }),
};
