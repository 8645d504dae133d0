/** The rewards there are, and the one way to call them. */
import { accuracy } from './accuracy.ts';
import { accuracyTolerant } from './accuracy_tolerant.ts';
import { errors } from './errors.ts';
import { format } from './format.ts';
import { formatPublished } from './format_published.ts';
import { softOverlongPunishment } from './soft_overlong_punishment.ts';
import type { RewardContext, RewardDefinition, RewardFunction, RewardInput } from './types.ts';

export type { RewardContext, RewardDefinition, RewardFunction, RewardInput } from './types.ts';
export { answerLetter, bareAnswer, strictAnswer, taggedText, tolerantAnswer } from './parse.ts';

export const REWARDS: ReadonlyMap<string, RewardDefinition> = new Map(
  [accuracy, accuracyTolerant, format, formatPublished, softOverlongPunishment].map((reward) => [reward.name, reward]),
);

/** A reward function by name, its parameters those of `parameters` or the run's fallbacks. Throws REWARD_UNKNOWN. */
export function createReward(name: string, context: RewardContext, parameters: Record<string, number> = {}): RewardFunction {
  const definition = REWARDS.get(name);
  if (definition === undefined) throw errors.unknown(name, [...REWARDS.keys()]);
  const values = definition.parameters.map((parameter) => [parameter.name, parameters[parameter.name] ?? parameter.fallback(context)]);
  return definition.create(context, Object.fromEntries(values));
}

/** Values of one reward for every input; whatever it does wrong names the reward and the input. */
export async function score(name: string, reward: RewardFunction, inputs: readonly RewardInput[]): Promise<(number | null)[]> {
  if (inputs.length === 0) return [];
  let values: (number | null)[];
  try {
    values = await reward(inputs);
  } catch (cause) {
    throw errors.threw(name, inputs, cause);
  }
  if (!Array.isArray(values) || values.length !== inputs.length) throw errors.wrongLength(name, inputs, values);
  values.forEach((value, index) => {
    if (value !== null && !Number.isFinite(value)) throw errors.notANumber(name, inputs[index], value);
  });
  return values;
}
