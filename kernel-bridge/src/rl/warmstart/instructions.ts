import { PROMPTS } from '../../answers/index.ts';
import type { Variant } from '../../protocol/index.ts';

/**
 * The instruction sentences that may follow a question, in Med-R1's words, and how the tiny model replies to each.
 * `weight`: the share within its variant. Evaluation asks in other words than training does, as Med-R1's does.
 */
export interface Instruction {
  text: string;
  variant: Variant;
  weight: number;
}

const bare = (template: string) => template.replace('{question} ', '');

/** What Med-R1's README tells its readers to ask. */
const README_PROMPT = 'First output the thinking process in <think> </think> and final choice (A, B, C, D ...) in <answer> </answer> tags.';

export const INSTRUCTIONS: readonly Instruction[] = [
  { text: bare(PROMPTS.think.train), variant: 'think', weight: 0.8 },
  { text: bare(PROMPTS.think.eval), variant: 'think', weight: 0.15 },
  { text: README_PROMPT, variant: 'think', weight: 0.05 },
  { text: bare(PROMPTS['no-think'].train), variant: 'no-think', weight: 0.85 },
  { text: bare(PROMPTS['no-think'].eval), variant: 'no-think', weight: 0.15 },
  { text: bare(PROMPTS['think-after'].train), variant: 'think-after', weight: 0.85 },
  { text: bare(PROMPTS['think-after'].eval), variant: 'think-after', weight: 0.15 },
];
