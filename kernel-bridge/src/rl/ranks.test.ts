import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WorkbenchError } from '../protocol/errors.ts';
import type { RewardSource, TrainConfig } from '../protocol/index.ts';
import type { StepResult } from '../protocol/step.ts';
import { agreed, alone, Shards, type Ranks } from './ranks.ts';
import type { RankTask } from './testing/rank-member.ts';
import { makeTiny, type Tiny } from './testing/tiny.ts';
import { hasTestDevice, TEST_DEVICE, type Crossings } from '../torch/testing/test-device.ts';

const member = fileURLToPath(new URL('testing/rank-member.ts', import.meta.url));

const LOSS_TYPES = ['grpo', 'dr_grpo', 'bnpo', 'dapo', 'cispo', 'sapo', 'luspo', 'vespo'] as const;

let tiny: Tiny;
let folder: string;
beforeAll(async () => {
  tiny = await makeTiny({ items: 12 });
  folder = mkdtempSync(join(tmpdir(), 'medr1-ranks-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await tiny[Symbol.asyncDispose]();
});

interface Trained {
  results: StepResult[];
  held: unknown;
  /** Messages of steps that a reward function refused. */
  refusals: string[];
  /** What crossed between host and device in rank 0's last step, where it was the device for tests. */
  crossed?: Crossings;
  also: { results: StepResult[]; held: unknown; weights: number }[];
  /** Hash of the checkpoint's tensors. */
  weights: string;
  save: string;
}

let runs = 0;
/** Trains with so many processes and gives all that must not depend on their number. */
async function train(size: number, changes: Partial<TrainConfig>, task: Partial<RankTask> = {}): Promise<Trained> {
  const name = join(folder, `run-${runs++}`);
  const file = `${name}.json`;
  const save = `${name}-checkpoint`;
  const config = tiny.config({ per_device_train_batch_size: 4, gradient_accumulation_steps: 4, ...changes });
  writeFileSync(file, JSON.stringify({ config, items: tiny.items, root: tiny.directory, steps: 3, save, ...task } satisfies RankTask));
  const rank = (number: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [member, file, String(number), String(size), `${name}-store`], { stdio: 'inherit' });
      child.on('error', reject);
      child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`rank ${number} of ${size} ended with ${code}`))));
    });
  await Promise.all(Array.from({ length: size }, (_, number) => rank(number)));
  const { results, refusals, held, crossed, also } = JSON.parse(readFileSync(`${file}.out`, 'utf8')) as Omit<Trained, 'weights' | 'save'>;
  const hash = createHash('sha256');
  for (const part of readdirSync(save).filter((part) => part.endsWith('.safetensors'))) hash.update(readFileSync(join(save, part)));
  return {
    results: results.map(untimed),
    held,
    refusals,
    crossed,
    also: also.map((one) => ({ ...one, results: one.results.map(untimed) })),
    weights: hash.digest('hex'),
    save,
  };
}

/** Wall times and waiting differ; nothing else may. */
const untimed = (result: StepResult): StepResult => ({
  ...result,
  metrics: Object.fromEntries(Object.entries(result.metrics).filter(([name]) => !/^(time\/|step_time|rollouts_per_s)/.test(name))),
});

