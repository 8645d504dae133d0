/** Models from and to Hugging Face directories, and fresh ones. */
import { randomBytes } from 'node:crypto';
import { cp, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { generator, keep, noGrad, openCheckpoint, scope, torch, writeSafetensors, type Tensor } from '../torch/index.ts';
import { configJson, parseConfig, type ConfigJson } from './config.ts';
import { errors } from './errors.ts';
import { Qwen2VL, type ModelDtype } from './model.ts';
import { canonicalName, weightShapes } from './weights.ts';

export interface LoadOptions {
  /** Weights are cast to it. Default: float32 on the CPU, bfloat16 elsewhere. */
  dtype?: ModelDtype;
  /** 'cpu', 'cuda:0', ... Default 'cpu'. */
  device?: string;
}

/** Reads a model directory. Weights of the wanted dtype stay mapped from the file until they are written to. */
export async function loadModel(dir: string, options: LoadOptions = {}): Promise<Qwen2VL> {
  const { device = 'cpu' } = options;
  const dtype = options.dtype ?? (device === 'cpu' ? 'float32' : 'bfloat16');
  const config = parseConfig(await readConfig(dir), join(dir, 'config.json'));
  await requireWeights(dir);
  const shapes = weightShapes(config);
  const found = new Map<string, Tensor>();
  for (const [name, weight] of openCheckpoint(dir)) found.set(canonicalName(name), weight);

  const problems: string[] = [];
  for (const [name, shape] of shapes) {
    const weight = found.get(name);
    if (weight === undefined) problems.push(`${name} is missing`);
    else if (String(weight.shape) !== String(shape)) problems.push(`${name} is [${weight.shape}], expected [${shape}]`);
  }
  for (const name of found.keys()) {
    // A tied output matrix is sometimes saved a second time.
    if (!shapes.has(name) && name !== 'lm_head.weight') problems.push(`${name} is not part of a ${config.model_type} of this config`);
  }
  if (problems.length > 0) {
    for (const weight of found.values()) weight[Symbol.dispose]();
    throw errors.badWeights(dir, problems);
  }

  const params = new Map<string, Tensor>();
  for (const name of shapes.keys()) {
    const weight = found.get(name)!;
    const wanted = weight.dtype === dtype && weight.device === device ? weight : weight.to({ dtype, device });
    params.set(name, keep(wanted));
    if (wanted !== weight) weight[Symbol.dispose]();
  }
  found.get('lm_head.weight') !== params.get('lm_head.weight') && found.get('lm_head.weight')?.[Symbol.dispose]();
  return new Qwen2VL(config, params, dtype, device);
}

async function readConfig(dir: string): Promise<ConfigJson> {
  const file = join(dir, 'config.json');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw errors.notAModel(dir, 'config.json cannot be read', cause);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw errors.badJson(file, cause);
  }
}

async function requireWeights(dir: string): Promise<void> {
  for (const name of ['model.safetensors', 'model.safetensors.index.json']) {
    if (await stat(join(dir, name)).catch(() => null)) return;
  }
  throw errors.notAModel(dir, 'it has neither model.safetensors nor model.safetensors.index.json');
}

/** A model with fresh weights, drawn as transformers draws them: normal for matrices, ones for norms, zero for biases. */
export function initModel(json: ConfigJson, options: { seed?: number; dtype?: ModelDtype; std?: number; device?: string } = {}): Qwen2VL {
  const config = parseConfig(json, 'the given config');
  const { seed = 0, dtype = 'float32', device = 'cpu' } = options;
  const std = options.std ?? config.initializer_range;
  const random = generator(seed, device);
  const params = new Map<string, Tensor>();
  for (const [name, shape] of weightShapes(config)) {
    const weight = scope(() =>
      noGrad(() => {
        if (name.endsWith('.bias')) return torch.zeros(shape, { dtype, device });
        if (shape.length === 1) return torch.ones(shape, { dtype, device });
        const drawn = torch.normal_(torch.empty(shape, { dtype: 'float32', device }), 0, std, { generator: random });
        const { pad_token_id } = config.text_config;
        if (name === 'model.embed_tokens.weight' && pad_token_id !== null) torch.zero_(torch.select(drawn, 0, pad_token_id));
        return drawn.to({ dtype });
      }),
    );
    params.set(name, keep(weight));
  }
  return new Qwen2VL(config, params, dtype, device);
}

/** What a processor reads, and transformers and vLLM with it. */
const PROCESSOR_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'vocab.json',
  'merges.txt',
  'added_tokens.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'chat_template.json',
  'preprocessor_config.json',
  'generation_config.json',
];

/**
 * Writes a directory that transformers loads; files of `processorDir` (tokenizer, chat template, ...) are copied into it.
 * The directory appears whole or not at all: it is written beside its place, synced and renamed.
 */
export async function saveModel(model: Qwen2VL, dir: string, processorDir?: string): Promise<void> {
  const target = resolve(dir);
  const parent = dirname(target);
  const draft = join(parent, `.${basename(target)}.${randomBytes(4).toString('hex')}.tmp`);
  await mkdir(draft, { recursive: true });
  try {
    await writeSynced(join(draft, 'config.json'), `${JSON.stringify(configJson(model.config, model.dtype), null, 2)}\n`);
    writeSafetensors(join(draft, 'model.safetensors'), model.params);
    if (processorDir !== undefined) await copyProcessor(processorDir, draft);
    if ((await stat(join(draft, 'generation_config.json')).catch(() => null)) === null) {
      const { bos_token_id, eos_token_id, pad_token_id } = model.config.text_config;
      await writeSynced(
        join(draft, 'generation_config.json'),
        `${JSON.stringify({ bos_token_id, eos_token_id, pad_token_id }, null, 2)}\n`,
      );
    }
    await syncDir(draft);
    await replace(draft, target);
    await syncDir(parent);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

async function copyProcessor(from: string, into: string): Promise<void> {
  for (const name of PROCESSOR_FILES) {
    const there = await stat(join(from, name)).catch(() => null);
    if (there === null) continue;
    await cp(join(from, name), join(into, name));
    await syncFile(join(into, name));
  }
}

/** A directory that stands in the way is moved aside first: rename replaces only empty ones. */
async function replace(draft: string, target: string): Promise<void> {
  const old = `${draft}.old`;
  const had = await stat(target).catch(() => null);
  if (had !== null) await rename(target, old);
  await rename(draft, target);
  if (had !== null) await rm(old, { recursive: true, force: true });
}

async function writeSynced(file: string, text: string): Promise<void> {
  await writeFile(file, text);
  await syncFile(file);
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const syncDir = syncFile;
