import { isWellFormed } from '../answers/index.ts';
import { NONE, type RewardDefinition } from './types.ts';

/**
 * Med-R1's format reward with one departure: each tag exactly once. The published expression (`format_published`) also lets a
 * completion repeat its tags, which a policy finds and keeps.
 */
export const format: RewardDefinition = {
  name: 'format',
  description: "1 when the completion is the variant's tags, each exactly once, and nothing else; else 0.",
  formula: "1 where the completion is the variant's tags, each exactly once, and nothing else; else 0",
  known_failure: 'Tags around nothing earn it: it is saturated long before anything is learnt of medicine.',
  range: [0, 1],
  parameters: NONE,
  create:
    ({ variant }) =>
    (inputs) =>
      inputs.map(({ completion }) => (isWellFormed(variant, completion) ? 1 : 0)),
};
