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
  if (config.trainer === 'sft')
    return Object.fromEntries(
      LIVE_SETTINGS.filter((key) => !SFT_SETTINGS.includes(key)).map((key) => [key, 'supervised fine-tuning does not use it']),
    );
  const noReference = 'it began with beta 0, so there is no reference model to take the KL divergence to';
  const samePair = 'the runs of a pair see the same questions, and would no longer';
  return {
    ...(config.beta === 0 && !config.use_peft && { beta: noReference }),
    ...(pair && { num_generations: samePair, dynamic_sampling: samePair }),
  };
}

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
  const whole = completeConfig({ ...config, ...current, ...changes });
  const next = Object.fromEntries(LIVE_SETTINGS.map((key) => [key, whole[key]])) as unknown as LiveSettings;
  for (const key of LIVE_SETTINGS)
    if (next[key] !== current[key] && fixed[key] !== undefined) throw errors.settingFixed(key, fixed[key], run.id, run.checkpoint);
  return next;
}
