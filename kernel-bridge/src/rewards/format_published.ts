import { isWellFormedAsPublished } from '../answers/index.ts';
import { NONE, type RewardDefinition } from './types.ts';

/** Med-R1's format reward as published: content is not looked at, repeated tags pass. */
export const formatPublished: RewardDefinition = {
  name: 'format_published',
  description: "1 when the completion matches Med-R1's published expression, which lets tags repeat; else 0.",
  formula: "1 where the completion matches Med-R1's published expression, else 0",
  known_failure: 'Tags may repeat: a policy can write many answers and keep the reward.',
  range: [0, 1],
  parameters: NONE,
  create:
    ({ variant }) =>
    (inputs) =>
      inputs.map(({ completion }) => (isWellFormedAsPublished(variant, completion) ? 1 : 0)),
};
