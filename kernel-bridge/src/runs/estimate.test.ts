import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrainConfig, VqaItem } from '../protocol/index.ts';
import { completeConfig } from './config.ts';
import { estimate } from './estimate.ts';

let directory: string;

/** Qwen2-VL-2B's shapes, in a file of headers without data. */
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'medr1-estimate-'));
  const text = {
    vocab_size: 151936,
    hidden_size: 1536,
    num_hidden_layers: 28,
    num_attention_heads: 12,
    num_key_value_heads: 2,
    intermediate_size: 8960,
  };
  writeFileSync(
    join(directory, 'config.json'),
    JSON.stringify({ model_type: 'qwen2_vl', ...text, vision_config: { embed_dim: 1280, depth: 32 } }),
  );
  const header = { 'model.rest': { shape: [1543714304] }, 'visual.rest': { shape: [665271296] }, __metadata__: { format: 'pt' } };
  const bytes = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  writeFileSync(join(directory, 'model.safetensors'), Buffer.concat([length, bytes]));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const items = Array.from({ length: 3798 }, () => ({}) as VqaItem);
const of = (changes: Partial<TrainConfig> = {}, availableBytes = 80e9) =>
  estimate(completeConfig({ model_name_or_path: directory, dataset_name: 'x', dtype: 'bfloat16', ...changes }), items, availableBytes);

describe('an estimate', () => {
  it('counts weights, gradients, moments and the reference of the 2B model', () => {
    const { parameters, memory } = of();
    expect(parameters).toBe(2208985600);
    expect(memory.weights).toBe(2 * parameters);
    expect(memory.gradients).toBe(2 * parameters);
    expect(memory.optimizer).toBe(12 * parameters);
    expect(memory.reference).toBe(2 * parameters);
  });

  it('drops what a switch drops', () => {
    expect(of({ beta: 0 }).memory.reference).toBe(0);
    expect(of({ freeze_vision: true }).trainable_parameters).toBe(1543714304);
    expect(of({ gradient_checkpointing: true }).memory.activations).toBeLessThan(of().memory.activations / 3);
    expect(of({ trainer: 'sft' }).memory.kv_cache).toBe(0);
  });

  it("gives Med-R1's steps: one epoch of OCT at 4 questions a step", () => {
    expect(of({ per_device_train_batch_size: 16, num_generations: 4 }).total_steps).toBe(949);
    expect(of({ num_iterations: 2, max_steps: -1, per_device_train_batch_size: 16, num_generations: 4 }).total_steps).toBe(1898);
    expect(of({ max_steps: 7 }).total_steps).toBe(7);
  });

  it('says which switches to turn when it does not fit, the largest saving first', () => {
    const { fits, advice } = of({ dtype: 'float32' }, 24e9);
    expect(fits).toBe(false);
    expect(advice[0]).toMatch(/GiB too much/);
    const saved = advice.slice(1).map((line) => Number(/([\d.]+) GiB/.exec(line)![1]));
    expect(saved).toEqual(saved.toSorted((a, b) => b - a));
    expect(advice.join()).toContain('beta 0');
  });

  it('names a directory that holds no weights', () => {
    expect(() => estimate(completeConfig({ model_name_or_path: tmpdir(), dataset_name: 'x' }), [])).toThrow(
      /no model directory: config.json/,
    );
  });
});
