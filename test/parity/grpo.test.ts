/**
 * The GRPO update against TRL's own GRPOTrainer on the same completions and rewards: advantages, loss, gradients and every metric, for
 * every loss under the settings that change it.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TrainConfig } from '../../kernel-bridge/src/protocol/index.ts';
import {
  addLora,
  loadModel,
  loadProcessor,
  saveAdapter,
  saveModel,
  type Processor,
  type Model,
} from '../../kernel-bridge/src/models/index.ts';
import { mulberry32 } from '../../kernel-bridge/src/stats/random.ts';
import { replay, type ReplayGroup } from '../../kernel-bridge/src/rl/replay.ts';
import { makeTiny, type Tiny } from '../../kernel-bridge/src/rl/testing/tiny.ts';
import { generator, noGrad, readSafetensors, scope, torch, type Tensor } from '../../kernel-bridge/src/torch/index.ts';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const G = 4;
const NAMES = ['first', 'second'];

type Settings = Partial<TrainConfig>;
const LOSS_TYPES: TrainConfig['loss_type'][] = ['grpo', 'dr_grpo', 'bnpo', 'dapo', 'cispo', 'sapo', 'luspo', 'vespo'];

/** TRL's own defaults differ: dapo, beta 0, and a KL term multiplied by the ratio. */
const BASE: Settings = { loss_type: 'grpo', beta: 0.04, use_bias_correction_kl: false, max_completion_length: 10 };

/** num_iterations 2: the ratio is to an older policy, so clipping bites. */
const CASES: Settings[] = [
  ...LOSS_TYPES.flatMap((loss_type): Settings[] => [
    { loss_type },
    { loss_type, num_iterations: 2, beta: 0 },
    { loss_type, num_iterations: 2, importance_sampling_level: 'sequence', beta: 0 },
    { loss_type, num_iterations: 2, importance_sampling_level: 'sequence', epsilon_high: 0.4, epsilon: 0.05 },
    { loss_type, num_iterations: 2, epsilon: 0.02, epsilon_high: 0.05, delta: 1.1, per_device_train_batch_size: 4 },
    { loss_type, num_iterations: 2, mask_truncated_completions: true, temperature: 0.7, per_device_train_batch_size: 4 },
  ]).filter(({ loss_type, importance_sampling_level }) => loss_type !== 'vespo' || importance_sampling_level !== 'sequence'), // TRL refuses both
  { use_bias_correction_kl: true },
  { use_bias_correction_kl: true, num_iterations: 2, epsilon: 0.02 },
  { use_bias_correction_kl: true, num_iterations: 2, importance_sampling_level: 'sequence' },
  { scale_rewards: 'batch', reward_weights: [2, 0.5] },
  { scale_rewards: 'none', reward_weights: [2, 0.5] },
  { multi_objective_aggregation: 'normalize_then_sum', reward_weights: [2, 0.5] },
  // GSPO, GDPO and clip-higher together
  {
    loss_type: 'grpo',
    importance_sampling_level: 'sequence',
    multi_objective_aggregation: 'normalize_then_sum',
    epsilon: 3e-2,
    epsilon_high: 6e-2,
    num_iterations: 2,
  },
  { loss_type: 'sapo', sapo_temperature_pos: 2, sapo_temperature_neg: 0.5, num_iterations: 2 },
  { loss_type: 'vespo', vespo_k_pos: 1.5, vespo_lambda_pos: 2, vespo_k_neg: 2.5, vespo_lambda_neg: 1, num_iterations: 2 },
];

/** TRL given a peft_config: the adapter alone learns, and the reference is the policy with the adapter off. */
const LORA_CASES: Settings[] = [{ use_peft: true }, { use_peft: true, loss_type: 'dapo', per_device_train_batch_size: 4 }];

/** Completions of one token each, where a value per token looks like one per sequence; those that did not end are left out. */
const ONE_TOKEN: Settings = { mask_truncated_completions: true, num_iterations: 2, epsilon: 1e-3 };
const ONE_TOKEN_CASES: Settings[] = [
  ONE_TOKEN,
  { ...ONE_TOKEN, loss_type: 'luspo' },
  { ...ONE_TOKEN, importance_sampling_level: 'sequence' },
];

const title = (settings: Settings): string =>
  Object.entries(settings)
    .map(([key, value]) => `${key} ${String(value)}`)
    .join(', ');

interface Expected {
  loss: number;
  grad_norm: number;
  advantages: number[];
  metrics: Record<string, number | null>;
}

let tiny: Tiny;
let processor: Processor;
let models: Record<'policy' | 'old' | 'ref' | 'adapted', Model>;
let groups: ReplayGroup[];
let expected: Expected[];
let gradients: Map<string, Tensor>;

/** A copy of the model moved a little in a random direction. */
function moved(model: Model, seed: number): Model {
  const copy = model.copyFrozen();
  const random = generator(seed);
  noGrad(() =>
    scope(() =>
      [...copy.params.values()].forEach((weight) =>
        torch.add_(weight, torch.normal_(torch.empty_like(weight), 0, 0.01, { generator: random })),
      ),
    ),
  );
  return copy;
}

