/** What a user's function is given, of the sandbox or of a kernel: completions, lists with one entry for each, and what holds for all. */
import { optionOf } from '../answers/index.ts';
import type { Batch } from './sandbox/messages.ts';
import type { RewardContext, RewardInput } from './types.ts';

/** Order is that of the guide. `solution` is the text of the right option, as TRL's data sets have it. */
const COLUMNS: Record<string, (input: RewardInput) => unknown> = {
  prompts: ({ prompt }) => prompt,
  answer: ({ item }) => item.answer,
  solution: ({ item }) => optionOf(item.answer, item.options) ?? null,
  question: ({ item }) => item.question,
  options: ({ item }) => item.options,
  modality: ({ item }) => item.modality,
  question_type: ({ item }) => item.question_type,
  dataset: ({ item }) => item.dataset,
  item_id: ({ item }) => item.id,
  completion_ids: ({ tokenIds }) => tokenIds,
  completion_length: ({ tokenIds }) => tokenIds.length,
  finish_reason: ({ finishReason }) => finishReason,
};

export function batchOf(inputs: readonly RewardInput[], step: number | null, context: RewardContext): Batch {
  return {
    completions: inputs.map(({ completion }) => completion),
    columns: Object.fromEntries(Object.entries(COLUMNS).map(([name, column]) => [name, inputs.map(column)])),
    constants: { step, variant: context.variant, max_completion_length: context.maxCompletionLength },
  };
}
