/** The tiny model that ships, through transformers and through ours: an ordinary Hugging Face directory to both. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawScene } from '../../kernel-bridge/src/data/sample/draw.ts';
import { encodePng } from '../../kernel-bridge/src/data/sample/png.ts';
import { sfc32 } from '../../kernel-bridge/src/stats/random.ts';
import { generate, loadModel, loadProcessor, type Processor } from '../../kernel-bridge/src/models/index.ts';
import { applyVariant } from '../../kernel-bridge/src/answers/index.ts';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const model = join(root, 'examples/sample/model');
const dir = mkdtempSync(join(tmpdir(), 'medr1-tiny-'));
const image = join(dir, 'image.png');
const question = applyVariant('How severe is the lesion in this image? A)severe, B)none, C)moderate, D)mild', 'think');

let expected: {
  tokenizer: string;
  texts: { text: string; ids: number[] }[];
  missing: string[];
  prompt_ids: number[];
  reply_ids: number[];
};
let processor: Processor;

beforeAll(async () => {
  const scene = { modality: 'fundus', anatomy: 'iris', lesion: { finding: 'tumor', size: 'large', place: 'left' } } as const;
  writeFileSync(image, encodePng(drawScene(scene, sfc32('parity')), { keyword: 'Description', value: 'Synthetic' }));
  const script = join(here, 'python/tiny_model_expected.py');
  const out = join(dir, 'expected.json');
  execFileSync(join(root, '.venv/bin/python'), [script, model, image, question, out], { stdio: ['ignore', 'ignore', 'inherit'] });
  expected = JSON.parse(readFileSync(out, 'utf8'));
  processor = await loadProcessor(model);
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('the tiny model that ships', () => {
  it("loads in transformers whole, with Qwen2's tokenizer class", () => {
    expect(expected.missing).toEqual([]);
    expect(expected.tokenizer).toContain('Qwen2Tokenizer');
  });

  it('tokenises alike in both', () => {
    for (const { text, ids } of expected.texts) expect(processor.encode(text)).toEqual(ids);
  });

  it('gives the same prompt and the same greedy reply in both', async () => {
    using ours = await loadModel(model);
    const prompt = await processor.prompt({ images: [image], text: question });
    expect(prompt.inputIds).toEqual(expected.prompt_ids);
    const [[{ tokenIds }]] = await generate(ours, [prompt], { greedy: true, maxNewTokens: 48, eosTokenIds: processor.eosTokenIds });
    expect(tokenIds).toEqual(expected.reply_ids);
    expect(processor.decode(tokenIds)).toMatch(/^<think>This .+\.<\/think><answer> [A-D] <\/answer><\|im_end\|>$/);
  });
});
