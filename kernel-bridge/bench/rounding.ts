/**
 * How far sampler and training forward are apart by rounding alone: the self-check of training runs (rl/probe.ts) on models with nothing wrong, in
 * float32, in bfloat16 with our products on a CPU without units for them, and in bfloat16 with PyTorch's. The rule `sampler_differs` and the check
 * itself have their limits above these.
 *
 *   npm run bench -- rounding [--seeds 3] [--checks 3]
 */
import { join } from 'node:path';
import { loadItems } from '../src/data/load.ts';
import type { TrainConfig, VqaItem } from '../src/protocol/index.ts';
import { createTrainer } from '../src/rl/index.ts';
import { completeConfig, makeTiny } from '../src/rl/testing/tiny.ts';
import { readArguments } from './arguments.ts';

const { seeds, checks } = readArguments({ seeds: { type: 'string', default: '3' }, checks: { type: 'string', default: '3' } });

const WAYS = [
  { name: 'float32', dtype: 'float32' },
  { name: 'bfloat16, our products', dtype: 'bfloat16', widens: true },
  { name: "bfloat16, PyTorch's products", dtype: 'bfloat16', widens: false },
] as const;
interface Model {
  name: string;
  items: VqaItem[];
  root: string;
  config: TrainConfig;
}

const root = join(import.meta.dirname, '../..');
const sample = await loadItems(join(root, '.medr1/sample'), { split: 'modality/train', usable: true });
/** As many layers as Qwen2-VL-2B. */
const DEEP = {
  text_config: {
    ...{ vocab_size: 18, hidden_size: 512, intermediate_size: 1024, num_hidden_layers: 28, num_attention_heads: 8, num_key_value_heads: 2 },
    ...{ rms_norm_eps: 1e-6, rope_parameters: { rope_type: 'default', rope_theta: 1e4, mrope_section: [8, 12, 12] } },
    ...{ bos_token_id: 0, eos_token_id: 2, pad_token_id: 0 },
  },
  vision_config: { depth: 8, num_heads: 4, embed_dim: 128, hidden_size: 512, mlp_ratio: 2 },
};
/** The spread of the weights decides how far a layer carries a rounding error: by 1.1 and by 2.3 in a product of 512 numbers. */
await using deep = await makeTiny({ items: 12, std: 0.05, model: DEEP });
await using rough = await makeTiny({ items: 12, std: 0.1, model: DEEP });
const both = {
  probe_steps: 1,
  num_generations: 8,
  per_device_train_batch_size: 32,
  max_steps: Number(checks),
  beta: 0,
  save_steps: 10_000,
};
const models: Model[] = [
  {
    name: "the sample's",
    ...sample,
    config: completeConfig({
      ...{ model_name_or_path: join(root, 'examples/sample/model'), dataset_name: sample.root, learning_rate: 1e-4 },
      ...{ ...both, max_completion_length: 48 },
    }),
  },
  ...Object.entries({ '28 layers of 512, drawn with 0.05': deep, '28 layers of 512, drawn with 0.1': rough }).map(([name, tiny]) => ({
    ...{ name, items: tiny.items, root: tiny.directory },
    config: tiny.config({ ...both, max_completion_length: 32 }),
  })),
];

console.log('mean and largest difference of a token in nats, the worst check of all');
for (const { name, items, root: of, config } of models)
  for (const { name: way, dtype, ...rest } of WAYS) {
    let [mean, max, made] = [0, 0, 0];
    for (let seed = 1; seed <= Number(seeds); seed++) {
      const trainer = await createTrainer({ config: { ...config, dtype, seed }, items, evalItems: [], root: of });
      // whoever trains has no way to choose: it follows from the CPU (torch/cpu.ts)
      const { policy } = (trainer as unknown as { training: { policy: object } }).training;
      if ('widens' in rest) Object.defineProperty(policy, 'widens', { value: rest.widens });
      while (trainer.step < Number(checks)) {
        const { metrics } = await trainer.trainStep();
        mean = Math.max(mean, metrics['sampling/sampling_logp_difference/mean']!);
        max = Math.max(max, metrics['sampling/sampling_logp_difference/max']!);
        made++;
      }
      trainer.dispose();
    }
    console.log(`${name}, ${way}: ${mean.toPrecision(2)} and ${max.toPrecision(2)} in ${made} checks`);
  }
