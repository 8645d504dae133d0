import { exactText } from '../answers/index.ts';
import { NONE, type RewardDefinition } from './types.ts';

/**
 * Med-R1's accuracy reward. Its script tries math_verify first, which never fires on letters, so what counts is string
 * equality; a bare "C" without tags earns 1, a line break inside the tag, "C) CT", "c" and "C." earn 0.
 */
export const accuracy: RewardDefinition = {
  name: 'accuracy',
  description:
    '1 when the answer tag holds exactly the right letter, else 0; the whole completion counts as the answer when it has no tag.',
  formula:
    '1 where the text of the answer tag (the whole completion where it has no tag) is the right letter, else 0; null where the question has no answer',
  known_failure: 'A right answer in another form ("c", "C) CT") earns nothing, so a run may starve before it learns the form.',
  range: [0, 1],
  parameters: NONE,
  create: () => (inputs) =>
    inputs.map(({ completion, item }) => (item.answer === null ? null : exactText(completion) === item.answer ? 1 : 0)),
};
