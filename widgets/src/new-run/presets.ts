/** Starting points for the New run form; the first is what "Start the demo run" starts. */
import type { ServerInfo } from '../connector.ts';

export interface Preset {
  id: string;
  title: string;
  text: string;
  config: Record<string, unknown>;
}

/** The demo's settings on the made sample: a thinking run of the tiny model. Null until the sample has been written. */
export function demoConfig(server: ServerInfo): Record<string, unknown> | null {
  const sample = server.sample;
  if (!sample) return null;
  const model = sample.models.think ?? Object.values(sample.models)[0];
  if (!model) return null;
  return {
    run_name: 'Demo: thinking (synthetic sample)',
    model_name_or_path: model,
    dataset_name: sample.dataset,
    variant: 'think',
    num_generations: 8,
    per_device_train_batch_size: 128,
    max_completion_length: 48,
    learning_rate: 1e-4,
    warmup_steps: 10,
    beta: 0.04,
    max_steps: 240,
    save_steps: 60,
  };
}

/** Med-R1's published GRPO settings for Qwen2-VL-2B (arXiv 2503.13939): G 8, beta 0.04, learning rate 1e-6, one epoch, linear decay. */
const MEDR1: Record<string, unknown> = {
  model_name_or_path: 'Qwen/Qwen2-VL-2B-Instruct',
  variant: 'think',
  num_generations: 8,
  per_device_train_batch_size: 8,
  gradient_accumulation_steps: 2,
  max_completion_length: 256,
  learning_rate: 1e-6,
  beta: 0.04,
  num_train_epochs: 1,
  dtype: 'bfloat16',
  gradient_checkpointing: true,
  max_pixels: 401408,
};

export function presets(server: ServerInfo | null): Preset[] {
  const demo = server && demoConfig(server);
  return [
    ...(demo
      ? [{ id: 'demo', title: 'Demo (sample data, tiny model)', text: 'Synthetic images; a rising reward within minutes on two cores.', config: demo }]
      : []),
    { id: 'med-r1', title: 'Med-R1 recipe (Qwen2-VL-2B)', text: 'The settings of the paper; needs a GPU and the model on disk.', config: MEDR1 },
  ];
}
