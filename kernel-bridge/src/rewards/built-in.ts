/** The rewards that ship with the workbench. */
import type { BuiltInReward } from '../protocol/rewards.ts';
import { accuracy } from './accuracy.ts';
import { accuracyTolerant } from './accuracy_tolerant.ts';
import { format } from './format.ts';
import { formatPublished } from './format_published.ts';
import { softOverlongPunishment } from './soft_overlong_punishment.ts';
import type { RewardDefinition } from './types.ts';

export const REWARDS: ReadonlyMap<string, RewardDefinition> = new Map(
  [accuracy, accuracyTolerant, format, formatPublished, softOverlongPunishment].map((reward) => [reward.name, reward]),
);

/** As clients see one. */
export const builtInReward = ({
  name,
  description,
  formula,
  known_failure,
  range: [low, high],
  parameters,
}: RewardDefinition): BuiltInReward => ({
  ...{ name, description, formula, known_failure },
  range: [low, high],
  parameters: parameters as unknown as BuiltInReward['parameters'],
});
