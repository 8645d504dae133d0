import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ask, ExplainAsk } from '../protocol/index.ts';
import { getRngState, memoryStats } from '../torch/index.ts';
import type { StepResult } from '../protocol/step.ts';
import { createTrainer, type Trainer } from './index.ts';
import { makeTiny, type Tiny } from './testing/tiny.ts';

let tiny: Tiny;
beforeAll(async () => {
  tiny = await makeTiny();
});
afterAll(() => tiny[Symbol.asyncDispose]());

const asked = (changes: Partial<Ask> = {}): Ask => ({
  item: tiny.items[1],
  root: tiny.directory,
  variant: 'think',
  template: null,
  evaluation: false,
  reading: 'exact',
  min_pixels: null,
  max_pixels: null,
  crop: null,
  blank: false,
  num: 3,
  temperature: 1,
  max_new_tokens: 8,
  seed: 11,
  ...changes,
});

const MAP = { kind: 'attribution', token: null, against: ['B'], steps: 4, blocks: [2, 2], orders: 2 } as const;
const QUESTIONS = [
  { kind: 'alternatives', top: 3, temperature: 1 },
  { kind: 'decision' },
  { ...MAP, method: 'gradient' },
  { ...MAP, method: 'integrated' },
  { ...MAP, method: 'occlusion' },
] as unknown as ExplainAsk['explain'][];
/** About `<think> it is A </think> <answer> C </answer>`. */
const aboutIt = (changes: Partial<ExplainAsk> = {}): ExplainAsk => ({
  ...{ item: tiny.items[1], root: tiny.directory, variant: 'think', template: null, evaluation: false, min_pixels: null, max_pixels: null },
  crop: null,
  blank: false,
  token_ids: [14, 16, 17, 8, 15, 12, 10, 13, 2],
  text: null,
  options: ['one', 'two', 'three'].map((text, index) => ({ letter: 'ABC'[index], text, index })),
  explain: QUESTIONS[0],
  ...changes,
});

const open = (changes: Parameters<Tiny['config']>[0] = {}): Promise<Trainer> =>
  createTrainer({ config: tiny.config(changes), items: tiny.items, evalItems: [], root: tiny.directory });

const untimed = ({ metrics, groups }: StepResult) => ({
  groups,
  metrics: Object.fromEntries(Object.entries(metrics).filter(([name]) => !/^(time\/|step_time|rollouts_per_s)/.test(name))),
});

/** Three steps; `between` runs before each and after the last. */
async function train(trainer: Trainer, name: string, between: (trainer: Trainer) => Promise<unknown> = async () => null) {
  const steps = [];
  for (let i = 0; i < 3; i++) {
    await between(trainer);
    steps.push(untimed(await trainer.trainStep()));
  }
  await between(trainer);
  await trainer.saveCheckpoint(join(tiny.directory, name));
  trainer.dispose();
  const files = ['model.safetensors', 'optimizer.safetensors', 'trainer_state.json'];
  return { steps, files: await Promise.all(files.map((file) => readFile(join(tiny.directory, name, file)))) };
}

it('a temperature too small for float32 is greedy, not a model without probabilities', async () => {
  const trainer = await open();
  const [cold, greedy] = [await trainer.answer(asked({ temperature: 1e-300 })), await trainer.answer(asked({ temperature: 0 }))];
  expect(cold.completions).toEqual(greedy.completions);
  trainer.dispose();
});

describe('answers between steps', () => {
  it.each([
    ['grpo', { trainer: 'grpo' }],
    ['grpo with two updates on a batch', { trainer: 'grpo', num_iterations: 2 }],
    ['sft', { trainer: 'sft' }],
  ] as const)('leave a %s run bit for bit as it is without them', async (name, changes) => {
    const plain = await train(await open(changes), `${name}-plain`);
    const disturbed = await train(await open(changes), `${name}-asked`, async (trainer) => {
      const before = getRngState();
      await trainer.answer(asked());
      await trainer.answer(asked({ temperature: 0, num: 1 }));
      await trainer.answer(asked({ num: 0 }));
      for (const explain of QUESTIONS) await trainer.explain(aboutIt({ explain }));
      await expect(trainer.answer(asked(), AbortSignal.abort())).rejects.toThrow();
      await expect(trainer.explain(aboutIt(), AbortSignal.abort())).rejects.toThrow();
      expect(getRngState()).toEqual(before);
    });
    expect(disturbed.steps).toEqual(plain.steps);
    disturbed.files.forEach((file, i) => expect(file.equals(plain.files[i])).toBe(true));
  });

  it('leave no tensor behind, given or refused', async () => {
    const trainer = await open();
    const before = memoryStats().tensors;
    await trainer.answer(asked());
    await expect(trainer.answer(asked(), AbortSignal.abort())).rejects.toThrow();
    await expect(trainer.answer(asked({ item: { ...tiny.items[0], image: 'Images/none.png' } }))).rejects.toMatchObject({ http: 404 });
    for (const explain of QUESTIONS) await trainer.explain(aboutIt({ explain }));
    await expect(trainer.explain(aboutIt({ explain: { ...QUESTIONS[2], token: 99 } as ExplainAsk['explain'] }))).rejects.toMatchObject({
      code: 'EXPLAIN_TOKEN',
    });
    expect(memoryStats().tensors).toBe(before);
    trainer.dispose();
  });

  it('come from the policy of that moment', async () => {
    const trainer = await open({ learning_rate: 0.1 });
    const before = await trainer.answer(asked());
    expect(await trainer.answer(asked())).toEqual({ ...before, seconds: expect.any(Number) });
    await trainer.trainStep();
    const after = await trainer.answer(asked());
    expect(after.completions).not.toEqual(before.completions);
    trainer.dispose();
  });
});

