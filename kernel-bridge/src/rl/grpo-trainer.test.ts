import { cp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeMetric, type RewardSet, type TrainConfig } from '../protocol/index.ts';
import { loadModel, saveModel } from '../models/index.ts';
import { memoryStats, noGrad, torch } from '../torch/index.ts';
import { rewardSource } from '../rewards/index.ts';
import type { StepResult } from '../protocol/step.ts';
import { createTrainer, type Trainer } from './index.ts';
import { makeTiny, type Tiny } from './testing/tiny.ts';

let tiny: Tiny;
beforeAll(async () => {
  tiny = await makeTiny();
});
afterAll(() => tiny[Symbol.asyncDispose]());

const start = (changes: Partial<TrainConfig> = {}, resumeFrom?: string, rewards?: RewardSet): Promise<Trainer> =>
  createTrainer({ config: tiny.config(changes), items: tiny.items, evalItems: tiny.items, root: tiny.directory, rewards, resumeFrom });

async function steps(trainer: Trainer, count: number): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (let i = 0; i < count; i++) results.push(await trainer.trainStep());
  return results;
}

const tokensOf = (groups: StepResult['groups']) => groups.map(({ completions }) => completions.map(({ token_ids }) => token_ids));

/** What must repeat exactly: everything but wall times. */
const untimed = (results: StepResult[]) =>
  results.map(({ step, metrics, groups, ratios }) => ({
    step,
    groups,
    ratios,
    metrics: Object.fromEntries(Object.entries(metrics).filter(([name]) => !/^(time\/|step_time|rollouts_per_s)/.test(name))),
  }));

/** Images that were being decoded when a trainer was disposed are freed once they are done. */
const SETTLES = { timeout: 10_000 };

const weights = (directory: string) => readFile(join(directory, 'model.safetensors'));

