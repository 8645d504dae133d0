/** Commands that take a model, given a LoRA adapter's directory. */
import { cp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { fakeStep } from '../../../test/server/fake-trainer.ts';
import { modelHash } from '../evals/identity.ts';
import { loadModel, loadProcessor, saveModel } from '../models/index.ts';
import { createTrainer } from '../rl/index.ts';
import { makeTiny, type Tiny } from '../rl/testing/tiny.ts';
import { writeCheckpoint } from '../runs/checkpoints.ts';
import { estimate } from '../runs/estimate.ts';
import { runsDirectory } from '../runs/home.ts';
import { checkModel } from '../runs/runs.ts';
import { RunStore } from '../runs/store.ts';
import { readSafetensors } from '../torch/index.ts';
import { register as registerGenerate } from './generate.ts';
import { register as registerReplay } from './replay.ts';
import { register as registerRuns } from './runs.ts';
import { register as registerScore } from './score.ts';

const RUN = '20261124-000000-abcd';
let tiny: Tiny;
let adapter: string;
let batch: string;

async function run(...args: string[]): Promise<string> {
  const program = new Command().exitOverride();
  for (const register of [registerGenerate, registerReplay, registerRuns, registerScore]) register(program);
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const quiet = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    await program.parseAsync(args, { from: 'user' });
    return write.mock.calls.map(([text]) => String(text)).join('');
  } finally {
    write.mockRestore();
    quiet.mockRestore();
  }
}
const json = async (...args: string[]) => JSON.parse(await run(...args, '--json'));

beforeAll(async () => {
  tiny = await makeTiny();
  vi.stubEnv('MEDR1_HOME', join(tiny.directory, 'home'));
  const config = tiny.config({ use_peft: true, lora_r: 4, learning_rate: 3e-2 });
  const trainer = await createTrainer({ config, items: tiny.items, evalItems: [], root: tiny.directory });
  for (let i = 0; i < 3; i++) await trainer.trainStep();
  const directory = join(runsDirectory(process.env.MEDR1_HOME!), RUN);
  mkdirSync(directory, { recursive: true });
  using store = RunStore.create(directory, { id: RUN, name: 'x', parent: null, config, root: '', data_hash: '' });
  store.commitStep(fakeStep(1));
  await writeCheckpoint(store, (dir) => trainer.saveCheckpoint(dir), { reason: 'final', pinned: true, keep: 2 });
  trainer.dispose();
  adapter = store.checkpoints()[0].path;
  batch = join(tiny.directory, 'batch.jsonl');
  const row = { image: 'Images/0.png', prompt: 'it is', completions: ['A B C', 'B', [10, 2]], rewards: { accuracy: [1, 0, 0] } };
  await writeFile(batch, JSON.stringify(row));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await tiny[Symbol.asyncDispose]();
});

const scores = async (model: string): Promise<number[]> =>
  (await json('score', '--model', model, '--batch', batch))[0].completions.flatMap(({ logprobs }: { logprobs: number[] }) => logprobs);

it('score and generate answer with the adapter on', async () => {
  const [adapted, base] = [await scores(adapter), await scores(tiny.model)];
  expect(Math.max(...adapted.map((logp, i) => Math.abs(logp - base[i])))).toBeGreaterThan(1e-2);
  const answer = (model: string) => json('generate', '--model', model, '--prompt', 'it is', '--max-new-tokens', '4', '--seed', '1');
  const [{ logprobs }] = (await answer(adapter)).completions;
  expect(logprobs).not.toEqual((await answer(tiny.model)).completions[0].logprobs);
});

it("replay gives the adapter's gradient, and takes KL to the base model when that is the reference", async () => {
  const own = await json('replay', '--model', adapter, '--batch', batch);
  const toBase = await json('replay', '--model', adapter, '--batch', batch, '--ref', tiny.model);
  const whole = await json('replay', '--model', adapter, '--batch', batch, '--set', 'beta=0');
  expect([own.kl, toBase.kl > 0]).toEqual([0, true]);
  expect(own.grad_norm).toBeGreaterThan(0);
  expect(whole.advantages).toEqual(own.advantages);
});

