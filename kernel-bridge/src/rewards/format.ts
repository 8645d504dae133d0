import type { Variant } from '../protocol/index.ts';
import { PYTHON_SPACE } from './parse.ts';
import type { RewardDefinition } from './types.ts';

/** What a tag may hold: anything but one of the four tags, so that each stands exactly once. */
const BODY = '(?:(?!</?(?:think|answer)>)[\\s\\S])*';
const THINK = `<think>${BODY}</think>`;
const ANSWER = `<answer>${BODY}</answer>`;
const PATTERNS: Record<Variant, RegExp> = {
  think: new RegExp(`^${THINK}${PYTHON_SPACE}*${ANSWER}$`),
  'no-think': new RegExp(`^${PYTHON_SPACE}*${ANSWER}$`),
  'think-after': new RegExp(`^${PYTHON_SPACE}*${ANSWER}${PYTHON_SPACE}*${THINK}$`),
};

/**
 * Med-R1's format reward with one departure: each tag exactly once. The published expression (`format_published`) also lets a
 * completion repeat its tags, which a policy finds and keeps.
 */
export const format: RewardDefinition = {
  name: 'format',
  description: "1 when the completion is the variant's tags, each exactly once, and nothing else; else 0.",
  range: [0, 1],
  parameters: [],
  create:
    ({ variant }) =>
    (inputs) =>
      inputs.map(({ completion }) => (PATTERNS[variant].test(completion) ? 1 : 0)),
};
