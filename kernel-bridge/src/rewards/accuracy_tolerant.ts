import { verdict } from '../answers/index.ts';
import { NONE, type RewardDefinition } from './types.ts';

/** Ours: rewards the meaning, not the form; use it beside `format` when the strict reading starves the run of signal. */
export const accuracyTolerant: RewardDefinition = {
  name: 'accuracy_tolerant',
  description: '1 when the answer means the right option ("c", "C) CT", the option\'s own text), else 0.',
  formula:
    "1 where the answer that is read (a letter, a letter with its option, an option's text) is the right one, else 0; null where the question has no answer",
  known_failure: 'It says nothing of the image: where options give the answer away, guessing by their texts earns it.',
  range: [0, 1],
  parameters: NONE,
  create: () => (inputs) =>
    inputs.map(({ completion, item }) => {
      const { correct } = verdict('tolerant', completion, item);
      return correct === null ? null : Number(correct);
    }),
};
