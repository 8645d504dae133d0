/** Starting points for the New run form. */
import { demoConfig } from '@medr1/kernel-bridge/protocol/presets';
import type { ServerInfo } from '../connector.ts';

export interface Preset {
  id: string;
  title: string;
  text: string;
  config: Record<string, unknown>;
}

/**
 * Med-R1's published settings (arXiv 2503.13939 and its training scripts): 4 questions a step in groups of 4, KL coefficient 0.04,
 * learning rate 1e-6 falling linearly, completions of at most 256 tokens, one epoch, images of at most 401,408 pixels, everything trained.
 * Its scripts spread the step over two GPUs; here it is two accumulated passes. Model and data set are the reader's own folders.
 */
const MEDR1: Record<string, unknown> = {
  variant: 'think',
  num_generations: 4,
  per_device_train_batch_size: 8,
  gradient_accumulation_steps: 2,
  learning_rate: 1e-6,
  beta: 0.04,
  max_completion_length: 256,
  num_train_epochs: 1,
  dtype: 'bfloat16',
  max_pixels: 401408,
};

export function presets(server: ServerInfo | null): Preset[] {
  const list: Preset[] = [];
  const demo = server && demoConfig(server);
  if (demo)
    list.push({
      id: 'demo',
      title: 'Demo (sample data, tiny model)',
      text: 'Synthetic images; the reward rises within minutes on two cores.',
      config: demo,
    });
  const direct = server && demoConfig(server, 'no-think');
  if (direct)
    list.push({
      id: 'demo-no-think',
      title: 'Demo, no-thinking',
      text: 'The same, but the model answers at once, without thinking.',
      config: direct,
    });
  list.push({
    id: 'med-r1',
    title: 'Med-R1 recipe (Qwen2-VL-2B)',
    text: 'The settings of the paper. Needs a GPU, and the model and OmniMedVQA on disk.',
    config: MEDR1,
  });
  return list;
}
