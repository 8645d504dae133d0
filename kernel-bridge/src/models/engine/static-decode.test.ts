import { afterEach, describe, expect, it, vi } from 'vitest';
import { generator, memoryStats, noGrad, scope, Tensor, torch } from '../../torch/index.ts';
import { generate, type GenerateOptions } from './generate.ts';
import { addLora } from './lora.ts';
import type { SamplingOptions } from './sampling.ts';
import { isDecoding, StaticDecode, widthFor } from './static-decode.ts';
import { tinyModel, tinyPrompt, tinyPrompts } from '../testing/tiny.ts';

const model = tinyModel();
const prompts = tinyPrompts();
const everyFifth = Array.from({ length: 20 }, (_, i) => 5 * i);
const both = async (options: GenerateOptions, of = prompts) => {
  const run = async (staticCache: boolean) => (await generate(model, of, { ...options, staticCache })).flat();
  return { grown: await run(false), fixed: await run(true) };
};
afterEach(() => expect(isDecoding(model)).toBe(false));

describe('decoding over a static cache', () => {
  it.each<[string, GenerateOptions]>([
    ['greedy', { greedy: true, maxNewTokens: 24 }],
    ['sampled', { n: 5, maxNewTokens: 20, temperature: 0.8, seed: 1 }],
    ['sampled, ended rows dropped', { n: 12, maxNewTokens: 40, seed: 2, eosTokenIds: everyFifth }],
    ['top k, top p and min p', { n: 4, maxNewTokens: 16, topK: 20, topP: 0.9, minP: 0.05, seed: 3 }],
    ['repetition penalty', { n: 4, maxNewTokens: 24, repetitionPenalty: 1.4, seed: 4, eosTokenIds: everyFifth }],
    ['repetition penalty, greedy', { maxNewTokens: 40, repetitionPenalty: 3, greedy: true, eosTokenIds: [] }],
    ['suppressed tokens', { n: 3, maxNewTokens: 12, suppressTokenIds: everyFifth, seed: 5 }],
    ['one token', { n: 2, maxNewTokens: 1, seed: 6 }],
  ])('draws the tokens of the growing one, with its log-probabilities: %s', async (_, options) => {
    const { grown, fixed } = await both(options);
    expect(fixed.map(({ tokenIds, finishReason }) => [tokenIds, finishReason])).toEqual(
      grown.map(({ tokenIds, finishReason }) => [tokenIds, finishReason]),
    );
    fixed.forEach(({ logprobs }, row) =>
      logprobs.forEach((value, t) => expect(Math.abs(value - grown[row].logprobs[t])).toBeLessThan(1e-5)),
    );
  });

  it('keeps its cache for the next call, smaller or with other settings, and what an earlier call left there is not seen', async () => {
    using own = tinyModel();
    await generate(own, prompts, { n: 6, maxNewTokens: 30, repetitionPenalty: 1.2, seed: 1, staticCache: true });
    const held = memoryStats().bytes;
    for (const options of [
      { n: 2, maxNewTokens: 9, repetitionPenalty: 1.2, seed: 2 },
      { greedy: true, maxNewTokens: 30, topK: 3 },
    ]) {
      const of = [prompts[2], prompts[0], prompts[1]];
      const made = await generate(own, of, { ...options, staticCache: true });
      expect(made.map((group) => group.map(({ tokenIds }) => tokenIds))).toEqual(
        (await generate(model, of, { ...options, staticCache: false })).map((group) => group.map(({ tokenIds }) => tokenIds)),
      );
    }
    expect(memoryStats().bytes - held).toBeLessThan(100); // the second way of choosing keeps which tokens are never drawn
  });

  it('makes a new cache for more rows, longer prompts or changed weights, and frees the old one and at last all', async () => {
    const before = memoryStats().tensors;
    const own = tinyModel();
    const make = (of: typeof prompts, n: number) => generate(own, of, { n, maxNewTokens: 8, greedy: true, staticCache: true });
    await make([prompts[2]], 1);
    const [small, count] = [memoryStats().bytes, memoryStats().tensors];
    const long = tinyPrompt(Array.from({ length: 70 }, (_, i) => i));
    await make([long], 5);
    const cache = (rows: number, places: number) => 2 * 2 * rows * places * 2 * 8 * 4; // keys and values, layers, heads, width, bytes
    expect(memoryStats().bytes - small).toBeGreaterThan(cache(5, 128 + 8) - cache(1, 64 + 8));
    expect(memoryStats().tensors).toBe(count);
    const changed = own.weight('model.norm.weight');
    own.params.set(
      'model.norm.weight',
      noGrad(() => torch.mul(changed, -1)),
    );
    changed.dispose();
    const [[flipped]] = await make([prompts[2]], 1);
    expect(flipped.tokenIds).not.toEqual((await generate(model, [prompts[2]], { maxNewTokens: 8, greedy: true }))[0][0].tokenIds);
    own.dispose();
    expect(memoryStats().tensors).toBe(before);
  });

  it('follows the adapter that the model has', async () => {
    using own = tinyModel();
    const first = async (staticCache: boolean) =>
      (await generate(own, [prompts[0]], { maxNewTokens: 8, greedy: true, staticCache }))[0][0].tokenIds;
    const bare = await first(true);
    const lora = addLora(own, { r: 4, lora_alpha: 64, target_modules: null, base: '', seed: 1 });
    for (const { B } of lora.layers.values()) noGrad(() => scope(() => void torch.fill_(B, 0.5)));
    expect(await first(true)).not.toEqual(bare);
    expect(await first(true)).toEqual(await first(false));
  });

  it('two calls at once do not share a cache', async () => {
    const options = { n: 4, maxNewTokens: 100, greedy: true, eosTokenIds: [], staticCache: true };
    const draw = async () => (await generate(model, prompts, options)).flat().map(({ tokenIds }) => tokenIds);
    const [one, other] = await Promise.all([draw(), draw()]);
    expect(one).toEqual(await draw());
    expect(other).toEqual(one);
  });

  it('brings back drawn tokens and their log-probabilities alone, in one copy a reading', async () => {
    const reads = (['item', 'tolist', 'data', 'toFloat32'] as const).map((name) => vi.spyOn(Tensor.prototype, name));
    await generate(model, prompts, {
      n: 2,
      maxNewTokens: 9,
      topK: 9,
      topP: 0.9,
      repetitionPenalty: 1.1,
      eosTokenIds: [],
      staticCache: true,
    });
    expect(reads.map(({ mock }) => mock.calls.length)).toEqual([0, 0, 9, 0]);
    vi.restoreAllMocks();
  });

  it.each<[string, SamplingOptions, number[]]>([
    ['sampled', { temperature: 0.9 }, [0, 1, 2, 3, 4, 5, 6, 7, 8]],
    ['greedy, going on with a row of each prompt', { greedy: true }, [1, 5, 7]],
  ])('reads several steps at once, as a GPU does: %s', async (_, choice, kept) => {
    const [n, length] = [3, 20];
    const wanted = (await generate(model, prompts, { ...choice, n, maxNewTokens: length, seed: 8, eosTokenIds: [] })).flat();
    using state = new StaticDecode(model, prompts, n, length, { ...choice, never: [90, 91], random: generator(8), syncSteps: 8 });
    const tokens: number[][] = wanted.map(() => []);
    const readings: number[] = [];
    let rows = tokens.map((_ids, row) => row);
    for (let step = 1; step <= length; step++) {
      if (step % 8 === 0 || step === length) {
        const steps = state.read();
        readings.push(steps.length);
        for (const { ids } of steps) ids.forEach((id, i) => tokens[rows[i]].push(id));
        if (step === 16 && kept.length < rows.length) state.keepRows((rows = kept));
      }
      if (step < length) state.advance();
    }
    expect(readings).toEqual([8, 8, 4]);
    tokens.forEach((ids, row) => expect(ids).toEqual(wanted[row].tokenIds.slice(0, kept.includes(row) ? length : 16)));
  });

  it('computes few numbers of rows', () => {
    expect([1, 2, 3, 5, 8, 9, 17, 90].map(widthFor)).toEqual([1, 2, 4, 8, 8, 16, 32, 96]);
  });
});
