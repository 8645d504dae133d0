/** Settings that are changed while a run trains: which can be, and why others cannot. */
import type { TrainConfig } from '../protocol/config.ts';
import { isLive, LIVE_SETTINGS, SFT_SETTINGS, type LiveKey, type LiveSettings } from '../protocol/live-settings.ts';
import { completeConfig, knownKey } from './config.ts';
import { errors } from './errors.ts';

interface OfRun {
  id: string;
  /** One of two runs that see the same questions. */
  pair: boolean;
  /** Step of its newest checkpoint. */
  checkpoint: number | null;
}

/** By key, why it stays as it is in this run. */
export function fixedSettings(config: TrainConfig, { pair }: Pick<OfRun, 'pair'>): Partial<Record<LiveKey, string>> {
  const noEvaluations = hasNoSplit(config) ? { eval_steps: 'it has no dataset_test_split to evaluate on' } : {};
  if (config.trainer === 'sft') {
    const unused = LIVE_SETTINGS.filter((key) => !SFT_SETTINGS.includes(key));
    return { ...Object.fromEntries(unused.map((key) => [key, 'supervised fine-tuning does not use it'])), ...noEvaluations };
  }
  const noReference = 'it began with beta 0, so there is no reference model to take the KL divergence to';
  const samePair = 'the runs of a pair see the same questions, and would no longer';
  return {
    ...noEvaluations,
    ...(config.beta === 0 && !config.use_peft && { beta: noReference }),
    ...(pair && { num_generations: samePair, dynamic_sampling: samePair }),
  };
}

/** One that an older version let begin with eval_steps above 0 may set them to 0. */
const hasNoSplit = ({ dataset_test_split, eval_steps }: TrainConfig): boolean => dataset_test_split === null && eval_steps === 0;

/** The settings after a change. Throws SETTING_FIXED, CONFIG_INVALID, CONFIG_UNKNOWN_KEY. */
export function changedSettings(
  config: TrainConfig,
  current: LiveSettings,
  changes: Readonly<Record<string, unknown>>,
  run: OfRun,
): LiveSettings {
  const fixed: Partial<Record<string, string>> = fixedSettings(config, run);
  for (const key of Object.keys(changes)) {
    knownKey(key);
    if (!isLive(key)) throw errors.settingFixed(key, `what can be is ${LIVE_SETTINGS.join(', ')}`, run.id, run.checkpoint);
  }
  for (const key of LIVE_SETTINGS)
    if (key in changes && changes[key] !== current[key] && fixed[key] !== undefined)
      throw errors.settingFixed(key, fixed[key], run.id, run.checkpoint);
  requireWholeGroups(config, changes.num_generations);
  const whole = completeConfig({ ...config, ...current, ...changes });
  return Object.fromEntries(LIVE_SETTINGS.map((key) => [key, whole[key]])) as unknown as LiveSettings;
}

/** What a step holds stays as it is while a run trains, so this is the key to speak of. */
function requireWholeGroups(config: TrainConfig, num_generations: unknown): void {
  const { per_device_train_batch_size, gradient_accumulation_steps, dp_shards } = config;
  if (config.trainer !== 'grpo' || typeof num_generations !== 'number') return;
  const completions = per_device_train_batch_size * gradient_accumulation_steps;
  const fits = (each: number): boolean => completions % each === 0 && (completions / each) % dp_shards === 0;
  if (num_generations < 2 || fits(num_generations)) return; // what is below 2 has a message of its own
  const fitting = Array.from({ length: completions - 1 }, (_, at) => at + 2).filter(fits);
  const shards = dp_shards > 1 ? `, and as many for each of ${dp_shards} shards` : '';
  throw errors.badValue(
    'num_generations',
    num_generations,
    `must leave whole groups in the ${completions} completions of a step${shards}: ${fitting.join(', ')}`,
  );
}
