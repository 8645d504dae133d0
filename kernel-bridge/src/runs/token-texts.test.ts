import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadProcessor, type Processor } from '../models/index.ts';
import { tokenTexts } from '../protocol/token-texts.ts';
import { completeConfig } from './config.ts';
import { TokenTexts } from './token-texts.ts';

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
  const texts = await new TokenTexts().of(configOf(model), lists);
  expect(texts).toEqual(lists.map((ids) => tokenTexts(processor, ids)));
  expect(texts[0].at(-1)).toBe('<|im_end|>');
});

it("an adapter without a tokenizer is read with its base model's", async () => {
  writeFileSync(join(folder, 'adapter_config.json'), JSON.stringify({ base_model_name_or_path: model }));
  const ids = processor.encode('benign');
  expect((await new TokenTexts().of(configOf(folder), [ids]))[0].join('')).toBe('benign');
});

it('says which file is missing or broken, and what to do', async () => {
  await expect(new TokenTexts().of(configOf(join(folder, 'gone')), [[1]])).rejects.toMatchObject({
    code: 'TOKENIZER_MISSING',
    message: expect.stringContaining(join(folder, 'gone', 'tokenizer.json')),
    remedy: expect.stringContaining('model directory'),
  });
  copyFileSync(join(model, 'config.json'), join(folder, 'tokenizer.json'));
  await expect(new TokenTexts().of(configOf(folder), [[1]])).rejects.toMatchObject({ code: 'TOKENIZER_UNREADABLE' });
});

it('a vocabulary is read once: again only when its file has changed, and of five the one that was used longest ago', async () => {
  const texts = new TokenTexts();
  const ids = processor.encode('benign');
  const said = async (name: string) => (await texts.of(configOf(join(folder, name)), [ids]))[0].join('');
  const file = (name: string) => join(folder, name, 'tokenizer.json');
  for (const name of ['1', '2', '3', '4', '5']) {
    mkdirSync(join(folder, name));
    copyFileSync(join(model, 'tokenizer.json'), file(name));
    utimesSync(file(name), 1, 1);
    expect(await said(name)).toBe('benign');
  }
  expect(texts.size).toBe(4);
  /** Another vocabulary of the same size at the same time: only a reader sees it. */
  const tamper = (name: string) => {
    writeFileSync(file(name), readFileSync(file(name), 'utf8').replace('"en":', '"EN":'));
    utimesSync(file(name), 1, 1);
  };
  for (const name of ['1', '5']) tamper(name);
  expect(await said('5')).toBe('benign');
  expect(await said('1')).toBe('bENign');
  utimesSync(file('5'), 2, 2);
  expect(await said('5')).toBe('bENign');
});