describe('what of the image is seen', () => {
  const read = async (changes: Partial<Ask>): Promise<unknown> => {
    const trainer = await open();
    const { prompt, completions } = await trainer.answer(asked({ temperature: 0, num: 1, ...changes }));
    trainer.dispose();
    return { size: prompt.image && [prompt.image.width, prompt.image.height], logprobs: completions.map(({ logprobs }) => logprobs) };
  };
  const CROP = { left: 7, top: 3, width: 40, height: 30 };

  it('a stretch of it is the image that the stretch is', async () => {
    await sharp(join(tiny.directory, tiny.items[1].image)).extract(CROP).png().toFile(join(tiny.directory, 'Images/stretch.png'));
    const cropped = await read({ crop: CROP });
    expect(cropped).toEqual(await read({ item: { ...tiny.items[1], image: 'Images/stretch.png' } }));
    expect(cropped).toMatchObject({ size: [40, 30] });
    const { width, height } = await sharp(join(tiny.directory, tiny.items[1].image)).metadata();
    expect(await read({ crop: { left: 0, top: 0, width, height } })).toEqual(await read({}));
  });

  it('grey in its place is the same whatever the image, and as large', async () => {
    const blank = await read({ blank: true });
    expect(blank).toEqual(await read({ blank: true, item: { ...tiny.items[1], image: tiny.items[2].image } }));
    expect(blank).not.toEqual(await read({}));
    expect(await read({ blank: true, crop: CROP })).toMatchObject({ size: [40, 30] });
    expect(await read({ blank: true, item: { ...tiny.items[1], image: '' } })).toMatchObject({ size: null });
  });
});

describe('an answer', () => {
  it('has its tokens with their texts, and is right or wrong where the right answer is known', async () => {
    const trainer = await open();
    const { completions } = await trainer.answer(asked({ num: 16 }));
    expect(completions).toHaveLength(16);
    for (const { token_ids, tokens, logprobs, prediction, correct, finish_reason } of completions) {
      expect([tokens.length, logprobs.length]).toEqual([token_ids.length, token_ids.length]);
      expect(finish_reason).toBe(token_ids.length < 8 || [0, 2].includes(token_ids.at(-1)!) ? 'stop' : 'length');
      expect(correct).toBe(prediction === tiny.items[1].answer);
    }
    const unknown = await trainer.answer(asked({ item: { ...tiny.items[1], answer: null } }));
    expect(unknown.completions.map(({ correct }) => correct)).toEqual([null, null, null]);
    trainer.dispose();
  });

  it("shows the prompt as the model gets it, the image's tokens as one", async () => {
    const trainer = await open();
    const { prompt, completions } = await trainer.answer(asked({ num: 0, template: 'A {question}' }));
    expect(completions).toEqual([]);
    expect(prompt.text).toContain('<|vision_start|><|image_pad|><|vision_end|>A ');
    const { width, height, resized_width, resized_height, tokens } = prompt.image!;
    expect([width, height]).toEqual([expect.any(Number), expect.any(Number)]);
    expect(tokens).toBe((resized_width / 28) * (resized_height / 28));
    expect(prompt.tokens.filter(({ image }) => image !== undefined)).toEqual([{ id: 5, text: '<|image_pad|>', image: tokens }]);
    const without = await trainer.answer(asked({ num: 0, item: { ...tiny.items[1], image: '' } }));
    expect(without.prompt.image).toBeNull();
    trainer.dispose();
  });
});
