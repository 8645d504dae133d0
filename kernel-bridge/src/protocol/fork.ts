/** What a fork takes over: what was in force at its checkpoint, told as a configuration. No store: the form of a fork begins with it. */
import type { TrainConfig } from './config.ts';
import { rewardName } from './reward-names.ts';
import type { RewardRevision } from './run.ts';

/** What a checkpoint's weights and optimiser state are of: the same in a fork. */
export const KEPT_BY_FORK = ['model_name_or_path', 'use_peft', 'trainer'] as const satisfies (keyof TrainConfig)[];

/** Keys that together say what is rewarded. */
export const REWARD_KEYS = [
  'reward_funcs',
  'reward_weights',
  'reward_weight_schedules',
  'reward_parameters',
] as const satisfies (keyof TrainConfig)[];

/** Sources of a run's own functions up to a step, by name: as they were last. */
export function sourcesAt(revisions: readonly RewardRevision[], step: number): RewardRevision['sources'] {
  return Object.assign({}, ...upTo(revisions, step).map(({ sources }) => sources)) as RewardRevision['sources'];
}

/** The configuration of a run with the rewards and settings that were in force at `step` in place of those that it began with. Own functions go by file. */
export function configAt(config: TrainConfig, revisions: readonly RewardRevision[], step: number): TrainConfig {
  const inForce = upTo(revisions, step).at(-1);
  if (!inForce) return config;
  const { weights, sources, parameters, weight_schedules, settings } = inForce;
  const entryOf = (name: string, configured = name): string => sources[name]?.file ?? configured;
  const settled = { ...config, ...settings };
  if (inForce.revision === 1) return { ...settled, reward_funcs: config.reward_funcs.map((entry) => entryOf(rewardName(entry), entry)) };
  const values = Object.values(weights);
  return {
    ...settled,
    reward_funcs: Object.keys(weights).map((name) => entryOf(name)),
    reward_weights: values.every((weight) => weight === 1) ? null : values,
    reward_weight_schedules: orNull(weight_schedules),
    reward_parameters: orNull(parameters),
  };
}

const upTo = (revisions: readonly RewardRevision[], step: number): RewardRevision[] =>
  revisions.filter((one) => one.step !== null && one.step <= step);

const orNull = <T extends object>(values: T | undefined): T | null => (values && Object.keys(values).length > 0 ? values : null);
