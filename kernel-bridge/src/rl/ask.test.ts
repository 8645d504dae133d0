import { afterAll, expect, it } from 'vitest';
import { tinyModel, tinyPrompts } from '../models/testing/tiny.ts';
import type { Processor } from '../models/index.ts';
import { ask, disposePrompt, questionOf } from './ask.ts';

const SPECIAL = Array.from({ length: 60 }, (_, i) => i);
const processor = {
  allSpecialIds: SPECIAL,
  eosTokenIds: [7],
  decode: (ids: number[], { skipSpecialTokens = false } = {}) =>
    ids.filter((id) => !(skipSpecialTokens && SPECIAL.includes(id))).map((id) => `<${id}>`).join(''),
  prompt: ({ images, text }: { images: unknown[]; text: string }) => Promise.resolve({ inputIds: [1, 2, 3], images, text: `user: ${text}` }),
} as unknown as Processor; // prettier-ignore

const model = tinyModel();
afterAll(() => model.dispose());
const how = { n: 8, maxNewTokens: 12, seed: 3 };

it('gives completions with their texts, ended by an end token, and draws no other special token', async () => {
  const replies = (await ask(model, processor, tinyPrompts(), how)).flat();
  expect(replies).toHaveLength(3 * 8);
  const drawn = new Set(replies.flatMap(({ tokenIds }) => tokenIds));
  expect([...drawn].filter((id) => SPECIAL.includes(id) && id !== 7)).toEqual([]);
  for (const { text, tokenIds, finishReason } of replies) {
    expect(text).toBe(processor.decode(tokenIds, { skipSpecialTokens: true }));
    expect(finishReason).toBe(tokenIds.at(-1) === 7 ? 'stop' : 'length');
  }
  expect(replies.some(({ finishReason }) => finishReason === 'stop')).toBe(true);
});

it('draws special tokens where it may, and leaves them out of the text', async () => {
  const replies = (await ask(model, processor, tinyPrompts(), { ...how, specialTokens: true })).flat();
  const special = replies.flatMap(({ tokenIds }) => tokenIds.filter((id) => SPECIAL.includes(id) && id !== 7));
  expect(special.length).toBeGreaterThan(0);
  expect(replies.map(({ text }) => text).join('')).not.toContain(`<${special[0]}>`);
});

it('words an item by variant, template and evaluation', async () => {
  const item = { question: 'What is shown?', options: ['cyst', 'tumor'] } as Parameters<typeof questionOf>[1];
  const texts = [
    { variant: 'think', template: null, evaluation: false },
    { variant: 'think', template: null, evaluation: true },
    { variant: 'no-think', template: 'Say: {question}', evaluation: false },
  ] as const;
  const [train, evaluation, own] = await Promise.all(texts.map((wording) => questionOf(processor, item, [], wording)));
  expect(train.text).toMatch(/^What is shown\? A\)cyst, B\)tumor Your task: /);
  expect(evaluation.text).toMatch(/^What is shown\? A\)cyst, B\)tumor Think through/);
  expect(own).toMatchObject({
    text: 'Say: What is shown? A)cyst, B)tumor',
    promptTokens: 3,
    prompt: { text: 'user: Say: What is shown? A)cyst, B)tumor' },
  });
});

it('frees the patches of a prompt', () => {
  const [prompt] = tinyPrompts();
  disposePrompt(prompt);
  expect(prompt.images.every(({ pixelValues }) => pixelValues.isDisposed)).toBe(true);
});
