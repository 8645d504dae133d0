/**
 * Training, sampling and evaluation on a device that is not the CPU (torch/testing/test-device.ts): the branches that a GPU takes, as far as they need
 * no hardware. Its kernels are the CPU's, so what differs from the CPU beyond rounding is a defect of those branches. How often host and device wait
 * for each other stands in the tables here.
 */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TrainConfig } from '../protocol/index.ts';
import type { StepResult } from '../protocol/step.ts';
import { generate, groupLogps, loadModel, Model, type GenerateOptions } from '../models/index.ts';
import { tinyModel, tinyPrompts } from '../models/testing/tiny.ts';
import { backward, noGrad, scope, torch } from '../torch/index.ts';
import { crossings, hasTestDevice, TEST_DEVICE } from '../torch/testing/test-device.ts';
import { createTrainer, type Trainer } from './index.ts';
import { makeTiny, type Tiny } from './testing/tiny.ts';

let tiny: Tiny;
beforeAll(async () => {
  tiny = await makeTiny();
});
afterAll(() => tiny[Symbol.asyncDispose]());
afterEach(() => vi.restoreAllMocks());

/** In bfloat16 this device has no flash kernel, as an old GPU has none, and says so. */
const quiet = () => vi.spyOn(process, 'emitWarning').mockImplementation(() => {});

const start = (device: string, changes: Partial<TrainConfig> = {}, resumeFrom?: string): Promise<Trainer> =>
  createTrainer({
    config: { ...tiny.config(changes), device },
    items: tiny.items,
    evalItems: tiny.items,
    root: tiny.directory,
    resumeFrom,
  });

async function steps(trainer: Trainer, count: number): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (let i = 0; i < count; i++) results.push(await trainer.trainStep());
  return results;
}

/** Numbers by where they stand; texts and whole numbers must be equal, others within `bound` of each other. */
function expectNear(found: unknown, wanted: unknown, bound: number, place = ''): void {
  if (typeof wanted === 'number' && typeof found === 'number' && !Number.isInteger(wanted)) {
    expect(Math.abs(found - wanted), `${place}: ${found}, on the CPU ${wanted}`).toBeLessThanOrEqual(bound * Math.max(1, Math.abs(wanted)));
  } else if (typeof wanted === 'object' && wanted !== null) {
    expect(Object.keys(found as object), place).toEqual(Object.keys(wanted));
    for (const key of Object.keys(wanted))
      expectNear((found as Record<string, unknown>)[key], (wanted as Record<string, unknown>)[key], bound, `${place}.${key}`);
  } else if (typeof wanted === 'number' && typeof found === 'number') {
    expect(Math.abs(found - wanted), place).toBeLessThanOrEqual(bound);
  } else {
    expect(found, place).toEqual(wanted);
  }
}

const untimed = (results: StepResult[]): StepResult[] =>
  results.map((result) => ({
    ...result,
    metrics: Object.fromEntries(Object.entries(result.metrics).filter(([name]) => !/^(time\/|step_time|rollouts_per_s)/.test(name))),
  }));

const RUNS: [string, Partial<TrainConfig>][] = [
  ['GRPO', {}],
  ['GRPO with a reference model', { beta: 0.04 }],
  ['BNPO', { loss_type: 'bnpo' }],
  ['DAPO with clip-higher, dynamic sampling', { loss_type: 'dapo', epsilon_high: 0.28, dynamic_sampling: 2 }],
  ['Dr. GRPO without scaling', { loss_type: 'dr_grpo', scale_rewards: 'none' }],
  ['two updates a batch, accumulation', { num_iterations: 2, gradient_accumulation_steps: 2, per_device_train_batch_size: 4 }],
  ['gradient checkpointing', { gradient_checkpointing: true }],
  ['truncated sampling', { top_k: 12, top_p: 0.9, min_p: 0.01, repetition_penalty: 1.2, temperature: 0.8 }],
  ['eight-bit moments', { optim: 'adamw_torch_8bit' }],
  ['LoRA', { use_peft: true, lora_r: 4 }],
  ['SFT', { trainer: 'sft', per_device_train_batch_size: 3 }],
  ['SFT of an adapter', { trainer: 'sft', per_device_train_batch_size: 3, use_peft: true, lora_r: 4 }],
];

