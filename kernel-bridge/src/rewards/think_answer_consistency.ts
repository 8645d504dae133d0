import { readAnswer } from '../answers/index.ts';
import { thinkOf } from './think.ts';
import { NONE, type RewardDefinition } from './types.ts';

/** The option that a text ends on: that of its last sentence which names one. */
function concluded(think: string, options: readonly string[]): string | null {
  for (const sentence of think.split(/(?<=[.!?])\s+|\n+/).reverse()) {
    const letter = readAnswer('tolerant', sentence, options);
    if (letter !== null) return letter;
  }
  return null;
}

/** Whether a completion answers the option that its reasoning ends on; null where the reasoning names none, or there is none. */
export function answersAsReasoned(completion: string, options: readonly string[]): boolean | null {
  const think = thinkOf(completion);
  const said = think === null ? null : concluded(think, options);
  return said === null ? null : readAnswer('tolerant', completion, options) === said;
}

/** Ours: reasoning that ends on one option and an answer that gives another are worth nothing to a reader. */
export const thinkAnswerConsistency: RewardDefinition = {
  name: 'think_answer_consistency',
  description: '1 when the answer is the option that the reasoning ends on, 0 when it is another.',
  formula:
    '1 where the last sentence of the think tag that names one option names the one that is answered, else 0; null where the reasoning names none, or without a think tag',
  known_failure:
    'A sentence that names an option to rule it out ("it is not B") counts as naming it; reasoning that names no option at all is left out, so silence is safe.',
  range: [0, 1],
  parameters: NONE,
  create: () => (inputs) =>
    inputs.map(({ completion, item }) => {
      const same = answersAsReasoned(completion, item.options);
      return same === null ? null : Number(same);
    }),
};
