import type { Variant } from '../protocol/index.ts';
import type { RewardDefinition } from './types.ts';

/** re.fullmatch(..., re.DOTALL) of grpo_vqa.py and grpo_vqa_nothink.py; think-after is ours in their manner. */
const PATTERNS: Record<Variant, RegExp> = {
  think: /^<think>[\s\S]*?<\/think>\s*<answer>[\s\S]*?<\/answer>$/,
  'no-think': /^\s*<answer>[\s\S]*?<\/answer>$/,
  'think-after': /^\s*<answer>[\s\S]*?<\/answer>\s*<think>[\s\S]*?<\/think>$/,
};

/** Med-R1's format reward as published: content is not looked at, repeated tags pass. */
export const formatPublished: RewardDefinition = {
  name: 'format_published',
  description: "1 when the completion matches Med-R1's published expression, which lets tags repeat; else 0.",
  range: [0, 1],
  parameters: [],
  create:
    ({ variant }) =>
    (inputs) =>
      inputs.map(({ completion }) => (PATTERNS[variant].test(completion) ? 1 : 0)),
};