describe('a GRPO run', () => {
  it('keeps the processor of a model that is moved while it trains, in every checkpoint and over a resume', async () => {
    const model = join(tiny.directory, 'moved-model');
    await cp(tiny.model, model, { recursive: true });
    const at = (resumeFrom?: string): Promise<Trainer> =>
      createTrainer({
        config: tiny.config({ model_name_or_path: model, beta: 0 }),
        items: tiny.items,
        evalItems: [],
        root: tiny.directory,
        resumeFrom,
        processorDir: join(tiny.directory, 'kept-processor'),
      });
    const first = await at();
    await rm(model, { recursive: true });
    await steps(first, 1);
    const [one, two] = ['moved-1', 'moved-2'].map((name) => join(tiny.directory, name));
    await first.saveCheckpoint(one);
    first.dispose();
    const second = await at(one);
    await steps(second, 1);
    await second.saveCheckpoint(two);
    second.dispose();
    for (const directory of [one, two])
      expect(await readdir(directory)).toEqual(
        expect.arrayContaining(['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja', 'preprocessor_config.json']),
      );
  });

  it('gives metrics that the table explains, and every rollout with its rewards and advantage', async () => {
    const trainer = await start();
    const [{ metrics, groups, step }] = await steps(trainer, 1);
    expect(step).toBe(1);
    for (const name of Object.keys(metrics)) expect(describeMetric(name), name).toBeDefined();
    for (const name of [
      'loss',
      'grad_norm',
      'reward',
      'kl',
      'entropy',
      'clip_ratio/low_mean',
      'completions/mean_length',
      'num_tokens',
      'epoch',
      'num_questions',
    ]) {
      expect(metrics[name], name).toEqual(expect.any(Number));
    }
    expect(groups).toHaveLength(2);
    expect(metrics.num_questions).toBe(2);
    const rows = groups.flatMap(({ completions }) => completions);
    expect(rows).toHaveLength(8);
    for (const row of rows) {
      expect(row.logprobs).toHaveLength(row.token_ids.length);
      expect(Object.keys(row.rewards)).toEqual(['accuracy_tolerant', 'soft_overlong_punishment']);
      expect(Number(row.correct)).toBe(row.rewards.accuracy_tolerant); // the run counts as its accuracy reward does
    }
    expect(groups.map(({ reading }) => reading)).toEqual(['tolerant', 'tolerant']);
    expect(metrics.reward).toBeCloseTo(rows.reduce((sum, row) => sum + row.reward!, 0) / 8, 12);
    expect(metrics['completions/clipped_ratio']).toBe(rows.filter((row) => row.finish_reason === 'length').length / 8);
    for (const { completions } of groups) expect(completions.reduce((sum, row) => sum + row.advantage!, 0)).toBeCloseTo(0, 9);
    trainer.dispose();
  });

  it('raises the reward', async () => {
    const trainer = await start({
      max_steps: 30,
      per_device_train_batch_size: 32,
      num_generations: 8,
      lr_scheduler_type: 'constant',
      learning_rate: 1e-2,
      beta: 0,
    });
    const rewards = (await steps(trainer, 30)).map(({ metrics }) => metrics.reward!);
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(rewards.slice(-5))).toBeGreaterThan(mean(rewards.slice(0, 5)) + 0.3);
    trainer.dispose();
  });

  it.each<[string, Partial<TrainConfig>, number]>([
    ['plain', {}, 3],
    ['between two updates on one batch', { num_iterations: 2 }, 3],
    ['bfloat16', { dtype: 'bfloat16' }, 3],
    ['bfloat16, kahan', { dtype: 'bfloat16', bf16_update: 'kahan' }, 3],
    ['bfloat16, stochastic rounding, 8-bit moments', { dtype: 'bfloat16', bf16_update: 'stochastic', optim: 'adamw_torch_8bit' }, 3],
    [
      'dynamic sampling, accumulation',
      { dynamic_sampling: 2, per_device_train_batch_size: 4, gradient_accumulation_steps: 2, num_iterations: 3 },
      4,
    ],
  ])('goes on from a checkpoint bit for bit: %s', async (name, changes, at) => {
    const straight = await start(changes);
    const expected = untimed(await steps(straight, 6)).slice(at);
    const whole = join(tiny.directory, `${name}-whole`);
    await straight.saveCheckpoint(whole);
    straight.dispose();

    const first = await start(changes);
    await steps(first, at);
    const half = join(tiny.directory, `${name}-half`);
    await first.saveCheckpoint(half);
    first.dispose();

    const second = await start(changes, half);
    expect(second.step).toBe(at);
    expect(untimed(await steps(second, 6 - at))).toEqual(expected);
    await rm(half, { recursive: true }); // as retention does once newer ones are there
    const resumed = join(tiny.directory, `${name}-resumed`);
    await second.saveCheckpoint(resumed);
    second.dispose();
    expect((await weights(resumed)).equals(await weights(whole))).toBe(true);
    expect(await readdir(resumed)).toContain('tokenizer.json');
    expect((await readFile(join(resumed, 'optimizer.safetensors'))).equals(await readFile(join(whole, 'optimizer.safetensors')))).toBe(
      true,
    );
  });

  it('takes the same steps with gradient_checkpointing, but for rounding', async () => {
    const [plain, again] = await Promise.all(
      [false, true].map(async (gradient_checkpointing) => {
        const trainer = await start({ gradient_checkpointing });
        const results = await steps(trainer, 2);
        trainer.dispose();
        return results;
      }),
    );
    plain.forEach(({ groups, metrics }, i) => {
      expect(tokensOf(again[i].groups)).toEqual(tokensOf(groups));
      for (const name of ['loss', 'grad_norm', 'kl']) expect(again[i].metrics[name]).toBeCloseTo(metrics[name]!, 4);
    });
  });

  it('starts at ratio 1 and KL 0 from the reference, and moves away', async () => {
    const trainer = await start({ num_iterations: 2 });
    const [first, second] = await steps(trainer, 2);
    expect(first.metrics.kl).toBe(0);
    expect(second.metrics.kl).toBeGreaterThan(0);
    expect(second.groups).toEqual([]); // the same rollouts, already stored
    expect(second.metrics.reward).toBeUndefined();
    trainer.dispose();
  });

  it('keeps entropy and KL of each token at the first update, its ratio and clip at the later ones', async () => {
    const trainer = await start({ num_iterations: 3, learning_rate: 1e-2, per_device_train_batch_size: 4, gradient_accumulation_steps: 2 });
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const [first, second, third, fourth] = await steps(trainer, 4);
    for (const { groups, metrics } of [first, fourth]) {
      const rows = groups.flatMap(({ completions }) => completions);
      for (const { token_ids, entropy, kl, ratio, clipped } of rows) {
        expect([entropy!.length, kl!.length]).toEqual([token_ids.length, token_ids.length]);
        expect([ratio, clipped]).toEqual([null, null]);
      }
      // metrics are means over the tokens of a micro-batch (a group here), then over micro-batches
      for (const name of ['entropy', 'kl'] as const)
        expect(mean(groups.map(({ completions }) => mean(completions.flatMap((row) => row[name] as number[]))))).toBeCloseTo(
          metrics[name]!,
          5,
        );
    }
    expect(first.metrics.kl).toBe(0);
    expect(fourth.metrics.kl).toBeGreaterThan(0);

    expect(first.ratios ?? fourth.ratios).toBeUndefined();
    for (const { ratios, metrics } of [second, third]) {
      expect(ratios!.step).toBe(1);
      expect(ratios!.groups.map((group) => group.map(({ ratio }) => ratio.length))).toEqual(
        tokensOf(first.groups).map((group) => group.map((ids) => ids.length)),
      );
      expect(
        ratios!.groups
          .flat(2)
          .flatMap(({ ratio }) => ratio)
          .some((ratio) => Math.abs(ratio! - 1) > 1e-3),
      ).toBe(true);
      const clipped = ratios!.groups.map((group) => mean(group.flatMap((row) => row.clipped!.map(Number))));
      expect(mean(clipped)).toBeCloseTo(metrics['clip_ratio/region_mean']!, 6);
    }
    expect(third.metrics['clip_ratio/region_mean']).toBeGreaterThan(0);
    expect(third.ratios).not.toEqual(second.ratios);
    trainer.dispose();
  });

  it.each<[string, Partial<TrainConfig>, boolean]>([
    ['a ratio of each sequence counts for each of its tokens', { importance_sampling_level: 'sequence' }, true],
    ['a loss that gates softly cuts no ratio', { loss_type: 'sapo' }, false],
    ['beta 0 has no KL', { beta: 0 }, true],
  ])('%s', async (_, changes, cuts) => {
    const trainer = await start({ num_iterations: 2, ...changes });
    const [{ groups }, { ratios }] = await steps(trainer, 2);
    for (const { ratio, clipped } of ratios!.groups.flat()) {
      if (changes.importance_sampling_level) expect(new Set(ratio).size).toBe(1);
      expect(clipped?.length).toBe(cuts ? ratio.length : undefined);
    }
    expect(groups[0].completions[0].kl === null).toBe(changes.beta === 0);
    trainer.dispose();
  });

  it('pairs every completion with its own image', async () => {
    // Groups of both orders in one batch: log-probabilities of the update equal those of sampling only if each row sees its own image.
    const trainer = await start({ per_device_train_batch_size: 24, num_iterations: 2, loss_type: 'grpo' });
    const [{ groups }] = await steps(trainer, 1);
    expect(new Set(groups.map(({ image }) => image)).size).toBe(6);
    const directory = join(tiny.directory, 'pairing');
    await trainer.saveCheckpoint(directory);
    trainer.dispose();
    const { readSafetensors } = await import('../torch/index.ts');
    const old = readSafetensors(join(directory, 'rollouts.safetensors')).get('0.logpOld')!.tolist() as number[][];
    groups
      .flatMap(({ completions }) => completions)
      .forEach(({ logprobs }, row) => logprobs.forEach((logprob, t) => expect(old[row][t]).toBeCloseTo(logprob, 4)));
  });

  it('takes a change of weights into the next step', async () => {
    const trainer = await start();
    await trainer.trainStep();
    const weights = { accuracy_tolerant: 1, soft_overlong_punishment: 3 };
    trainer.setRewards({ weights, sources: {} });
    const { metrics, groups } = await trainer.trainStep();
    expect(metrics['reward_weights/soft_overlong_punishment']).toBe(3);
    expect(metrics['reward_weights/accuracy_tolerant']).toBe(1);
    const row = groups[0].completions[0];
    expect(row.reward).toBeCloseTo(row.rewards.accuracy_tolerant! + 3 * row.rewards.soft_overlong_punishment!, 12);
    expect(() => trainer.setRewards({ weights: { acuracy: 1 }, sources: {} })).toThrow(/no reward function "acuracy"/);
    expect(() => trainer.setRewards({ weights: { accuracy_tolerant: NaN }, sources: {} })).toThrow(/weight of accuracy_tolerant is NaN/);
    expect(trainer.rewardWeights()).toEqual(weights);
    trainer.dispose();
  });

  describe("with a user's reward", () => {
    /** Half the length, a random part, and nothing for completions that end in time. */
    const chance = `export default (completions: string[], { completion_length, finish_reason }: any) =>
      completions.map((_, i) => (finish_reason[i] === 'stop' ? null : completion_length[i] / 2 + Math.random()));`;
    const set = (source: string, weight = 1): RewardSet => ({
      weights: { accuracy_tolerant: 1, mine: weight },
      sources: { mine: rewardSource('mine.ts', source) },
    });

    it('learns from it, and leaves it out where it does not apply', async () => {
      const trainer = await start({}, undefined, set(chance));
      const [{ groups, metrics }] = await steps(trainer, 1);
      const rows = groups.flatMap(({ completions }) => completions);
      for (const row of rows) {
        if (row.finish_reason === 'stop') expect(row.rewards.mine).toBeNull();
        else expect(row.rewards.mine).toBeGreaterThanOrEqual(row.token_ids.length / 2);
        expect(row.reward).toBeCloseTo(row.rewards.accuracy_tolerant! + (row.rewards.mine ?? 0), 12);
      }
      expect(rows.some(({ rewards }) => rewards.mine !== null)).toBe(true);
      expect(metrics['rewards/mine/mean']).toBeGreaterThan(0);
      trainer.dispose();
    });

    it('goes on from a checkpoint bit for bit, over a change of functions between two updates on one batch', async () => {
      const changes = { num_iterations: 2 };
      const other = set('export default (all: string[]) => all.map((text) => text.length % 3);', 2);
      const straight = await start(changes, undefined, set(chance));
      const before = await steps(straight, 1);
      straight.setRewards(other);
      const expected = untimed(await steps(straight, 3));
      straight.dispose();

      const first = await start(changes, undefined, set(chance));
      expect(untimed(await steps(first, 1))).toEqual(untimed(before));
      const directory = join(tiny.directory, 'user-reward');
      await first.saveCheckpoint(directory);
      first.dispose();

      const second = await start(changes, directory, set(chance));
      second.setRewards(other);
      expect(untimed(await steps(second, 1))).toEqual(expected.slice(0, 1));
      const again = join(tiny.directory, 'user-reward-again');
      await second.saveCheckpoint(again);
      second.dispose();
      const third = await start(changes, again, other);
      expect(untimed(await steps(third, 2))).toEqual(expected.slice(1));
      third.dispose();
    });

    it('that fails stops the step before anything is learnt; mended, the same rollouts are scored', async () => {
      const straight = await start({}, undefined, set(chance));
      const expected = untimed(await steps(straight, 2));
      straight.dispose();

      const trainer = await start({}, undefined, set(chance));
      await steps(trainer, 1);
      trainer.setRewards(set('export default (all) => all.map((text) => { throw new Error(`cannot read ${text.length}`); });'));
      await expect(trainer.trainStep()).rejects.toMatchObject({ code: 'REWARD_THREW', message: expect.stringMatching(/mine\.ts:1/) });
      expect(trainer.step).toBe(1);
      trainer.setRewards(set(chance));
      expect(untimed(await steps(trainer, 1))).toEqual(expected.slice(1));
      trainer.dispose();
    });
  });

  it('replaces groups without spread when dynamic sampling is on', async () => {
    const settings: Partial<TrainConfig> = { reward_funcs: ['accuracy'], num_generations: 2, per_device_train_batch_size: 8 };
    const plain = await start(settings);
    const dynamic = await start({ ...settings, dynamic_sampling: 3 });
    const [without] = await steps(plain, 1);
    const [withIt] = await steps(dynamic, 1);
    expect(without.metrics.frac_reward_zero_std).toBeGreaterThan(0);
    expect(withIt.metrics['dynamic_sampling/resampled']).toBeGreaterThan(0);
    expect(withIt.metrics.epoch).toBeGreaterThan(without.metrics.epoch!);
    plain.dispose();
    dynamic.dispose();
  });

  it('evaluates greedily on the held-out slice, the same each time', async () => {
    const trainer = await start({ eval_samples: 4 });
    const first = await trainer.evaluate();
    expect(first).toEqual(await trainer.evaluate());
    for (const name of Object.keys(first!)) expect(describeMetric(name), name).toBeDefined();
    trainer.dispose();
  });

  it('keeps no tensor from step to step', async () => {
    const trainer = await start();
    await steps(trainer, 4); // every image is in the cache by then
    const before = memoryStats().tensors;
    await steps(trainer, 3);
    expect(memoryStats().tensors).toBe(before);
    trainer.dispose();
  });

  it('frees everything when it is disposed', async () => {
    const before = memoryStats().tensors;
    const trainer = await start({ num_iterations: 2 });
    await trainer.trainStep();
    trainer.dispose();
    await expect.poll(() => memoryStats().tensors, SETTLES).toBeLessThanOrEqual(before);
  });

  it('skips an update that is not finite, keeps the evidence, and ends after five in a row with weights as they were', async () => {
    const evidenceDir = join(tiny.directory, 'evidence');
    const config = tiny.config({ scale_rewards: 'none', reward_weights: [1e30, 1e30] });
    const trainer = await createTrainer({ config, items: tiny.items, evalItems: [], root: tiny.directory, evidenceDir });
    let failure: Error | null = null;
    const seen: StepResult[] = [];
    for (let i = 0; i < 12 && failure === null; i++)
      await trainer.trainStep().then(
        (result) => seen.push(result),
        (error: Error) => (failure = error),
      );
    expect(failure).toMatchObject({ code: 'TRAIN_NOT_FINITE' });
    expect(seen.at(-1)!.metrics.skipped_steps).toBe(4);
    const kept = await readdir(evidenceDir);
    expect(kept.filter((name) => name.endsWith('.json'))).toHaveLength(5);
    const before = join(tiny.directory, 'unmoved');
    await trainer.saveCheckpoint(before);
    expect((await weights(before)).equals(await weights(tiny.model))).toBe(true);
    const state = kept.find((name) => name.startsWith('state-before'));
    expect(JSON.parse(await readFile(join(evidenceDir, state!, 'trainer_state.json'), 'utf8')).skipped_in_a_row).toBe(5);
    trainer.dispose();
  });

  describe('whose rewards are too large', () => {
    const huge = (value: string): RewardSet => ({
      weights: { mine: 1 },
      sources: { mine: rewardSource('mine.js', `export default (all) => all.map((_, i) => (i % 2 ? ${value} : 1));`) },
    });
    const begin = (evidenceDir: string, rewards: RewardSet, resumeFrom?: string, changes: Partial<TrainConfig> = {}) =>
      createTrainer({
        config: tiny.config(changes),
        items: tiny.items,
        evalItems: [],
        root: tiny.directory,
        evidenceDir,
        rewards,
        resumeFrom,
      });

    it.each<[string, string, Partial<TrainConfig>]>([
      ['a sum that is infinite', '1e308', {}],
      [
        'a standard deviation that is infinite',
        '1e160',
        { num_iterations: 2, per_device_train_batch_size: 4, gradient_accumulation_steps: 2 },
      ],
      ['GDPO', '1e308', { multi_objective_aggregation: 'normalize_then_sum' }],
      ['an advantage beyond float32, LoRA', '1e39', { scale_rewards: 'none', use_peft: true, lora_r: 4 }],
    ])('skips the update rather than learn nothing unsaid: %s', async (name, value, changes) => {
      const evidenceDir = join(tiny.directory, `huge ${name}`);
      const trainer = await begin(evidenceDir, huge(value), undefined, changes);
      const state = async (directory: string): Promise<Buffer[]> => {
        await trainer.saveCheckpoint(directory);
        const files = (await readdir(directory)).filter(
          (file) => /^(adapter_)?model|^optimizer/.test(file) && file.endsWith('.safetensors'),
        );
        return Promise.all(files.map((file) => readFile(join(directory, file))));
      };
      const before = await state(join(evidenceDir, 'before'));
      const [{ metrics, groups }] = await steps(trainer, 1);
      expect(metrics.skipped_steps).toBe(1);
      expect(await state(join(evidenceDir, 'after'))).toEqual(before);
      if (name.startsWith('a sum')) expect(groups[0].completions.map(({ advantage }) => advantage)).toEqual([null, null, null, null]);
      const kept = JSON.parse(await readFile(join(evidenceDir, 'step-1.json'), 'utf8')) as { what: string; batch: StepResult['groups'] };
      expect(kept.what).toMatch(/^loss NaN/);
      expect(kept.batch[0].completions.map(({ rewards }) => rewards.mine)).toEqual([1, Number(value), 1, Number(value)]);
      trainer.dispose();
    });

    it('names what JSON cannot hold in the evidence', async () => {
      const evidenceDir = join(tiny.directory, 'named');
      const trainer = await begin(evidenceDir, huge('1e308'));
      await steps(trainer, 1);
      expect(await readFile(join(evidenceDir, 'step-1.json'), 'utf8')).toContain('"reward_std": "Infinity"');
      trainer.dispose();
    });

    it('goes on from its last checkpoint once they are mended, and ends again with its evidence when they are not', async () => {
      const evidenceDir = join(tiny.directory, 'again');
      const good = huge('2');
      const checkpoint = join(tiny.directory, 'again-from');
      const first = await begin(evidenceDir, good);
      await steps(first, 2);
      await first.saveCheckpoint(checkpoint);
      const expected = untimed(await steps(first, 1));
      first.dispose();
      for (let attempt = 0; attempt < 2; attempt++) {
        const broken = await begin(evidenceDir, huge('1e308'), checkpoint);
        await steps(broken, 4);
        await expect(broken.trainStep()).rejects.toMatchObject({ code: 'TRAIN_NOT_FINITE' });
        broken.dispose();
      }
      const mended = await begin(evidenceDir, good, checkpoint);
      expect(untimed(await steps(mended, 1))).toEqual(expected);
      mended.dispose();
    });

    it('counts nothing while the evidence cannot be written', async () => {
      const evidenceDir = join(tiny.directory, 'blocked');
      await writeFile(evidenceDir, '');
      const trainer = await begin(evidenceDir, huge('1e308'));
      for (let attempt = 0; attempt < 6; attempt++) await expect(trainer.trainStep()).rejects.toMatchObject({ code: 'EEXIST' });
      await rm(evidenceDir);
      const [{ step, metrics }] = await steps(trainer, 1);
      expect([step, metrics.skipped_steps]).toEqual([1, 1]);
      trainer.dispose();
    });
  });

  it('skips a step whose model gives no probabilities, with its questions as evidence, and ends after five in a row', async () => {
    const broken = join(tiny.directory, 'nan-model');
    using model = await loadModel(tiny.model);
    noGrad(() => torch.fill_(model.weight('model.norm.weight'), NaN));
    await saveModel(model, broken, tiny.model);
    const evidenceDir = join(tiny.directory, 'nan-evidence');
    const config = tiny.config({ model_name_or_path: broken });
    const trainer = await createTrainer({ config, items: tiny.items, evalItems: tiny.items, root: tiny.directory, evidenceDir });
    const results = await steps(trainer, 4);
    expect(results.map(({ step, groups, metrics }) => [step, groups.length, metrics.skipped_steps])).toEqual([
      [1, 0, 1],
      [2, 0, 2],
      [3, 0, 3],
      [4, 0, 4],
    ]);
    expect(results[1].metrics.epoch).toBeGreaterThan(results[0].metrics.epoch!);
    await expect(trainer.evaluate()).rejects.toMatchObject({ code: 'MODEL_LOGITS_NOT_FINITE' });
    await expect(trainer.trainStep()).rejects.toMatchObject({ code: 'TRAIN_NOT_FINITE' });
    const kept = JSON.parse(await readFile(join(evidenceDir, 'step-1.json'), 'utf8')) as { what: string; batch: { item_id: string }[] };
    expect(kept.what).toContain('gave no probabilities');
    expect(tiny.items.map(({ id }) => id)).toContain(kept.batch[0].item_id);
    trainer.dispose();
  });
});

describe('a run that cannot be', () => {
  it.each<[string, Partial<TrainConfig>, RegExp]>([
    ['a batch that holds no whole groups', { per_device_train_batch_size: 6 }, /6 completions .* not a multiple of num_generations 4/],
    ['as many weights as functions', { reward_weights: [1] }, /1 numbers for 2 reward functions/],
    ['an unknown reward', { reward_funcs: ['acuracy'] }, /no reward function "acuracy"/],
    ['delta inside the clip range', { delta: 1.1 }, /delta 1.1 is not above 1 \+ epsilon/],
    ['a template without a place for the question', { prompt_template: 'no' }, /no place for the question/],
  ])('says why: %s', async (_, changes, message) => {
    const before = memoryStats().tensors;
    await expect(start(changes).then((trainer) => trainer.trainStep().finally(() => trainer.dispose()))).rejects.toThrow(message);
    await expect.poll(() => memoryStats().tensors, SETTLES).toBeLessThanOrEqual(before);
  });

  it('says so when no question can be used', async () => {
    await expect(createTrainer({ config: tiny.config(), items: [], evalItems: [], root: tiny.directory })).rejects.toThrow(
      /no usable question/,
    );
  });
});
