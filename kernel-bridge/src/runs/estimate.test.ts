import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { fakeStep } from '../../../test/server/fake-trainer.ts';
import type { Estimate, TrainConfig, VqaItem } from '../protocol/index.ts';
import { parseConfig } from '../models/index.ts';
import { weightShapes } from '../models/shapes.ts';
import { completeConfig } from './config.ts';
import { answeringBytes, estimate } from './estimate.ts';
import { memoryPhases, stateBytes } from './memory.ts';
import { readShape } from './model-files.ts';
import { measuredSpeed, stepFlops } from './speed.ts';
import { RunStore } from './store.ts';
import { workloadOf } from './workload.ts';

let directory: string;

/** Qwen2-VL-2B-Instruct's config.json. */
const CONFIG = {
  model_type: 'qwen2_vl',
  vocab_size: 151936,
  hidden_size: 1536,
  num_hidden_layers: 28,
  num_attention_heads: 12,
  num_key_value_heads: 2,
  intermediate_size: 8960,
  tie_word_embeddings: true,
  vision_config: { embed_dim: 1280, depth: 32, hidden_size: 1536, num_heads: 16, mlp_ratio: 4 },
};

/** A weight file of bfloat16 whose data is a hole. */
function writeHeaders(file: string, shapes: Map<string, number[]>): void {
  let end = 0;
  const entry = (shape: number[]) => ({ dtype: 'BF16', shape, data_offsets: [end, (end += shape.reduce((a, b) => a * b, 2))] });
  const header = Object.fromEntries([...shapes].map(([name, shape]) => [name, entry(shape)]));
  const bytes = Buffer.from(JSON.stringify({ ...header, __metadata__: { format: 'pt' } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  writeFileSync(file, Buffer.concat([length, bytes]));
  truncateSync(file, 8 + bytes.length + end);
}

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'medr1-estimate-'));
  writeFileSync(join(directory, 'config.json'), JSON.stringify(CONFIG));
  writeHeaders(join(directory, 'model.safetensors'), weightShapes(parseConfig(CONFIG)));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Med-R1's OCT split, with questions of the usual length. */
const items = Array.from(
  { length: 3798 },
  () => ({ question: 'What is the modality of this image, and what does it show?', options: ['CT', 'MRI'] }) as VqaItem,
);
const configOf = (changes: Partial<TrainConfig> = {}): TrainConfig =>
  completeConfig({ model_name_or_path: directory, dataset_name: 'x', dtype: 'bfloat16', ...changes });
const of = (changes: Partial<TrainConfig> = {}, availableBytes = 80e9): Estimate =>
  estimate(configOf(changes), items, { availableBytes, device: 'cuda' });

describe('an estimate', () => {
  it('counts weights, moments and the reference of the 2B model, and sums to its total', () => {
    const { parameters, memory, total_bytes } = of();
    expect(parameters).toBe(2208985600);
    expect(memory.weights).toBe(2 * parameters);
    expect(memory.optimizer).toBe(12 * parameters);
    expect(memory.reference).toBe(2 * parameters);
    expect(Object.values(memory).reduce((sum, part) => sum + part, 0)).toBe(total_bytes);
  });

  it("counts the tokenizer in the host's memory", () => {
    const onCpu = (): number => estimate(configOf(), items, { availableBytes: 80e9, device: 'cpu' }).memory.process;
    const without = onCpu();
    const file = join(directory, 'tokenizer.json');
    writeFileSync(file, ' '.repeat(1e6));
    try {
      expect(onCpu() - without).toBe(14e6);
      expect(of().memory.process).toBe(600 * 2 ** 20);
    } finally {
      rmSync(file);
    }
  });

  it.each<[string, Partial<TrainConfig>, number]>([
    ['float32 moments and masters', { dtype: 'bfloat16' }, 12],
    ['remainders in 16 bits', { dtype: 'bfloat16', bf16_update: 'kahan' }, 10],
    ['nothing beside the weights', { dtype: 'bfloat16', bf16_update: 'stochastic' }, 8],
    ['8-bit moments with their scales', { dtype: 'bfloat16', bf16_update: 'stochastic', optim: 'adamw_torch_8bit' }, 2 + 2 / 64],
    ['float32 weights', { dtype: 'float32' }, 8],
    ['an adapter, float32 over bfloat16', { dtype: 'bfloat16', use_peft: true }, 8],
  ])('counts the state of a trained weight: %s', (_, changes, bytes) => expect(stateBytes(configOf(changes))).toBe(bytes));

  it('counts both matrices of a tied model as the one that they are, and the widths of heads that together are wider than the hidden states', () => {
    const make = (changes: object, extra: [string, number[]][] = []): string => {
      const made = mkdtempSync(join(directory, 'made-'));
      const config = { ...CONFIG, ...changes };
      writeFileSync(join(made, 'config.json'), JSON.stringify(config));
      writeHeaders(join(made, 'model.safetensors'), new Map([...weightShapes(parseConfig(config)), ...extra]));
      return made;
    };
    const head: [string, number[]] = ['lm_head.weight', [151936, 1536]];
    expect(readShape(make({}, [head])).parameters).toBe(2208985600);
    expect(readShape(make({ tie_word_embeddings: false })).parameters).toBe(2208985600 + 151936 * 1536);

    const wide = readShape(make({ head_dim: 256, rope_scaling: { type: 'mrope', mrope_section: [32, 48, 48] } }));
    expect(wide).toMatchObject({ hidden: 1536, queryWidth: 3072, kvWidth: 512 });
    const kept = (shape: ReturnType<typeof readShape>): number => {
      const config = configOf({ beta: 0 });
      return memoryPhases(shape, config, workloadOf(config, items, shape), 0, 'cuda').forward.activations;
    };
    const { microQuestions, microCompletions, prompt, completion } = workloadOf(configOf(), items, wide);
    const rows = microQuestions * prompt + microCompletions * (completion - 1);
    const keys = 2 * 256 * (rows + microCompletions * (prompt + completion - 1));
    expect(kept(wide) - kept(readShape(directory))).toBe(28 * 2 * (3 * 1536 * rows + keys));
  });

  it('of several processes counts one of them: its share of the moments, its questions, gradients of its shards', () => {
    const settings = { per_device_train_batch_size: 8, gradient_accumulation_steps: 4, beta: 0 } as const;
    const [one, two, sharded] = [
      of(settings),
      of({ ...settings, devices: 2, processes: 2, dp_shards: 2 }),
      of({ ...settings, dp_shards: 2 }),
    ];
    expect(two.processes).toBe(2);
    expect(two.memory.optimizer).toBe(one.memory.optimizer / 2);
    expect(two.memory.kv_cache).toBe(one.memory.kv_cache / 2);
    // One process that computes both shards holds both gradients, and their sum.
    const shape = readShape(directory);
    const phases = memoryPhases(shape, configOf(settings), workloadOf(configOf(settings), items, shape), 0, 'cuda', { size: 1, shards: 2 });
    expect(phases['sum over shards'].gradients).toBe(3 * 2 * one.parameters);
    const ofTwo = memoryPhases(shape, configOf(settings), workloadOf(configOf(settings), items, shape), 0, 'cuda', { size: 2, shards: 1 });
    expect(ofTwo['sum over shards'].gradients).toBe(1.5 * 2 * one.parameters); // its own, and the sum for its share of the weights
    expect(sharded.total_bytes - one.total_bytes).toBe(2 * one.parameters); // the first shard's, while the second is computed
    expect(of({ ...settings, devices: 1, processes: 2, dp_shards: 2 }).available_bytes).toBe(40e9); // both on one device
    const onCpu = estimate(configOf({ ...settings, processes: 4, dp_shards: 4 }), items, { availableBytes: 80e9, device: 'cpu' });
    expect([onCpu.available_bytes, onCpu.least_devices]).toEqual([20e9, undefined]);
  });

  it('names the fewest devices on which a run fits, and none where no number does', () => {
    const settings = { per_device_train_batch_size: 8, gradient_accumulation_steps: 8, gradient_checkpointing: true, beta: 0 } as const;
    const least = (available: number) => of(settings, available);
    expect(least(80e9).least_devices).toBe(1);
    const small = least(28e9);
    expect(small.fits).toBe(false);
    expect(small.least_devices).toBeGreaterThan(1);
    expect(small.advice.at(-1)).toBe(`Fits on ${small.least_devices} devices like this one: devices ${small.least_devices}`);
    const n = small.least_devices!;
    expect(of({ ...settings, devices: n, processes: n, dp_shards: n }, 28e9).fits).toBe(true);
    expect(of({ ...settings, devices: n / 2, processes: n / 2, dp_shards: n / 2 }, 28e9).fits).toBe(false);
    expect(least(4e9).least_devices).toBeNull(); // the weights alone are more
  });

  it('drops what a switch drops', () => {
    expect(of({ beta: 0 }).memory.reference).toBe(0);
    expect(of({ freeze_vision: true }).trainable_parameters).toBe(1543714304);
    const phase = (changes: Partial<TrainConfig>) =>
      memoryPhases(readShape(directory), configOf(changes), workloadOf(configOf(changes), items, readShape(directory)), 0, 'cuda').forward;
    expect(phase({ gradient_checkpointing: true }).activations).toBeLessThan(phase({}).activations / 3);
    expect(of({ trainer: 'sft' }).memory.reference).toBe(0);
  });

  it('counts the cache of a GPU at all times, each completion with a prompt of its own in steps of 64 places', () => {
    const config = configOf({ num_generations: 8, per_device_train_batch_size: 8, max_completion_length: 100 });
    const work = { ...workloadOf(config, items, readShape(directory)), prompt: 300 };
    const cache = (device: 'cpu' | 'cuda') =>
      Object.values(memoryPhases(readShape(directory), config, work, 0, device)).map((m) => m.kv_cache);
    const perPlace = 28 * 2 * 256 * 2;
    expect(new Set(cache('cuda'))).toEqual(new Set([perPlace * 8 * (320 + 100)]));
    expect(
      cache('cpu')
        .toSorted((a, b) => b - a)
        .slice(0, 2),
    ).toEqual([perPlace * (300 + 8 * 100), 0]);
  });

  it("counts the weights of LoRA as PEFT does: rank 16 on the decoder's linear layers", () => {
    const layer = 2 * (1536 + 1536) + 2 * (1536 + 256) + 3 * (1536 + 8960);
    const { trainable_parameters, memory } = of({ use_peft: true });
    expect(trainable_parameters).toBe(28 * 16 * layer);
    expect(memory.weights).toBe(2 * 2208985600 + 4 * trainable_parameters);
    expect([memory.reference, memory.optimizer]).toEqual([0, 8 * trainable_parameters]);
    expect(of({ use_peft: true, lora_target_modules: ['q_proj'] }).trainable_parameters).toBe(28 * 16 * (1536 + 1536));
    expect(of({ use_peft: true, lora_target_modules: ['all-linear'] }).trainable_parameters).toBeGreaterThan(trainable_parameters);
  });

  it("gives Med-R1's steps: one epoch of OCT at 4 questions a step", () => {
    expect(of({ per_device_train_batch_size: 16, num_generations: 4 }).total_steps).toBe(949);
    expect(of({ num_iterations: 2, max_steps: -1, per_device_train_batch_size: 16, num_generations: 4 }).total_steps).toBe(1898);
    expect(of({ max_steps: 7 }).total_steps).toBe(7);
  });

  it('says which switches to turn when it does not fit, the largest saving first, and which together make it fit', () => {
    const { fits, advice, switches, total_bytes } = of({ dtype: 'float32' }, 24e9);
    expect(fits).toBe(false);
    expect(advice[0]).toMatch(/GiB too much/);
    const saved = switches!.map(({ saves_bytes }) => saves_bytes);
    expect(saved).toEqual(saved.toSorted((a, b) => b - a));
    expect(switches!.map(({ set }) => Object.keys(set)[0])).toEqual(expect.arrayContaining(['beta', 'dtype', 'optim', 'use_peft']));
    for (const { set, saves_bytes } of switches!) expect(of({ dtype: 'float32', ...set }).total_bytes).toBe(total_bytes - saves_bytes);
    expect(advice[1]).toMatch(/^Fits with .*: [\d.]+ GiB$/);
    const together = Object.fromEntries(
      advice[1]
        .slice('Fits with '.length)
        .split(': ')[0]
        .split(', ')
        .map((pair) => pair.split(' ')),
    ) as Record<string, string>;
    expect(together.use_peft).toBeUndefined();
    const changes = Object.fromEntries(
      Object.entries(together).map(([key, value]) => [key, /^\d|true|false/.test(value) ? JSON.parse(value) : value]),
    );
    expect(of({ dtype: 'float32', ...changes }, 24e9).fits).toBe(true);
  });

  it('keeps the targets for the 2B model, images of 384 pixels a side: 32 GB with float32 moments, 24 GB with switches, LoRA in 12 GB', () => {
    const needs = (changes: Partial<TrainConfig>): number =>
      estimate(configOf({ num_generations: 8, per_device_train_batch_size: 8, gradient_checkpointing: true, ...changes }), items, {
        availableBytes: 0,
        device: 'cuda',
        imagePixels: 384 * 384,
      }).total_bytes;
    expect(needs({ beta: 0, bf16_update: 'stochastic' })).toBeLessThan(32e9);
    expect(needs({ bf16_update: 'kahan', optim: 'adamw_torch_8bit' })).toBeLessThan(24e9);
    expect(needs({ use_peft: true })).toBeLessThan(12e9);
  });

  it('holds the machine to the limit of its container', async () => {
    vi.resetModules();
    vi.doMock('../machine.ts', () => ({ machine: () => ({ available: 3e9 }) }));
    const inContainer = await import('./estimate.ts');
    vi.doUnmock('../machine.ts');
    expect(inContainer.estimate(configOf(), items)).toMatchObject({ available_bytes: 3e9, fits: false });
  });

  it('names a directory that holds no weights', () => {
    expect(() => estimate(completeConfig({ model_name_or_path: tmpdir(), dataset_name: 'x' }), [])).toThrow(
      /not a model directory: config.json/,
    );
  });
});

describe('seconds a step', () => {
  it('come from the steps of runs on the same device, scaled by what a step computes; none without such a run', () => {
    const home = join(directory, 'home');
    const config = configOf();
    expect(measuredSpeed(home, config, 'cpu')).toBeNull();
    const id = '20261124-000000-aaaa';
    mkdirSync(join(home, 'runs', id), { recursive: true });
    {
      using store = RunStore.create(join(home, 'runs', id), { id, name: 'before', parent: null, config, root: '', data_hash: '' });
      store.started({ total_steps: 3, device: 'cpu' });
      [99, 10, 12].forEach((step_time, i) => {
        const step = fakeStep(i + 1);
        store.commitStep({ ...step, metrics: { ...step.metrics, step_time, 'completions/mean_length': 128 } });
        if (i === 1) expect(measuredSpeed(home, config, 'cpu')?.from).toBe('1 step of before');
      });
    }
    const speed = measuredSpeed(home, config, 'cpu')!;
    const work = { ...workloadOf(config, [], readShape(directory)), completion: 128 };
    expect(speed.flopsPerSecond).toBeCloseTo(stepFlops(readShape(directory), config, work) / 12, -6);
    expect(speed.from).toBe('2 steps of before');
    expect(measuredSpeed(home, config, 'cuda')).toBeNull();
    expect(measuredSpeed(home, configOf({ dtype: 'float32' }), 'cpu')).toBeNull();
    const seconds = (changes: Partial<TrainConfig>) => estimate(configOf(changes), items, { speed }).seconds_per_step!;
    expect(seconds({ max_completion_length: 512 })).toBeGreaterThan(seconds({}));
    expect(seconds({ gradient_accumulation_steps: 2 }) / seconds({})).toBeCloseTo(2, 5);
    expect(estimate(config, items).seconds_per_step).toBeNull();
  });
});

describe('a model that answers', () => {
  const asking = { dtype: null, batch: 1, max_new_tokens: 256, max_pixels: 401408 };
  const bytes = (changes = {}, device: 'cpu' | 'cuda' = 'cuda') => answeringBytes({ model: directory, ...asking, ...changes }, device);

  it('takes its weights, in the precision of the device, a cache for its completions and the process', () => {
    const { parameters } = readShape(directory);
    expect(bytes()).toBeGreaterThan(2 * parameters);
    expect(bytes()).toBeLessThan(2 * parameters + 2 ** 31); // no gradients, no moments
    expect(bytes({}, 'cpu')).toBeGreaterThan(4 * parameters);
    expect(bytes({ dtype: 'float32' }) - bytes()).toBeGreaterThanOrEqual(2 * parameters);
    expect(bytes({ batch: 16 })).toBeGreaterThan(bytes({ batch: 8 }));
  });
});
