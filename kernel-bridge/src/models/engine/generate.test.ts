import { describe, expect, it } from 'vitest';
import { memoryStats, noGrad, scope, torch } from '../../torch/index.ts';
import { generate } from './generate.ts';
import { groupLogps } from './group-logps.ts';
import { tinyModel, tinyPrompts } from '../testing/tiny.ts';

const model = tinyModel();
const prompts = tinyPrompts();
const tokensOf = (made: Awaited<ReturnType<typeof generate>>) => made.map((group) => group.map(({ tokenIds }) => tokenIds));

const everyFifth = Array.from({ length: 20 }, (_, i) => 5 * i);

describe('generate', () => {
  it('reports the log-probabilities that groupLogps gives to the same tokens', async () => {
    const made = await generate(model, prompts, { n: 4, maxNewTokens: 12, temperature: 0.8, seed: 1 });
    const rows = scope(() => groupLogps(model, prompts, tokensOf(made), { temperature: 0.8 }).logps.tolist() as number[][]);
    made.flat().forEach(({ logprobs }, n) => logprobs.forEach((value, t) => expect(rows[n][t]).toBeCloseTo(value, 4)));
  });

  it.each([
    ['sampled', {}],
    ['greedy', { greedy: true }],
    ['truncated', { topP: 0.9, topK: 5, minP: 0.1 }],
  ])('%s from a model that gives no probabilities is refused by name, and leaves nothing', async (_, options) => {
    using broken = tinyModel();
    for (const value of [NaN, Infinity]) {
      noGrad(() => torch.fill_(broken.weight('model.norm.weight'), value));
      const before = memoryStats().tensors;
      const failed = generate(broken, prompts, { n: 2, maxNewTokens: 4, ...options });
      await expect(failed).rejects.toMatchObject({ code: 'MODEL_LOGITS_NOT_FINITE', message: /token 0 after prompt 0/ });
      expect(memoryStats().tensors).toBe(before);
    }
  });

  it('draws the same for the same seed and differently for another', async () => {
    const draw = async (seed: number) => tokensOf(await generate(model, prompts, { n: 3, maxNewTokens: 8, seed }));
    expect(await draw(5)).toEqual(await draw(5));
    expect(await draw(5)).not.toEqual(await draw(6));
  });

  it('takes greedy tokens that do not depend on the batch', async () => {
    const together = tokensOf(await generate(model, prompts, { greedy: true, maxNewTokens: 10 }));
    for (const [i, prompt] of prompts.entries()) {
      expect(tokensOf(await generate(model, [prompt], { greedy: true, maxNewTokens: 10 }))).toEqual([together[i]]);
    }
  });

  it('ends a completion with its end token, and goes on with the others after dropping ended rows', async () => {
    const made = await generate(model, prompts, { n: 8, maxNewTokens: 30, seed: 2, eosTokenIds: everyFifth });
    for (const { tokenIds, finishReason, logprobs } of made.flat()) {
      expect(tokenIds.slice(0, -1).some((id) => id % 5 === 0)).toBe(false);
      expect(finishReason).toBe(tokenIds.at(-1)! % 5 === 0 ? 'stop' : 'length');
      expect(logprobs).toHaveLength(tokenIds.length);
    }
    const rows = scope(() => groupLogps(model, prompts, tokensOf(made)).logps.tolist() as number[][]);
    made.flat().forEach(({ logprobs }, n) => logprobs.forEach((value, t) => expect(rows[n][t]).toBeCloseTo(value, 4)));
  });

  it.each([false, true])('draws what it would draw if no other completion ended; static cache: %s', async (staticCache) => {
    const draw = async (eosTokenIds: number[]) =>
      tokensOf(await generate(model, prompts, { n: 8, maxNewTokens: 30, seed: 2, eosTokenIds, staticCache })).flat();
    const whole = await draw([]);
    const cut = await draw(everyFifth);
    expect(new Set(cut.map((tokens) => tokens.length)).size).toBeGreaterThan(4);
    cut.forEach((tokens, row) => expect(tokens).toEqual(whole[row].slice(0, tokens.length)));
  });

  it('never draws placeholders of images, nor tokens it is told not to', async () => {
    const allowed = [3, 4];
    const suppressTokenIds = Array.from({ length: 90 }, (_, i) => i).filter((id) => !allowed.includes(id));
    const drawn = new Set(tokensOf(await generate(model, prompts, { n: 8, maxNewTokens: 20, seed: 3, suppressTokenIds })).flat(2));
    expect([...drawn].filter((id) => id < 92 && !allowed.includes(id))).toEqual([]);
  });

  it.each([
    ['top k 1', { topK: 1 }],
    ['a tiny top p', { topP: 1e-6 }],
    ['min p 1', { minP: 1 }],
  ])('%s draws what greedy takes', async (_, truncation) => {
    const options = { maxNewTokens: 8, eosTokenIds: [] };
    expect(tokensOf(await generate(model, prompts, { ...options, ...truncation, seed: 4 }))).toEqual(
      tokensOf(await generate(model, prompts, { ...options, greedy: true })),
    );
  });

  it('repeats less under a high repetition penalty', async () => {
    const distinct = async (repetitionPenalty: number) =>
      new Set(tokensOf(await generate(model, [prompts[2]], { greedy: true, maxNewTokens: 40, repetitionPenalty, eosTokenIds: [] })).flat(2))
        .size;
    expect(await distinct(1e3)).toBe(40);
    expect(await distinct(1)).toBeLessThan(40);
  });

  it('tells tokens as they come and stops when aborted', async () => {
    const seen: number[] = [];
    const abort = new AbortController();
    const told = generate(model, [prompts[2]], {
      maxNewTokens: 50,
      eosTokenIds: [],
      signal: abort.signal,
      onToken: ({ tokenId }) => void (seen.push(tokenId) === 5 && abort.abort()),
    });
    await expect(told).rejects.toThrow(/abort/i);
    expect(seen).toHaveLength(5);
  });

  it('frees the cache and everything else when it is done', async () => {
    const before = memoryStats().tensors;
    await generate(model, prompts, { n: 2, maxNewTokens: 6, repetitionPenalty: 1.1, topK: 5, seed: 1 });
    expect(memoryStats().tensors).toBe(before);
  });

  it('refuses settings out of range, naming them', async () => {
    await expect(generate(model, prompts, { temperature: 0, topP: 2 })).rejects.toThrow(
      'temperature 0 is not above 0; topP 2 is not in (0, 1]',
    );
  });
});
