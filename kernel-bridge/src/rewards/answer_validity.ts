import Type from 'typebox';
import { choicesOf, readAnswer } from '../answers/index.ts';
import type { RewardDefinition } from './types.ts';

/** Ours: the step before accuracy, for a policy that does not answer the question at all yet. */
export const answerValidity: RewardDefinition = {
  name: 'answer_validity',
  description: "1 when an answer can be read that is one of the question's options, right or wrong; else 0.",
  formula: '1 where the answer that reading gives is the letter of an option, else 0; null where the question has no options',
  known_failure: 'Any letter earns it: a policy may answer A for ever. It should end once answers can be read.',
  range: [0, 1],
  parameters: Type.Object({
    reading: Type.Unsafe<string>(
      Type.String({
        enum: ['tolerant', 'exact'],
        default: 'tolerant',
        title: 'Reading',
        description: 'tolerant: what a person would read ("c", "C) CT"); exact: the letter alone in its tag.',
      }),
    ),
  }),
  create:
    (_, { reading }) =>
    (inputs) =>
      inputs.map(({ completion, item }) => {
        const letters = choicesOf(item.options).map(({ letter }) => letter);
        if (letters.length === 0) return null;
        const read = readAnswer(reading === 'exact' ? 'exact' : 'tolerant', completion, item.options);
        return read !== null && letters.includes(read) ? 1 : 0;
      }),
};
