import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Alternatives, Attribution, Decision, ExplainAsk } from '../../protocol/index.ts';
import { groupLogps, loadModel, loadProcessor, type Model, type Processor } from '../../models/index.ts';
import { noGrad, scope } from '../../torch/index.ts';
import { encodePut } from '../answer.ts';
import { makeTiny, type Tiny } from '../testing/tiny.ts';
import { decidedAt } from './decision.ts';
import { explain } from './index.ts';

let tiny: Tiny;
let model: Model;
let processor: Processor;
beforeAll(async () => {
  tiny = await makeTiny();
  [model, processor] = await Promise.all([loadModel(tiny.model), loadProcessor(tiny.model)]);
});
afterAll(async () => {
  model.dispose();
  await tiny[Symbol.asyncDispose]();
});

/** `<think> it is A </think> <answer> C </answer>` and the end. */
const SAID = [14, 16, 17, 8, 15, 12, 10, 13, 2];
const [THINK, ENDTHINK, ANSWER] = [14, 15, 12];
const put = () => ({
  ...{ item: tiny.items[1], root: tiny.directory, variant: 'think' as const, template: null, evaluation: false },
  ...{ min_pixels: null, max_pixels: null },
});
const ask = <T>(asked: ExplainAsk['explain'], changes: Partial<ExplainAsk> = {}, signal?: AbortSignal): Promise<T> =>
  explain(
    processor,
    () => model,
    {
      ...put(),
      crop: null,
      blank: false,
      token_ids: SAID,
      text: null,
      options: ['one', 'two', 'three'].map((text, index) => ({ letter: 'ABC'[index], text, index })),
      explain: asked,
      ...changes,
    },
    signal,
  ) as Promise<T>;

/** Log-probability of each token of these completions, as the training forward gives it. */
async function logpsOf(completions: number[][], changes: { blank?: boolean } = {}): Promise<number[][]> {
  const { prompt } = await encodePut(processor, put(), changes);
  return scope(() =>
    noGrad(() => {
      const { logps } = groupLogps(model, [prompt], [completions], { entropy: false });
      const [N, T] = logps.shape;
      const all = logps.toFloat32();
      return completions.map((ids, n) => Array.from(all.slice(n * T, n * T + ids.length))).slice(0, N);
    }),
  );
}

describe('alternatives', () => {
  const top = (k: number, temperature = 1, changes = {}) => ask<Alternatives>({ kind: 'alternatives', top: k, temperature }, changes);

  it('give each token its probability, its rank and the likeliest tokens there', async () => {
    const { places, tokens, token_ids } = await top(5);
    expect([places.length, token_ids, tokens[0]]).toEqual([SAID.length, SAID, '<think>']);
    const [logps] = await logpsOf([SAID]);
    places.forEach(({ logprob, rank, top: best, entropy }, i) => {
      expect(logprob).toBeCloseTo(logps[i], 4);
      expect(best.map((one) => one.logprob)).toEqual(best.map((one) => one.logprob).toSorted((a, b) => b - a));
      expect(best).toHaveLength(5);
      expect(entropy).toBeGreaterThan(0);
      const at = best.findIndex(({ id }) => id === SAID[i]);
      if (at >= 0) expect(rank).toBe(at + 1);
      else expect(rank).toBeGreaterThan(5);
    });
  });

  it('cover the whole vocabulary where as many are asked for, at a temperature too', async () => {
    const [cold, warm] = [await top(50, 0.5), await top(50, 2)];
    for (const { places } of [cold, warm])
      for (const { top: all } of places) {
        expect(all).toHaveLength(model.config.text_config.vocab_size);
        expect(all.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0)).toBeCloseTo(1, 4);
      }
    expect(cold.places[0].entropy).toBeLessThan(warm.places[0].entropy);
  });

  it('of an empty completion are none; of a text those of its tokens', async () => {
    expect((await top(5, 1, { token_ids: [] })).places).toEqual([]);
    const { token_ids } = await top(5, 1, { token_ids: null, text: '<answer> C </answer>' });
    expect(token_ids).toEqual([ANSWER, 10, 13]);
  });

  it('are refused for what is longer than the model has positions for, with both lengths', async () => {
    const long = new Array<number>(model.config.text_config.max_position_embeddings).fill(16);
    await expect(top(5, 1, { token_ids: long })).rejects.toMatchObject({
      code: 'PROMPT_TOO_LONG',
      message: expect.stringContaining(String(long.length)),
    });
  });
});