it('runs export --format model merges the adapter into a directory that scores the same', async () => {
  const out = join(tiny.directory, 'exported');
  await run('runs', 'export', RUN, out, '--format', 'model');
  expect((await readdir(out)).toSorted()).toEqual([
    'chat_template.jinja',
    'config.json',
    'generation_config.json',
    'model.safetensors',
    'preprocessor_config.json',
    'tokenizer.json',
    'tokenizer_config.json',
  ]);
  const [merged, adapted] = [await scores(out), await scores(adapter)];
  merged.forEach((logp, i) => expect(logp).toBeCloseTo(adapted[i], 4));
  await expect(run('runs', 'export', RUN, `${out}-5`, '--format', 'model', '--step', '5')).rejects.toMatchObject({
    code: 'CHECKPOINT_UNKNOWN',
  });
  await expect(run('runs', 'export', RUN, `${out}-csv`, '--step', '1')).rejects.toThrow(/--format model/);
});

it('an adapter with a processor of its own, as trainers in Python write it, ends completions as its base model does', async () => {
  const own = join(tiny.directory, 'own-processor');
  await cp(adapter, own, { recursive: true });
  await rm(join(own, 'generation_config.json'));
  await rename(join(own, 'preprocessor_config.json'), join(own, 'image.json'));
  const image_processor = JSON.parse(await readFile(join(own, 'image.json'), 'utf8'));
  await writeFile(join(own, 'processor_config.json'), JSON.stringify({ image_processor }));
  await writeFile(join(own, 'chat_template.jinja'), 'A');
  const processor = await loadProcessor(own);
  expect([processor.eosTokenIds, (await processor.prompt({ text: 'it' })).inputIds]).toEqual([[2, 0], [8]]);
  const merged = join(tiny.directory, 'own-merged');
  using model = await loadModel(own, { merge: true });
  await saveModel(model, merged, own);
  expect((await loadProcessor(merged)).eosTokenIds).toEqual([2, 0]);
});

it('an adapter counts as another model when its base model changes', async () => {
  const before = [modelHash(adapter), modelHash(tiny.model)];
  const config = join(tiny.model, 'config.json');
  const text = await readFile(config, 'utf8');
  await writeFile(config, `${text} `);
  const after = [modelHash(adapter), modelHash(tiny.model)];
  await writeFile(config, text);
  expect(after.map((hash, i) => hash === before[i])).toEqual([false, false]);
  expect(modelHash(adapter)).toBe(before[0]);
  const images = join(tiny.model, 'processor_config.json'); // which transformers 5 and the processor here prefer
  await writeFile(images, '{}');
  expect(modelHash(tiny.model)).not.toBe(before[1]);
  await rm(images);
});

it("the planner counts the given adapter's own matrices, and a copy of them for the reference", async () => {
  const planned = (changes: object) => estimate(tiny.config({ use_peft: true, lora_r: 64, ...changes }), tiny.items);
  const weights = readSafetensors(join(adapter, 'adapter_model.safetensors'));
  const elements = [...weights.values()].reduce((sum, weight) => sum + weight.numel, 0);
  const given = planned({ model_name_or_path: adapter });
  expect(given.trainable_parameters).toBe(elements);
  expect(planned({}).trainable_parameters).toBe((64 / 4) * elements);
  expect([
    given.memory.reference,
    planned({ model_name_or_path: adapter, beta: 0 }).memory.reference,
    planned({}).memory.reference,
  ]).toEqual([4 * elements, 0, 0]);
});

it('a run on an adapter is refused when its weights or its base model are gone', async () => {
  checkModel(adapter);
  const pickled = join(tiny.directory, 'pickled');
  await cp(adapter, pickled, { recursive: true });
  await rename(join(pickled, 'adapter_model.safetensors'), join(pickled, 'adapter_model.bin'));
  expect(() => checkModel(pickled)).toThrow(/pickled has adapter_config\.json but no adapter_model\.safetensors/);
  await rm(tiny.model, { recursive: true });
  expect(() => checkModel(adapter)).toThrow(
    expect.objectContaining({
      message: expect.stringMatching(/model directory .*model does not exist/) as string,
      remedy: expect.stringMatching(/^Name a directory/) as string, // commands call it --model, notebooks model
    }),
  );
});