describe.skipIf(!hasTestDevice)('on a device that is not the CPU', () => {
  it.each(RUNS)('a run gives the CPU’s rollouts and figures: %s', async (_, changes) => {
    const run = async (device: string) => {
      const trainer = await start(device, changes);
      const results = untimed(await steps(trainer, 3));
      const held = await trainer.evaluate();
      trainer.dispose();
      return { results, held };
    };
    expectNear(await run(TEST_DEVICE), await run('cpu'), 2e-4);
  });

  it('a run in bfloat16 trains there, with weights and answers that are numbers', async () => {
    quiet();
    const trainer = await start(TEST_DEVICE, { dtype: 'bfloat16', beta: 0.04 });
    const results = await steps(trainer, 3);
    trainer.dispose();
    for (const { metrics } of results)
      for (const name of ['loss', 'grad_norm', 'reward', 'kl']) expect(metrics[name], name).toEqual(expect.any(Number));
  });

  it.each<[string, Partial<TrainConfig>]>([
    ['all weights', {}],
    ['eight-bit moments', { optim: 'adamw_torch_8bit' }],
    ['LoRA', { use_peft: true, lora_r: 4 }],
  ])('a run that is resumed goes on bit for bit, and its checkpoint is one that the CPU reads: %s', async (name, changes) => {
    const directory = join(tiny.directory, `checkpoint of ${name}`);
    const whole = await start(TEST_DEVICE, changes);
    const first = await steps(whole, 2);
    await whole.saveCheckpoint(directory);
    const rest = untimed(await steps(whole, 2));
    whole.dispose();
    const resume = async (device: string) => {
      const trainer = await start(device, changes, directory);
      const results = untimed(await steps(trainer, 2));
      trainer.dispose();
      return results;
    };
    expect(first).toHaveLength(2);
    expect(await resume(TEST_DEVICE)).toEqual(rest);
    expectNear(await resume('cpu'), rest, 2e-4);
  });
});

/** The tiny model's weights, on that device. */
function modelOn(device: string): Model {
  using source = tinyModel();
  const params = new Map([...source.params].map(([name, weight]) => [name, noGrad(() => torch.clone(weight.to({ device })))]));
  return new Model(source.family, source.config, params, 'float32', device);
}
const prompts = tinyPrompts();
const everyFifth = Array.from({ length: 20 }, (_, i) => 5 * i);

describe.skipIf(!hasTestDevice)('sampling on a device that is not the CPU', () => {
  const ways: [string, GenerateOptions][] = [
    ['greedy', { greedy: true, maxNewTokens: 30, n: 2 }],
    ['sampled, ended rows dropped', { n: 12, maxNewTokens: 40, seed: 2, eosTokenIds: everyFifth }],
    ['truncated', { n: 4, maxNewTokens: 20, topK: 20, topP: 0.9, minP: 0.05, seed: 3 }],
    ['repetition penalty', { n: 4, maxNewTokens: 24, repetitionPenalty: 1.4, seed: 4, eosTokenIds: everyFifth }],
  ];
  describe.each([true, false])('with a static cache: %s', (staticCache) => {
    it.each(ways)('draws the CPU’s tokens, though it looks at them every eighth time: %s', async (_, options) => {
      using there = modelOn(TEST_DEVICE);
      using here = modelOn('cpu');
      const found = await generate(there, prompts, { ...options, staticCache });
      expectNear(found, await generate(here, prompts, options), 1e-4);
    });

    it('waits for the device once in eight tokens', async () => {
      using model = modelOn(TEST_DEVICE);
      const draw = async (maxNewTokens: number) => {
        crossings();
        await generate(model, prompts, { n: 2, maxNewTokens, seed: 1, eosTokenIds: [], staticCache });
        return crossings();
      };
      await draw(48); // what is made once for a model
      const [short, long] = [await draw(8), await draw(48)];
      expect([short.toHost + short.values, long.toHost + long.values]).toEqual([1, 6]);
      expect(long.toDevice).toBe(short.toDevice);
    });
  });
});

