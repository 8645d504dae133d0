/** Runs that train a LoRA adapter. */
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrainConfig } from '../protocol/index.ts';
import { loadModel } from '../models/index.ts';
import { memoryStats } from '../torch/index.ts';
import type { StepResult } from '../protocol/step.ts';
import { createTrainer, type Trainer } from './index.ts';
import { makeTiny, type Tiny } from './testing/tiny.ts';

let tiny: Tiny;
beforeAll(async () => {
  tiny = await makeTiny();
});
afterAll(() => tiny[Symbol.asyncDispose]());

const start = (changes: Partial<TrainConfig> = {}, resumeFrom?: string): Promise<Trainer> =>
  createTrainer({
    config: tiny.config({ use_peft: true, lora_r: 4, learning_rate: 1e-2, ...changes }),
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

/** A checkpoint after some steps, and what they gave. */
async function trained(name: string, count: number, changes: Partial<TrainConfig> = {}, resumeFrom?: string) {
  const trainer = await start(changes, resumeFrom);
  const results = await steps(trainer, count);
  const directory = join(tiny.directory, name);
  await trainer.saveCheckpoint(directory);
  trainer.dispose();
  return { directory, results };
}

const untimed = (results: StepResult[]) =>
  results.map(({ groups, metrics }) => ({
    groups,
    metrics: Object.entries(metrics).filter(([name]) => !/^(time\/|step_time|rollouts_per_s)/.test(name)),
  }));

describe('a run with use_peft', () => {
  it('raises the reward and writes the adapter alone, in the files of PEFT', async () => {
    const base = await readFile(join(tiny.model, 'model.safetensors'));
    const { directory, results } = await trained('raised', 30, {
      max_steps: 30,
      per_device_train_batch_size: 32,
      num_generations: 8,
      lr_scheduler_type: 'constant',
      learning_rate: 1e-2,
      lora_alpha: 8,
      beta: 0,
    });
    const rewards = results.map(({ metrics }) => metrics.reward!);
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(rewards.slice(-5))).toBeGreaterThan(mean(rewards.slice(0, 5)) + 0.3);
    const files = await readdir(directory);
    expect(files).toEqual(expect.arrayContaining(['adapter_config.json', 'adapter_model.safetensors', 'tokenizer.json']));
    expect(files).not.toContain('model.safetensors');
    expect((await readFile(join(tiny.model, 'model.safetensors'))).equals(base)).toBe(true);
    expect(JSON.parse(await readFile(join(directory, 'adapter_config.json'), 'utf8'))).toMatchObject({
      base_model_name_or_path: tiny.model,
      r: 4,
      lora_alpha: 8,
    });
  });

  it.each<[string, Partial<TrainConfig>]>([
    ['plain', {}],
    ['between two updates on one batch', { num_iterations: 2 }],
    ['bfloat16, checkpointing', { dtype: 'bfloat16', gradient_checkpointing: true }],
    ['every linear layer', { lora_target_modules: ['all-linear'] }],
    ['sft', { trainer: 'sft', per_device_train_batch_size: 3 }],
  ])('goes on from a checkpoint bit for bit: %s', async (name, changes) => {
    const whole = await trained(`${name}-whole`, 5, changes);
    const half = await trained(`${name}-half`, 3, changes);
    const rest = await trained(`${name}-rest`, 2, changes, half.directory);
    expect(untimed(rest.results)).toEqual(untimed(whole.results.slice(3)));
    for (const file of ['adapter_model.safetensors', 'optimizer.safetensors']) {
      expect((await readFile(join(rest.directory, file))).equals(await readFile(join(whole.directory, file))), file).toBe(true);
    }
  });

  it('takes its KL to the model with the adapter off, without a second copy of the weights', async () => {
    const bytes = async (beta: number): Promise<number> => {
      const before = memoryStats().bytes;
      const trainer = await start({ beta });
      const held = memoryStats().bytes - before;
      trainer.dispose();
      return held;
    };
    expect(await bytes(0.04)).toBe(await bytes(0));
    const { results } = await trained('kl', 3);
    expect(results[0].metrics.kl).toBeCloseTo(0, 6);
    expect(results[2].metrics.kl).toBeGreaterThan(1e-6);
  });

  it('takes the same steps with gradient_checkpointing, but for rounding', async () => {
    const plain = await trained('plain', 2);
    const again = await trained('again', 2, { gradient_checkpointing: true });
    plain.results.forEach(({ metrics }, i) => {
      for (const name of ['loss', 'grad_norm', 'kl']) expect(again.results[i].metrics[name]).toBeCloseTo(metrics[name]!, 4);
    });
  });

  it('goes on with an adapter given as the model, which is then the reference', async () => {
    const first = await trained('given', 3);
    const second = await trained('further', 2, { model_name_or_path: first.directory });
    expect(second.results[0].metrics.kl).toBeCloseTo(0, 6);
    expect(second.results[1].metrics.kl).toBeGreaterThan(0);
    const resumed = await trained('further-rest', 1, { model_name_or_path: first.directory }, second.directory);
    const straight = await trained('further-whole', 3, { model_name_or_path: first.directory });
    expect(untimed(resumed.results)).toEqual(untimed(straight.results.slice(2)));
  });

  it('trains all weights of an adapter given as the model when use_peft is off', async () => {
    const first = await trained('to-merge', 3);
    const full = await trained('merged', 1, { model_name_or_path: first.directory, use_peft: false });
    expect(full.results[0].metrics.kl).toBe(0);
    expect(await readdir(full.directory)).toContain('model.safetensors');
    using model = await loadModel(full.directory);
    expect(model.adapter).toBeNull();
  });

  it.each([true, false])('goes on from an adapter as PEFT writes it, without a file of a processor; use_peft %s', async (use_peft) => {
    const { directory } = await trained(`whole-adapter-${use_peft}`, 1);
    const bare = join(tiny.directory, `bare-${use_peft}`);
    await mkdir(bare);
    await cp(join(directory, 'adapter_model.safetensors'), join(bare, 'adapter_model.safetensors'));
    const config = JSON.parse(await readFile(join(directory, 'adapter_config.json'), 'utf8'));
    await writeFile(join(bare, 'adapter_config.json'), JSON.stringify({ ...config, base_model_name_or_path: '../model' }));
    const changes = { model_name_or_path: bare, use_peft };
    const half = await trained(`bare-half-${use_peft}`, 1, changes);
    const rest = await trained(`bare-rest-${use_peft}`, 1, changes, half.directory);
    const whole = await trained(`bare-whole-${use_peft}`, 2, changes);
    expect(untimed(rest.results)).toEqual(untimed(whole.results.slice(1)));
  });

  it('says so when a checkpoint is of a run that trained other weights', async () => {
    const full = await trained('full', 1, { use_peft: false });
    await expect(start({}, full.directory)).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringContaining('optimiser state'),
    });
    const adapter = await trained('adapter', 1);
    await rm(join(adapter.directory, 'adapter_model.safetensors'));
    await expect(start({}, adapter.directory)).rejects.toThrow(/no adapter_model\.safetensors/);
  });
});
