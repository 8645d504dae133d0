/** Runs whose metrics the rules of alerts are held to: the demo, healthy and broken on purpose. `record.ts` trains them. */
import { demoConfig } from '../../kernel-bridge/src/protocol/presets.ts';
import type { TrainConfigInput } from '../../kernel-bridge/src/protocol/config.ts';
import type { Break } from './broken-batches.ts';

export interface Case {
  name: string;
  config: Partial<TrainConfigInput>;
  /** What is wrong with the images that the training forward sees. */
  images?: Break;
  /** Steps that are recorded; all when left out. */
  until?: number;
  /** The rules that may name it first; none for a run that learns as it should. */
  first: string[];
}

export const SEEDS = [1, 2, 3, 4, 5];

const healthy = (['think', 'no-think'] as const).flatMap((variant) =>
  SEEDS.map((seed): Case => ({
    name: `healthy-${variant}-${seed}`,
    config: { variant, seed },
    until: variant === 'think' ? 60 : 100,
    first: [],
  })),
);

const LETTER_A = { pattern: { pattern: '<answer>\\s*A\\s*</answer>', kind: 'regexp' } };

const broken: Case[] = [
  { name: 'learning-rate-x100', config: { learning_rate: 1e-2 }, first: ['kl_high'] },
  {
    name: 'length-reward',
    config: {
      beta: 0,
      max_completion_length: 96,
      reward_funcs: ['length_band'],
      reward_parameters: { length_band: { low: 96, high: 96, slope: 96 } },
    },
    first: ['length_rewarded'],
  },
  { name: 'format-alone', config: { reward_funcs: ['format'] }, first: ['format_saturated'] },
  { name: 'grey-images', config: {}, images: 'grey', first: ['images_without_effect'] },
  { name: 'rolled-images', config: {}, images: 'rolled', first: ['images_mixed_up'] },
  { name: 'temperature-0.1', config: { temperature: 0.1 }, first: ['groups_identical'] },
  { name: 'eight-tokens', config: { max_completion_length: 8 }, first: ['truncated'] },
  { name: 'one-letter', config: { max_steps: 100, reward_funcs: ['pattern'], reward_parameters: LETTER_A }, first: ['letter_taking_over'] },
];

/** Cut short: a failure that is not seen by then is seen too late. */
const shortened = (one: Case, config: Case['config'] = {}): Case => ({
  ...one,
  config: { max_steps: 60, ...one.config, ...config },
  until: one.config.max_steps ? 40 : 30,
});

export const CASES: readonly Case[] = [...healthy, ...broken.map((one) => ({ ...shortened(one), name: `broken-${one.name}` }))];

const UNSEEN_SEEDS = [101, 102, 103, 104];

/**
 * Recorded after the thresholds were settled, with seeds and a variant that they were not turned to: what the rules do with runs that they have not met.
 * Whoever changes a threshold to fit one of these needs new ones.
 */
export const UNSEEN: readonly Case[] = [
  ...(['think', 'no-think'] as const).flatMap((variant) =>
    UNSEEN_SEEDS.map((seed): Case => ({
      name: `unseen-healthy-${variant}-${seed}`,
      config: { variant, seed },
      until: variant === 'think' ? 60 : 100,
      first: [],
    })),
  ),
  ...broken.map((one) => ({ ...shortened(one, { seed: 101 }), name: `unseen-${one.name}-101` })),
  ...broken
    .filter(({ name }) => ['learning-rate-x100', 'format-alone', 'grey-images', 'rolled-images'].includes(name))
    .map((one) => ({
      ...shortened(one, { variant: 'no-think', seed: 102 }),
      name: `unseen-${one.name}-no-think-102`,
      // a miss: direct answers are likelier with another image by half a nat only, below the threshold of images_mixed_up
      first: one.images === 'rolled' ? ['sampler_differs'] : one.first,
    })),
];

/** The whole configuration: the demo's with the case's changes. Relative to the repository. */
export const configOf = ({ config }: Case): TrainConfigInput => ({
  ...demoConfig({ sample: { dataset: '.medr1/sample', models: { think: 'examples/sample/model' } } as never }, config.variant ?? 'think')!,
  per_device_train_batch_size: 32, // a quarter of the demo's: four questions a step are enough to see it, and noisier
  eval_steps: 20,
  eval_samples: 16,
  probe_steps: 20,
  ...config,
});
