import type { Variant } from '../protocol/index.ts';
import { PYTHON_SPACE as S } from './parse.ts';
import type { RewardDefinition } from './types.ts';

const THINK = '<think>[\\s\\S]*?</think>';
const ANSWER = '<answer>[\\s\\S]*?</answer>';

/** re.fullmatch(..., re.DOTALL) of grpo_vqa.py and grpo_vqa_nothink.py; think-after is ours in their manner. */
const PATTERNS: Record<Variant, RegExp> = {
  think: new RegExp(`^${THINK}${S}*${ANSWER}$`),
  'no-think': new RegExp(`^${S}*${ANSWER}$`),
  'think-after': new RegExp(`^${S}*${ANSWER}${S}*${THINK}$`),
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