describe('a decision', () => {
  const decide = (changes: Partial<ExplainAsk> = {}): Promise<Decision> => ask<Decision>({ kind: 'decision' }, changes);

  it('is the probability of each letter, made to answer before and after the reasoning', async () => {
    const { cuts, options, asked_by, own_words } = await decide();
    expect(options.map(({ letter }) => letter)).toEqual(['A', 'B', 'C']);
    expect(cuts.map(({ kept }) => kept)).toEqual([0, 1]);
    expect([asked_by, own_words]).toEqual(['</think><answer>', true]);
    const letters = [8, 9, 10];
    const before = (await logpsOf(letters.map((letter) => [THINK, ENDTHINK, ANSWER, letter]))).map((row) => Math.exp(row.at(-1)!));
    const after = (await logpsOf(letters.map((letter) => [...SAID.slice(0, 6), letter]))).map((row) => Math.exp(row.at(-1)!));
    cuts[0].probabilities.forEach((p, i) => expect(p).toBeCloseTo(before[i], 5));
    cuts[1].probabilities.forEach((p, i) => expect(p).toBeCloseTo(after[i], 5));
    expect(cuts[1].other).toBeCloseTo(1 - after.reduce((a, b) => a + b, 0), 5);
  });

  it('changes with the image, with other words, and follows the options', async () => {
    const [own, blank] = [await decide(), await decide({ blank: true })];
    expect(blank.cuts[0].probabilities).not.toEqual(own.cuts[0].probabilities);
    const edited = await decide({ token_ids: null, text: '<think> it is B </think> <answer> C </answer>' });
    expect(edited.cuts[0].probabilities[0]).toBeCloseTo(own.cuts[0].probabilities[0], 5);
    expect(edited.cuts[1].probabilities).not.toEqual(own.cuts[1].probabilities);
  });

  it('of a completion that never answers is asked for in our words', async () => {
    const { cuts, own_words } = await decide({ token_ids: SAID.slice(0, 4) });
    expect([cuts.length, own_words]).toEqual([2, false]);
  });

  it('needs options', async () => {
    await expect(decide({ options: [] })).rejects.toMatchObject({ code: 'EXPLAIN_OPTIONS', http: 422 });
  });

  it('is made at the first cut from which on the answer stays', () => {
    expect(decidedAt([[0.5, 0.1]])).toBe(0);
    expect(decidedAt([[0.5, 0.1], [0.1, 0.5], [0.5, 0.1], [0.6, 0.1]])).toBe(2); // prettier-ignore
    expect(decidedAt([[0.6, 0.1], [0.5, 0.1]])).toBe(0); // prettier-ignore
  });
});

describe('where it looked', () => {
  type Asked = Extract<ExplainAsk['explain'], { kind: 'attribution' }>;
  const look = (asked: Partial<Asked> = {}, changes: Partial<ExplainAsk> = {}, signal?: AbortSignal): Promise<Attribution> =>
    ask<Attribution>(
      { kind: 'attribution', token: null, against: [], method: 'gradient', steps: 8, blocks: [7, 7], orders: 3, ...asked },
      changes,
      signal,
    );

  it('explains the letter where no token is named, as a grid of the image and a value for each word', async () => {
    const { token, image, words, prompt, check, score } = await look();
    expect(token).toEqual({ index: 6, id: 10, text: expect.stringContaining('C') });
    expect([image!.length, image![0].length]).toEqual([2, 2]);
    expect(words!.prompt).toHaveLength(prompt.tokens.length);
    expect(words!.completion).toHaveLength(6);
    const at = prompt.tokens.findIndex((one) => one.image !== undefined);
    expect(words!.prompt[at]).toBeCloseTo(
      image!.flat().reduce((a, b) => a + b, 0),
      5,
    );
    const [logps] = await logpsOf([SAID.slice(0, 7)]);
    expect(score).toBeCloseTo(logps[6], 4);
    expect(check).toMatchObject({ verdict: expect.any(String), random: expect.any(Array) });
    expect(check!.random).toHaveLength(3);
  });

  it('of a contrast of letters is its difference', async () => {
    const { score } = await look({ against: ['A'] });
    const rows = await logpsOf([[...SAID.slice(0, 6), 10], [...SAID.slice(0, 6), 8]]); // prettier-ignore
    expect(score).toBeCloseTo(rows[0][6] - rows[1][6], 4);
    expect((await look({ against: ['A', 'A'] })).score).toBeCloseTo(score, 6); // named twice, it counts once
  });

  it('by integrated gradients says how complete it is, by occlusion has as many blocks as the image has tokens at most', async () => {
    const integrated = await look({ method: 'integrated', steps: 30, orders: 0 });
    expect(integrated.gap).toBeLessThan(0.02);
    expect([integrated.words, integrated.check]).toEqual([null, null]);
    const occluded = await look({ method: 'occlusion' });
    expect(occluded.blocks).toEqual(occluded.image);
  });

  it('is asked about the words alone where there is no image', async () => {
    const item = { ...tiny.items[1], image: '' };
    const { image, words, check } = await look({}, { item });
    expect([image, check]).toEqual([null, null]);
    expect(words!.prompt.length).toBeGreaterThan(0);
    await expect(look({ method: 'occlusion' }, { item })).rejects.toMatchObject({
      code: 'EXPLAIN_TOKEN',
      remedy: 'Take the method gradient.',
    });
  });

  it.each([
    ['a token beyond the end', { token: 9 }, {}, 'the completion has 9 tokens'],
    ['a letter against itself', { against: ['A', 'C'] }, {}, 'the token is C itself'],
    ['letters against a word', { token: 1, against: ['A'] }, {}, 'letters are set against a letter'],
    ['no letter to find', {}, { token_ids: [14, 16] }, 'no token of the completion is a letter'],
  ])('is refused for %s', async (_, asked, changes, message) => {
    await expect(look(asked, changes)).rejects.toMatchObject({
      code: 'EXPLAIN_TOKEN',
      http: 422,
      message: expect.stringContaining(message),
    });
  });

  it('ends between two orders when it is withdrawn', async () => {
    const stop = new AbortController();
    const looking = look({ orders: 100 }, {}, stop.signal);
    setTimeout(() => stop.abort(), 0);
    await expect(looking).rejects.toThrow();
  });
});
