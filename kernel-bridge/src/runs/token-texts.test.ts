import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadProcessor, type Processor } from '../models/index.ts';
import { tokenTexts } from '../protocol/token-texts.ts';
import { completeConfig } from './config.ts';
import { textsOf } from './token-texts.ts';

const model = resolve(import.meta.dirname, '../../../examples/sample/model');
const configOf = (path: string) => completeConfig({ model_name_or_path: path, dataset_name: 'd' });
let processor: Processor;
let folder: string;
beforeAll(async () => {
  processor = await loadProcessor(model);
  folder = mkdtempSync(join(tmpdir(), 'medr1-tokens-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

it('decodes as the whole tokenizer does: words, tags, the end of a turn, characters of several tokens', async () => {
  const lists = ['<think> small red star </think> <answer> C </answer><|im_end|>', 'a😀b ü', ''].map((text) => processor.encode(text));
  const texts = await textsOf(configOf(model), lists);
  expect(texts).toEqual(lists.map((ids) => tokenTexts(processor, ids)));
  expect(texts[0].at(-1)).toBe('<|im_end|>');
});

it("an adapter without a tokenizer is read with its base model's", async () => {
  writeFileSync(join(folder, 'adapter_config.json'), JSON.stringify({ base_model_name_or_path: model }));
  const ids = processor.encode('benign');
  expect((await textsOf(configOf(folder), [ids]))[0].join('')).toBe('benign');
});

it('says which file is missing or broken, and what to do', async () => {
  await expect(textsOf(configOf(join(folder, 'gone')), [[1]])).rejects.toMatchObject({
    code: 'TOKENIZER_MISSING',
    message: expect.stringContaining(join(folder, 'gone', 'tokenizer.json')),
    remedy: expect.stringContaining('model directory'),
  });
  copyFileSync(join(model, 'config.json'), join(folder, 'tokenizer.json'));
  await expect(textsOf(configOf(folder), [[1]])).rejects.toMatchObject({ code: 'TOKENIZER_UNREADABLE' });
});
