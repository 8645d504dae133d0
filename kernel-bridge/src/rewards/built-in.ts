/** The rewards that ship with the workbench. */
import { builtInName } from '../protocol/reward-names.ts';
import type { BuiltInReward } from '../protocol/rewards.ts';
import { accuracy } from './accuracy.ts';
import { accuracyPrior } from './accuracy_prior.ts';
import { accuracyTolerant } from './accuracy_tolerant.ts';
import { answerValidity } from './answer_validity.ts';
import { brevity } from './brevity.ts';
import { format } from './format.ts';
import { formatPublished } from './format_published.ts';
import { lengthBand } from './length_band.ts';
import { pattern } from './pattern.ts';
import { repetitionPenalty } from './repetition_penalty.ts';
import { softOverlongPunishment } from './soft_overlong_punishment.ts';
import { thinkAnswerConsistency } from './think_answer_consistency.ts';
import { thinkFormat } from './think_format.ts';
import type { RewardDefinition } from './types.ts';

export const REWARDS: ReadonlyMap<string, RewardDefinition> = new Map(
  [
    ...[accuracy, accuracyTolerant, accuracyPrior, answerValidity, thinkAnswerConsistency],
    ...[format, formatPublished, thinkFormat, pattern],
    ...[lengthBand, brevity, softOverlongPunishment, repetitionPenalty],
  ].map((reward) => [reward.name, reward]),
);

/** Also `pattern:units`, one of several. */
export const builtInNamed = (name: string): RewardDefinition | undefined => REWARDS.get(builtInName(name));

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
