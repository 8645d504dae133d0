import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModel, loadProcessor, type Model, type Processor } from '../../models/index.ts';
import { tokenTexts } from '../../protocol/token-texts.ts';
import { memoryStats } from '../../torch/index.ts';
import { encodePut } from '../answer.ts';
import { disposePrompt } from '../ask.ts';
import { makeTiny, type Tiny } from '../testing/tiny.ts';
import { interventions, mistaken, SHARES } from './interventions.ts';

const options = ['cyst', 'a large mass', 'none'].map((text, i) => ({ letter: 'ABC'[i], text }));
const other = 'It is a polyp. It lies at the left. So it is C.';

describe('a mistake', () => {
  it.each([
    ['It shows a Cyst at the top.', 'It shows a a large mass at the top.'],
    ['So the answer is (cyst A).', 'So the answer is (a large mass B).'],
    ['So it is C.', 'So it is A.'],
    ['A dark spot is seen.', 'It lies at the left.'],
  ])('in %j', (sentence, changed) => {
    expect(mistaken(sentence, { options, other })).toBe(changed);
  });

  it('is put in also where there is nothing to take it from', () => {
    expect(mistaken('It is round.', { options: [], other: '' })).toBe('This is not so.');
  });
});

describe('interventions', () => {
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

  const run = async (ids: number[], mistakes = true) => {
    const put = { item: tiny.items[1], root: tiny.directory, variant: 'think' as const, template: null, evaluation: true };
    const { prompt, view } = await encodePut(processor, { ...put, min_pixels: null, max_pixels: null });
    const said = { model, processor, prompt, view, ids, texts: tokenTexts(processor, ids) };
    try {
      return await interventions(said, { options, other, reading: 'strict', maxNewTokens: 4, mistakes });
    } finally {
      disposePrompt(prompt);
    }
  };

  it('are made at each share; with the whole reasoning the answer is that of the model', async () => {
    const before = memoryStats().tensors;
    const found = (await run([14, 16, 17, 8, 15, 12, 10, 13]))!;
    const shares = (test: string) => found.filter((one) => one.test === test).map(({ share }) => share);
    for (const test of ['early', 'other', 'filler']) expect(shares(test)).toEqual([...SHARES]);
    expect(shares('mistake')).toEqual(SHARES.filter((share) => share < 1));
    for (const { test, letter } of found) if (test !== 'mistake') expect('ABC').toContain(letter);
    // nothing of the reasoning, of another's and of filler is the same prompt
    const bare = found.filter(({ test, share }) => test !== 'mistake' && share === 0).map(({ letter }) => letter);
    expect(new Set(bare).size).toBe(1);
    expect(memoryStats().tensors).toBe(before);
  });

  it('leave mistakes out when told to, and pass over what does not reason or does not answer', async () => {
    expect((await run([14, 16, 17, 8, 15, 12, 10, 13], false))!.some(({ test }) => test === 'mistake')).toBe(false);
    expect(await run([12, 10, 13])).toBeNull();
    expect(await run([14, 16, 17])).toBeNull();
  });
});
