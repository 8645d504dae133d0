import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { TrainConfig } from '../protocol/index.ts';
import { torch } from '../torch/index.ts';
import { createTrainer } from './index.ts';
import type { microBatches } from './micro-batches.ts';
import { makeTiny, type Tiny } from './testing/tiny.ts';

type Groups = Parameters<typeof microBatches>[0];
/** What a test does to the images on their way into the training forward; the sampler's stay what they are. */
let breaks: (groups: Groups) => Groups = (groups) => groups;

vi.mock('./micro-batches.ts', async (original) => {
  const whole = (await original()) as { microBatches: typeof microBatches };
  return { ...whole, microBatches: (groups: Groups, ...rest: [number, number?]) => whole.microBatches(breaks(groups), ...rest) };
});

let tiny: Tiny;
beforeEach(async () => {
  breaks = (groups) => groups;
  tiny = await makeTiny({ items: 9, std: 0.6 });
});
afterEach(() => tiny[Symbol.asyncDispose]());

async function train(changes: Partial<TrainConfig>, steps: number) {
  const trainer = await createTrainer({ config: tiny.config(changes), items: tiny.items, evalItems: [], root: tiny.directory });
  const dir = await mkdtemp(join(tmpdir(), 'medr1-probe-'));
  try {
    const made = [];
    for (let step = 0; step < steps; step++) made.push(await trainer.trainStep());
    await trainer.saveCheckpoint(join(dir, 'c'));
    const weights = await readFile(join(dir, 'c', 'model.safetensors'));
    return { made, weights };
  } finally {
    trainer.dispose();
    await rm(dir, { recursive: true });
  }
}

const checks = (metrics: Record<string, number | null>): string[] =>
  Object.keys(metrics).filter((name) => /^(check|sampling)\//.test(name));

it.each([1, 2])(
  'changes no bit of what is trained (%i updates a batch), and checks at step 1 and every probe_steps after it',
  async (num_iterations) => {
    const [without, withProbes] = [await train({ probe_steps: 0, num_iterations }, 5), await train({ probe_steps: 2, num_iterations }, 5)];
    expect(withProbes.weights.equals(without.weights)).toBe(true);
    expect(withProbes.made.map(({ groups }) => groups)).toEqual(without.made.map(({ groups }) => groups));
    expect(withProbes.made.map(({ metrics }) => checks(metrics).length)).toEqual([8, 0, 8, 0, 8]);
    expect(without.made.flatMap(({ metrics }) => checks(metrics))).toEqual([]);
  },
);

it('sampler and training forward agree to rounding, and images have an effect', async () => {
  const { made } = await train({ probe_steps: 1 }, 1);
  const [{ metrics }] = made;
  expect(metrics['sampling/sampling_logp_difference/max']!).toBeLessThan(1e-4);
  for (const other of ['grey', 'swapped']) expect(metrics[`check/image_sensitivity/${other}`]!).toBeGreaterThan(1e-4);
});

const grey = ({ prompt, completions }: Groups[number]): Groups[number] => ({
  prompt: { ...prompt, images: prompt.images.map((image) => ({ ...image, pixelValues: torch.mul(image.pixelValues, 0) })) },
  completions,
});
const imagesOf = (from: Groups[number], { prompt, completions }: Groups[number]): Groups[number] => ({
  prompt: { ...prompt, images: from.prompt.images },
  completions,
});

it('in bfloat16 the two differ by its rounding, which is no image mixed up', async () => {
  const config = { probe_steps: 1, dtype: 'bfloat16', per_device_train_batch_size: 32 } as const;
  const [right] = (await train(config, 1)).made;
  expect(right.metrics['sampling/sampling_logp_difference/mean']!).toBeGreaterThan(1e-5);
  expect(right.metrics['sampling/sampling_logp_difference/mean']!).toBeLessThan(0.02);
  expect(right.metrics['check/images_elsewhere']).toBe(0);
  breaks = (groups) => groups.map((group, i) => imagesOf(groups.at(i - 1)!, group));
  const [rolled] = (await train(config, 1)).made;
  expect(rolled.metrics['check/images_elsewhere']).toBe(1);
});

it('finds images that never reach the training forward: exactly no effect', async () => {
  breaks = (groups) => groups.map(grey);
  const { made } = await train({ probe_steps: 1 }, 1);
  const [{ metrics }] = made;
  expect([metrics['check/image_sensitivity/grey'], metrics['check/image_sensitivity/swapped']]).toEqual([0, 0]);
  expect(metrics['sampling/sampling_logp_difference/mean']!).toBeGreaterThan(1e-4);
  expect([metrics['check/images_unseen'], metrics['check/images_elsewhere']]).toEqual([1, 0]);
});

it.each<[string, unseen: number, elsewhere: number, (groups: Groups) => Groups]>([
  ['all in order', 0, 0, (groups) => groups],
  ['every second one lost', 0.5, 0, (groups) => groups.map((group, i) => (i % 2 ? grey(group) : group))],
  ['rolled by one', 0, 1, (groups) => groups.map((group, i) => imagesOf(groups.at(i - 1)!, group))],
  ['rolled by three', 0, 1, (groups) => groups.map((group, i) => imagesOf(groups.at(i - 3)!, group))],
  ['one of eight with that of its neighbour', 0, 1 / 8, (groups) => groups.with(3, imagesOf(groups[2], groups[3]))],
  ['all those of the first', 0, 7 / 8, (groups) => groups.map((group) => imagesOf(groups[0], group))],
])('counts the questions of the probe whose image is lost or with another: %s', async (_, unseen, elsewhere, broken) => {
  breaks = broken;
  const { made } = await train({ probe_steps: 1, per_device_train_batch_size: 32, num_generations: 4 }, 1);
  const [{ metrics }] = made;
  expect([metrics['check/images_unseen'], metrics['check/images_elsewhere']]).toEqual([unseen, elsewhere]);
});

it('leaves out what cannot be asked of questions without images', async () => {
  const items = tiny.items.map((item) => ({ ...item, image: '' }));
  const trainer = await createTrainer({ config: tiny.config({ probe_steps: 1 }), items, evalItems: [], root: tiny.directory });
  const { metrics } = await trainer.trainStep();
  trainer.dispose();
  expect(checks(metrics)).toEqual(['sampling/sampling_logp_difference/mean', 'sampling/sampling_logp_difference/max']);
});
