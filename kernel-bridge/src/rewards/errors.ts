import { WorkbenchError } from '../protocol/index.ts';
import type { RewardInput } from './types.ts';

const seen = (input: RewardInput): string => `item ${input.item.id}, completion ${JSON.stringify(input.completion.slice(0, 200))}`;

export const errors = {
  unknown: (name: string, known: readonly string[]) =>
    new WorkbenchError({
      code: 'REWARD_UNKNOWN',
      message: `there is no reward function ${JSON.stringify(name)}`,
      remedy: `Use one of: ${known.join(', ')}.`,
    }),
  threw: (name: string, inputs: readonly RewardInput[], cause: unknown) =>
    new WorkbenchError({
      code: 'REWARD_THREW',
      message: `reward ${name} threw ${cause instanceof Error ? cause.message : String(cause)} on ${inputs.length} completions, first: ${seen(inputs[0])}`,
      remedy: 'Mend the reward function; it must return a number or null for every completion.',
      cause,
    }),
  wrongLength: (name: string, inputs: readonly RewardInput[], got: unknown) =>
    new WorkbenchError({
      code: 'REWARD_LENGTH',
      message: `reward ${name} returned ${Array.isArray(got) ? `${got.length} values` : typeof got} for ${inputs.length} completions, first: ${seen(inputs[0])}`,
      remedy: 'Return an array with one number or null per completion, in their order.',
    }),
  notANumber: (name: string, input: RewardInput, got: unknown) =>
    new WorkbenchError({
      code: 'REWARD_VALUE',
      message: `reward ${name} returned ${typeof got === 'number' ? got : (JSON.stringify(got) ?? typeof got)} for ${seen(input)}`,
      remedy: 'Return a finite number, or null where the reward does not apply.',
    }),
};