beforeAll(async () => {
  tiny = await makeTiny({ items: 3 });
  processor = await loadProcessor(tiny.model);
  const policy = await loadModel(tiny.model, { dtype: 'float32' });
  policy.setTrainable(() => true);
  models = { policy, old: moved(policy, 1), ref: moved(policy, 2), adapted: policy };
  for (const name of ['old', 'ref'] as const) await saveModel(models[name], join(tiny.directory, name), tiny.model);

  const random = mulberry32(5);
  const texts = ['it is A B C', 'is it', 'B or it is C ?'];
  const given = texts.map((text, p) => {
    const completions = Array.from({ length: G }, (_, g) => {
      const length = [6, 1, 8, 3][(p + g) % 4];
      const ids = Array.from({ length }, () => 8 + Math.floor(random() * 10));
      return (p + g) % 4 === 2 ? ids : [...ids, g === 0 ? 0 : 2]; // the longest never end; both end tokens occur
    });
    const first = completions.map((_, g) => (p === 1 ? 1 : Number((p + g) % 3 === 0)));
    const second = completions.map((_, g) => (g === 1 && p !== 1 ? null : Math.round(random() * 100) / 100));
    if (p === 2) [first[3], second[3]] = [null as never, null]; // no reward applies
    return { image: join(tiny.directory, tiny.items[p].image), text, completions, rewards: { first, second } };
  });
  groups = await Promise.all(
    given.map(async ({ image, text, completions, rewards }) => ({
      prompt: await processor.prompt({ images: [image], text }),
      completions,
      rewards: completions.map((_, g) => [rewards.first[g], rewards.second[g]]),
    })),
  );

  const out = join(tiny.directory, 'expected');
  mkdirSync(out);
  const file = join(tiny.directory, 'cases.json');
  const dirs = { policy: tiny.model, old: join(tiny.directory, 'old'), ref: join(tiny.directory, 'ref') };
  const adapted = await loadModel(tiny.model, { dtype: 'float32' });
  const lora = addLora(adapted, { r: 4, lora_alpha: 8, target_modules: null, base: tiny.model, seed: 6 });
  noGrad(() => lora.layers.forEach(({ B }, name) => torch.normal_(B, 0, 0.05, { generator: generator(name.length) })));
  const adapter = join(tiny.directory, 'adapter');
  await saveAdapter(lora, adapter, tiny.model);
  models.adapted = adapted;
  const cases = [
    ...CASES.map((settings) => ({ settings: { ...BASE, ...settings } })),
    ...LORA_CASES.map(({ use_peft: _, ...settings }) => ({ settings: { ...BASE, ...settings }, adapter })),
    ...ONE_TOKEN_CASES.map((settings) => ({ settings: { ...BASE, ...settings }, last: 1 })),
  ];
  writeFileSync(file, JSON.stringify({ models: dirs, groups: given, cases }));
  execFileSync(join(root, '.venv/bin/python'), [join(here, 'python/grpo_expected.py'), file, out], {
    env: { ...process.env, OMP_NUM_THREADS: '1', TRL_EXPERIMENTAL_SILENCE: '1', HF_HUB_OFFLINE: '1' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  expected = JSON.parse(readFileSync(join(out, 'expected.json'), 'utf8'));
  gradients = readSafetensors(join(out, 'gradients.safetensors'));
});

afterEach(() => {
  for (const policy of [models.policy, models.adapted]) for (const weight of policy.trainable.values()) weight.grad = null;
});
afterAll(() => tiny[Symbol.asyncDispose]());

/** transformers' module names -> names in checkpoints. */
const savedName = (name: string): string =>
  name
    .replace('base_model.model.', '')
    .replace('.default', '')
    .replace('model.language_model.', 'model.')
    .replace('model.visual.', 'visual.');

describe('GRPO gives the loss and gradients of TRL', () => {
  const all = [
    ...[...CASES, ...LORA_CASES].map((settings) => ({ name: title(settings), settings, last: Infinity })),
    ...ONE_TOKEN_CASES.map((settings) => ({ name: `one token, ${title(settings)}`, settings, last: 1 })),
  ].map((one, number) => ({ ...one, number }));
  it.each(all)('$name', ({ settings, last, number }) => {
    const config = tiny.config({
      ...BASE,
      per_device_train_batch_size: groups.length * G,
      reward_funcs: NAMES,
      ...settings,
    });
    const policy = config.use_peft ? models.adapted : models.policy;
    const reference = config.beta === 0 ? null : config.use_peft ? models.policy : models.ref;
    const old = config.num_iterations > 1 ? models.old : null;
    const cut = groups.map((group) => ({ ...group, completions: group.completions.map((ids) => ids.slice(-last)) }));
    const seen = replay({ policy, reference, old, eosTokenIds: processor.eosTokenIds }, cut, NAMES, config);
    const wanted = expected[number];

    expect(seen.advantages.flat()).toEqual(wanted.advantages.map((A: number) => expect.closeTo(A, 4)));
    // VESPO's weight is of a sum over the sequence, which k multiplies: float32 log-probabilities of two programs differ in it ten times as much.
    expect(seen.loss).toBeCloseTo(wanted.loss, config.loss_type === 'vespo' ? 4 : 5);
    expect(seen.grad_norm / wanted.grad_norm).toBeCloseTo(1, 3);
    for (const [name, value] of Object.entries(wanted.metrics)) {
      if (value === null) expect(seen.metrics[name], name).toBeNull();
      else expect(seen.metrics[name], name).toBeCloseTo(value, 4);
    }
    expect(Object.keys(seen.metrics).toSorted()).toEqual(Object.keys(wanted.metrics).toSorted());

    const scale = wanted.grad_norm;
    let compared = 0;
    for (const [key, value] of gradients) {
      if (!key.startsWith(`${number}.`)) continue;
      const weight = policy.trainable.get(savedName(key.slice(key.indexOf('.') + 1)));
      if (weight === undefined) throw new Error(`no weight ${key}`);
      const far = scope(() => noGrad(() => torch.amax(torch.abs(torch.sub(weight.grad!, value))).item()));
      expect(far / scale, key).toBeLessThan(1e-4);
      compared++;
    }
    expect(compared).toBe(policy.trainable.size);
  });
});