describe('a run of several processes', () => {
  it('gives the bits of one process: metrics, rollouts, evaluation, weights and moments, through live edits, with rewards of a kernel that dies', async () => {
    const settings = { dp_shards: 4, loss_type: 'dapo', dynamic_sampling: 2 } as const;
    const served: RewardSource = { file: 'served.py', source: '', sha256: 'f00d', runtime: 'kernel', timeout_s: 60, on_timeout: 'pause' };
    const rewards = { weights: { accuracy_tolerant: 1, served: 0.5 }, sources: { served } };
    const edits: RankTask['edits'] = {
      1: { rewards: { ...rewards, weights: { accuracy_tolerant: 0.25, served: 2 } } },
      2: { settings: { num_generations: 2, learning_rate: 5e-3, max_completion_length: 6, dynamic_sampling: 1 } },
    };
    const task = { evaluate: true, rewards, edits };
    const one = await train(1, settings, task);
    expect(one.results.map(({ groups }) => groups[0].completions.length)).toEqual([4, 4, 2]);
    expect(one.results.map(({ metrics }) => metrics['reward_weights/served'])).toEqual([0.5, 2, 2]);
    expect(one.results.map(({ groups }) => groups.length)).toEqual([4, 4, 8]);
    expect(one.held).toMatchObject({ 'eval_rewards/served/mean': expect.any(Number) });
    for (const size of [2, 4]) {
      const { save: _, refusals, ...several } = await train(size, settings, { ...task, deaths: [2] });
      expect(several).toEqual({ results: one.results, held: one.held, weights: one.weights, also: [] });
      // Ranks are asked for one after another: the second call is rank 1's.
      expect(refusals).toEqual([expect.stringMatching(`^no kernel has served reward served for 0 s.*on rank 1 of ${size}`)]);
    }
  });

  it('gives them under every loss, with self-checks, adapters, and rollouts that are used again', async () => {
    const settings: Partial<TrainConfig>[] = [
      ...LOSS_TYPES.map((loss_type): Partial<TrainConfig> => ({ loss_type, mask_truncated_completions: true })),
      { importance_sampling_level: 'sequence', num_iterations: 2, beta: 0.1 },
      { probe_steps: 1, use_peft: true, lora_r: 4 },
      { trainer: 'sft', use_peft: true, lora_r: 4 },
    ];
    const batch = { dp_shards: 4, per_device_train_batch_size: 4, gradient_accumulation_steps: 4, probe_steps: 0 };
    const also = settings.map((changes) => tiny.config({ ...batch, ...changes }));
    const [one, two, four] = [await train(1, batch, { also }), await train(2, batch, { also }), await train(4, batch, { also })];
    settings.forEach((changes, i) => {
      const label = JSON.stringify(changes);
      expect(two.also[i], label).toEqual(one.also[i]);
      expect(four.also[i], label).toEqual(one.also[i]);
      expect(Object.keys(one.also[i].results[0].metrics).includes('check/image_gain/grey'), label).toBe(changes.probe_steps === 1);
    });
    expect(new Set(one.also.map(({ weights }) => weights)).size).toBeGreaterThan(4);
  });

  it('uses rollouts again, on the log-probabilities that each rank kept, and goes on from a checkpoint with another number', async () => {
    const settings = { dp_shards: 4, num_iterations: 2, scale_rewards: 'batch', max_steps: 6 } as const;
    const whole = await train(1, settings, { steps: 6 });
    const first = await train(2, settings, { steps: 3 }); // between two updates on the same rollouts
    const second = await train(1, settings, { steps: 1, resumeFrom: first.save });
    const third = await train(4, settings, { steps: 1, resumeFrom: second.save });
    const fourth = await train(2, settings, { steps: 1, resumeFrom: third.save });
    expect([first, second, third, fourth].flatMap(({ results }) => results)).toEqual(whole.results);
    expect(fourth.weights).toBe(whole.weights);
  });

  it('leaves out the same questions, also where rollouts of a checkpoint answer one whose image is gone', async () => {
    const settings = { dp_shards: 2, num_iterations: 2, max_steps: 6 } as const;
    const first = await train(2, settings, { steps: 1 }); // its rollouts are used once more
    const lost = tiny.items.find(({ id }) => id === first.results[0].groups[0].item_id)!;
    const items = tiny.items.map((item) => (item.id === lost.id ? { ...item, image: 'gone.png' } : item));
    const after = { steps: 4, items, resumeFrom: first.save, evaluate: true };
    const one = await train(1, settings, after);
    const { save, refusals: _, ...two } = await train(2, settings, after);
    expect(one.results.flatMap(({ groups }) => groups.map(({ item_id }) => item_id))).not.toContain(lost.id);
    expect(one.results[0].groups).not.toEqual([]); // asked anew
    expect(two).toEqual({ results: one.results, held: one.held, weights: one.weights, also: [] });
    const state = (save: string) => JSON.parse(readFileSync(join(save, 'trainer_state.json'), 'utf8')) as { left_out: unknown[] };
    expect(state(one.save).left_out).toMatchObject([{ id: lost.id }]);
    expect(state(save).left_out).toEqual(state(one.save).left_out);
  });

  it.each<Partial<TrainConfig>>([
    { dtype: 'bfloat16', bf16_update: 'stochastic' },
    { dtype: 'bfloat16', bf16_update: 'kahan', optim: 'adamw_torch_8bit' },
  ])('spreads the optimiser’s state, and saves all of it: %j', async (settings) => {
    const whole = await train(1, { dp_shards: 2, ...settings }, { steps: 4 });
    const first = await train(2, { dp_shards: 2, ...settings }, { steps: 2 });
    const second = await train(2, { dp_shards: 2, ...settings }, { steps: 2, resumeFrom: first.save });
    expect([...first.results, ...second.results]).toEqual(whole.results);
    expect(second.weights).toBe(whole.weights);
  });

  it('trains an adapter, and by SFT', async () => {
    for (const settings of [{ use_peft: true, lora_r: 4 }, { trainer: 'sft' }] as const) {
      const one = await train(1, { dp_shards: 2, ...settings });
      const two = await train(2, { dp_shards: 2, ...settings });
      expect([two.results, two.weights]).toEqual([one.results, one.weights]);
    }
  });
});

