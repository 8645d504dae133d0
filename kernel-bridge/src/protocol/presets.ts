/** Configurations to start from, shared by the front end, the notebook client and `npm start -- --demo`. */
import { VARIANTS } from './config.ts';
import type { TrainConfigInput, Variant } from './config.ts';
import type { ServerInfo } from './rest.ts';

/**
 * GRPO on the made sample with the tiny model: 16 questions x 8 completions a step, 240 steps, a few minutes on two CPU cores.
 * Trained on one draw's training splits; its test splits stay held out. Null until `medr1 sample` has written the sample.
 */
export function demoConfig({ sample }: Pick<ServerInfo, 'sample'>, variant: Variant = 'think'): TrainConfigInput | null {
  const model = sample && (sample.models[variant] ?? Object.values(sample.models)[0]);
  if (!model) return null;
  return {
    run_name: `Demo, ${variant}`,
    model_name_or_path: model,
    dataset_name: sample.dataset,
    dataset_train_split: 'modality/train',
    dataset_test_split: 'modality/test',
    variant,
    num_generations: 8,
    per_device_train_batch_size: 128,
    max_completion_length: 48,
    max_steps: 240,
    learning_rate: 1e-4,
    warmup_steps: 10,
    save_steps: 60,
  };
}

/** By name, for clients that cannot import this file: `demo-think`, `demo-no-think`, ... */
export function presets(server: Pick<ServerInfo, 'sample'>): Record<string, TrainConfigInput> {
  const demos = VARIANTS.map((variant) => [`demo-${variant}`, demoConfig(server, variant)] as const);
  return Object.fromEntries(demos.filter((demo): demo is [`demo-${Variant}`, TrainConfigInput] => demo[1] !== null));
}
