import Type from 'typebox';
import { verdict } from '../answers/index.ts';
import type { RewardDefinition } from './types.ts';

/**
 * Ours: in OmniMedVQA the texts of the options give most answers away (data/prior.ts). A right answer counts the more, the less its option is what
 * they suggest, so that what is left to earn is what the image shows.
 */
export const accuracyPrior: RewardDefinition = {
  name: 'accuracy_prior',
  description: 'As accuracy_tolerant, but a right answer counts the less, the likelier its option is by the texts of the options alone.',
  formula:
    '1 - strength * p where the answer is right, else 0, with p = P(option is right | its text) over the sum of that of all options, learnt from the other training questions; null where the question has no answer or no prior is known',
  known_failure:
    'Where nearly every answer follows from the options, little is left to earn, and the run learns slowly: keep accuracy beside it.',
  range: [0, 1],
  parameters: Type.Object({
    strength: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 1,
      title: 'Strength',
      description: 'How much of the prior is taken off; 0 is plain accuracy.',
    }),
  }),
  create:
    (context, { strength }) =>
    (inputs) =>
      inputs.map(({ completion, item }) => {
        const { correct } = verdict('tolerant', completion, item);
        const chance = context.optionChance?.(item) ?? null;
        if (correct === null || chance === null) return null;
        return correct ? 1 - Number(strength) * chance : 0;
      }),
};
