/** Models from and to Hugging Face directories, and fresh ones. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalName } from '../protocol/weight-names.ts';
import { generator, keep, noGrad, openCheckpoint, scope, torch, writeSafetensors, type Tensor } from '../torch/index.ts';
import { configJson, parseConfig, type ConfigJson } from './families/qwen2vl/config.ts';
import { writeDirectory, writeSynced } from './directory.ts';
import { errors } from './errors.ts';
import { mergeLora } from './engine/lora.ts';
import { Model, type ModelDtype } from './model.ts';
import { baseOf, readAdapter, readAdapterConfig } from './engine/peft.ts';
import { generationConfig } from './families/qwen2vl/processor.ts';
import { weightShapes } from './families/qwen2vl/weights.ts';

export interface LoadOptions {
  /** Weights are cast to it. Default: float32 on the CPU, bfloat16 elsewhere. */
  dtype?: ModelDtype;
  /** 'cpu', 'cuda:0', ... Default 'cpu'. */
  device?: string;
  /** Adds a LoRA adapter to the weights instead of keeping it beside them. */
  merge?: boolean;
}

/** Reads a model directory, or that of a LoRA adapter together with its base model. Weights of the wanted dtype stay mapped from the file until they are written to. */
export async function loadModel(dir: string, options: LoadOptions = {}): Promise<Model> {
  const adapter = await readAdapterConfig(dir);
  if (adapter === null) return loadWeights(dir, options);
  const base = await baseOf(dir, adapter);
  const model = await loadWeights(base, options);
  try {
    // The path as found: the adapter may be saved elsewhere.
    model.adapter = await readAdapter(dir, { ...adapter, base_model_name_or_path: base }, model);
    if (options.merge) mergeLora(model);
    return model;
  } catch (error) {
    model.dispose();
    throw error;
  }
}

async function loadWeights(dir: string, options: LoadOptions): Promise<Model> {
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
  return new Model(config, params, dtype, device);
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
export function initModel(json: ConfigJson, options: { seed?: number; dtype?: ModelDtype; std?: number; device?: string } = {}): Model {
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
  return new Model(config, params, dtype, device);
}

/** Writes a directory that transformers loads; files of `processorDir` (tokenizer, chat template, ...) are copied into it. The adapter, if any, is left out. */
export async function saveModel(model: Model, dir: string, processorDir?: string): Promise<void> {
  await writeDirectory(dir, processorDir, async (draft) => {
    await writeSynced(join(draft, 'config.json'), `${JSON.stringify(configJson(model.config, model.dtype), null, 2)}\n`);
    writeSafetensors(join(draft, 'model.safetensors'), model.params);
    if ((await stat(join(draft, 'generation_config.json')).catch(() => null)) === null) {
      const { bos_token_id, eos_token_id, pad_token_id } = model.config.text_config;
      const known = processorDir === undefined ? null : await generationConfig(processorDir);
      await writeSynced(
        join(draft, 'generation_config.json'),
        `${JSON.stringify(known ?? { bos_token_id, eos_token_id, pad_token_id }, null, 2)}\n`,
      );
    }
  });
}