it.skipIf(!hasTestDevice)('log-probabilities and gradients are the CPU’s', () =>
  scope(() => {
    const completions = [
      [[1], [2, 3, 4, 5, 99]],
      [[11, 12, 13]],
      [
        [14, 99],
        [20, 21, 22],
      ],
    ];
    const run = (device: string) => {
      const model = modelOn(device);
      model.setTrainable(() => true);
      const { logps } = groupLogps(model, prompts, completions);
      backward(torch.sum(logps));
      const gradients = [...model.params].map(([name, weight]) => [name, Array.from(weight.grad?.toFloat32() ?? [])]);
      return { logps: Array.from(logps.toFloat32()), gradients: Object.fromEntries(gradients) as Record<string, number[]> };
    };
    expectNear(run(TEST_DEVICE), run('cpu'), 1e-3);
  }),
);

/** Per step of two groups of four completions of eight tokens. A figure that grows is a wait that was added: write it down here, with its reason. */
describe.skipIf(!hasTestDevice)('what crosses between host and device', () => {
  it.each<[string, Partial<TrainConfig>, { toDevice: number; toHost: number; values: number }]>([
    // One reading of the tokens, two metrics by completion and one trace of them; six means and the gradient's norm.
    ['GRPO', {}, { toDevice: 47, toHost: 4, values: 7 }],
    [
      'GRPO in two micro-batches',
      { per_device_train_batch_size: 4, gradient_accumulation_steps: 2 },
      { toDevice: 72, toHost: 7, values: 13 },
    ],
    ['LoRA', { use_peft: true, lora_r: 4 }, { toDevice: 47, toHost: 4, values: 7 }],
    ['SFT', { trainer: 'sft', per_device_train_batch_size: 2 }, { toDevice: 15, toHost: 0, values: 4 }],
  ])('%s', async (_, changes, most) => {
    const trainer = await start(TEST_DEVICE, changes);
    await steps(trainer, 1);
    crossings();
    await steps(trainer, 1);
    expect(crossings()).toEqual(most);
    trainer.dispose();
  });

  const WEIGHTS = 45;
  it.each<[string, (trainer: Trainer) => Promise<unknown>, { toDevice: number; toHost: number; values: number }]>([
    ['an evaluation of six questions in one batch', (trainer) => trainer.evaluate(), { toDevice: 18, toHost: 1, values: 0 }],
    // Each weight with its two moments and its count of updates.
    [
      'a checkpoint',
      (trainer) => trainer.saveCheckpoint(join(tiny.directory, 'a checkpoint')),
      { toDevice: 0, toHost: 4 * WEIGHTS, values: 0 },
    ],
    // The same, and the weights of the reference.
    [
      'going on from one',
      async (trainer) => {
        const directory = join(tiny.directory, 'another checkpoint');
        await trainer.saveCheckpoint(directory);
        crossings();
        (await start(TEST_DEVICE, {}, directory)).dispose();
      },
      { toDevice: 5 * WEIGHTS, toHost: 0, values: 0 },
    ],
  ])('%s', async (_, work, most) => {
    const trainer = await start(TEST_DEVICE);
    await steps(trainer, 1);
    crossings();
    await work(trainer);
    expect(crossings()).toEqual(most);
    trainer.dispose();
  });

  it('does not grow with the length of the completions, but for the reading of every eighth token', async () => {
    const of = async (max_completion_length: number) => {
      const trainer = await start(TEST_DEVICE, { max_completion_length, reward_funcs: ['accuracy_tolerant'] });
      await steps(trainer, 1);
      crossings();
      await steps(trainer, 1);
      trainer.dispose();
      const { toHost, values } = crossings();
      return toHost + values;
    };
    expect((await of(32)) - (await of(8))).toBeLessThanOrEqual(3);
  });

  it('loads a model with one copy a weight', async () => {
    crossings();
    using model = await loadModel(tiny.model, { device: TEST_DEVICE, dtype: 'float32' });
    expect(crossings()).toEqual({ toDevice: WEIGHTS, toHost: 0, values: 0 });
    expect(model.params.size).toBe(WEIGHTS);
  });
});