describe.skipIf(!hasTestDevice)('a run of several processes on devices that are not the CPU', () => {
  it('gives the bits of one process, and sends gradients and weights from device to device', async () => {
    const one = await train(1, { dp_shards: 2 }, { device: TEST_DEVICE });
    const two = await train(2, { dp_shards: 2 }, { device: TEST_DEVICE });
    const throughHost = await train(2, { dp_shards: 2 }, { device: TEST_DEVICE, throughHost: true });
    for (const { results, weights } of [two, throughHost]) expect([results, weights]).toEqual([one.results, one.weights]);
    // Through the host, the gradients' part and the weights' part of the one round go there and back. The tokens' log-probabilities never go.
    expect(two.crossed).toEqual({ toDevice: 73, toHost: 8, values: 14 });
    expect(throughHost.crossed).toEqual({ toDevice: 75, toHost: 10, values: 14 });
  });
});

describe('shards', () => {
  it('hold whole consecutive groups, and ranks hold consecutive shards', () => {
    const shards = new Shards(4, 8, { rank: 1, size: 2 });
    expect(shards.own).toEqual([2, 3]);
    expect(shards.places(2)).toEqual({ from: 4, to: 6 });
    expect([3, 4, 7].map((place) => shards.isOwn(place))).toEqual([false, true, true]);
  });
});

describe('what fails on one rank', () => {
  const failure = new WorkbenchError({ code: 'REWARD_THREW', message: 'it threw', remedy: 'mend it' });
  /** The second of two ranks, whose first came to `outcome`. */
  const second = (outcome: unknown): Ranks => ({
    ...alone,
    rank: 1,
    size: 2,
    gather: (value) => [{ outcome, calls: [] } as typeof value, value],
  });

  it('fails on all, by the name of the rank', async () => {
    await expect(agreed(second({ error: failure.toJSON() }), () => Promise.resolve(1))).rejects.toMatchObject({
      code: 'REWARD_THREW',
      message: 'it threw (on rank 0 of 2)',
      remedy: 'mend it',
    });
    await expect(agreed(second({ value: 1 }), () => Promise.reject(failure))).rejects.toMatchObject({
      message: 'it threw (on rank 1 of 2)',
    });
  });

  it('is what it is where there is one process', async () => {
    await expect(agreed(alone, () => Promise.reject(failure))).rejects.toBe(failure);
  });
});
