/** Keys of a run's configuration that can be changed while it trains: what is in force stands in its revisions, beside the rewards. */
import Type from 'typebox';
import { TrainConfig } from './config.ts';

export const LIVE_SETTINGS = [
  'learning_rate',
  'beta',
  'temperature',
  'epsilon',
  'epsilon_high',
  'delta',
  'max_completion_length',
  'num_generations',
  'dynamic_sampling',
  'eval_steps',
  'save_steps',
] as const satisfies (keyof TrainConfig)[];
export type LiveKey = (typeof LIVE_SETTINGS)[number];

/** All of them. */
export const LiveSettings = Type.Pick(TrainConfig, [...LIVE_SETTINGS]);
export type LiveSettings = Pick<TrainConfig, LiveKey>;

/** Those that say something of supervised fine-tuning. */
export const SFT_SETTINGS: readonly LiveKey[] = ['learning_rate', 'max_completion_length', 'eval_steps', 'save_steps'];

/** Those that rollouts are made by: they count from the next rollouts on, and the ones that are used again keep theirs. */
export const SAMPLING_SETTINGS = ['temperature', 'max_completion_length', 'num_generations'] as const satisfies LiveKey[];

export const isLive = (key: string): key is LiveKey => LIVE_SETTINGS.some((one) => one === key);

/** Those of a configuration, as its run begins. */
export const liveOf = (config: TrainConfig): LiveSettings =>
  Object.fromEntries(LIVE_SETTINGS.map((key) => [key, config[key]])) as unknown as LiveSettings;

export const SettingsInForce = Type.Object({
  revision: Type.Integer({ description: 'that they are of; 0 of a run that has none yet' }),
  settings: LiveSettings,
  /** By key, why it cannot be changed in this run. */
  fixed: Type.Record(Type.String(), Type.String()),
});
export type SettingsInForce = Type.Static<typeof SettingsInForce>;
