import { isWellFormedAsPublished } from '../answers/index.ts';
import type { RewardDefinition } from './types.ts';

/** Med-R1's format reward as published: content is not looked at, repeated tags pass. */
export const formatPublished: RewardDefinition = {
  name: 'format_published',
  description: "1 when the completion matches Med-R1's published expression, which lets tags repeat; else 0.",
  range: [0, 1],
  parameters: [],
  create:
    ({ variant }) =>
    (inputs) =>
      inputs.map(({ completion }) => (isWellFormedAsPublished(variant, completion) ? 1 : 0)),
};
