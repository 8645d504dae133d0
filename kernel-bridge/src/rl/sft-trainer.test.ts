import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeMetric, type TrainConfig } from '../protocol/index.ts';
import { loadProcessor } from '../models/index.ts';
import { createTrainer, type Trainer } from './index.ts';
import { targetIds } from './sft-trainer.ts';
import { makeTiny, type Tiny } from './testing/tiny.ts';

let tiny: Tiny;
beforeAll(async () => {
  tiny = await makeTiny();
});
afterAll(() => tiny[Symbol.asyncDispose]());

const start = (changes: Partial<TrainConfig> = {}, resumeFrom?: string): Promise<Trainer> =>
  createTrainer({
    config: tiny.config({
      trainer: 'sft',
      per_device_train_batch_size: 6,
      learning_rate: 1e-2,
      max_steps: 12,
      reward_funcs: ['accuracy', 'format'],
      variant: 'no-think',
      ...changes,
    }),
    items: tiny.items,
    evalItems: tiny.items,
    root: tiny.directory,
    resumeFrom,
  });

describe('SFT', () => {
  it('teaches the solution and the end token, nothing before and nothing after', async () => {
    const processor = await loadProcessor(tiny.model);
    expect(processor.decode(targetIds(processor, 'C'), { skipSpecialTokens: false })).toBe('<answer> C </answer> <|im_end|>');
  });

  it('learns the answers, and its metrics are in the table', async () => {
    const trainer = await start();
    const metrics = [];
    for (let i = 0; i < 12; i++) metrics.push((await trainer.trainStep()).metrics);
    for (const name of Object.keys(metrics[0])) expect(describeMetric(name), name).toBeDefined();
    expect(metrics.at(-1)!.loss!).toBeLessThan(metrics[0].loss! / 2);
    expect(metrics.at(-1)!.mean_token_accuracy).toBeGreaterThan(0.7);
    const evaluated = (await trainer.evaluate())!;
    expect(evaluated).toMatchObject({ 'eval_rewards/format/mean': 1, eval_items: 6 });
    for (const name of ['eval_accuracy', 'eval_accuracy_tolerant']) {
      expect(evaluated[`${name}_low`]).toBeLessThan(evaluated[name]! || 1);
      expect(evaluated[`${name}_high`]! - evaluated[`${name}_low`]!).toBeGreaterThan(0.3); // six questions say little
    }
    trainer.dispose();
  });

  it('gives the same update whatever the micro-batches', async () => {
    const whole = await start();
    const parts = await start({ per_device_train_batch_size: 2, gradient_accumulation_steps: 3 });
    const [a, b] = [(await whole.trainStep()).metrics, (await parts.trainStep()).metrics];
    expect(b.loss).toBeCloseTo(a.loss!, 5);
    expect(b.grad_norm).toBeCloseTo(a.grad_norm!, 4);
    whole.dispose();
    parts.dispose();
  });

  it('goes on from a checkpoint bit for bit', async () => {
    const straight = await start();
    for (let i = 0; i < 4; i++) await straight.trainStep();
    await straight.saveCheckpoint(join(tiny.directory, 'sft-4'));
    const first = await start();
    for (let i = 0; i < 2; i++) await first.trainStep();
    await first.saveCheckpoint(join(tiny.directory, 'sft-2'));
    const second = await start({}, join(tiny.directory, 'sft-2'));
    for (let i = 0; i < 2; i++) await second.trainStep();
    await second.saveCheckpoint(join(tiny.directory, 'sft-2-4'));
    const weights = (name: string) => readFile(join(tiny.directory, name, 'model.safetensors'));
    expect((await weights('sft-2-4')).equals(await weights('sft-4'))).toBe(true);
    for (const trainer of [straight, first, second]) trainer.dispose();
  });
});
