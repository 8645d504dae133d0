/** Models from and to Hugging Face directories, and fresh ones. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkbenchError } from '../protocol/errors.ts';
import { canonicalName } from '../protocol/weight-names.ts';
import { generator, keep, noGrad, openCheckpoint, scope, torch, writeSafetensors, type Tensor } from '../torch/index.ts';
import { familyOf } from './families/index.ts';
import { parseConfig } from './families/shapes.ts';
import type { ConfigJson } from './family.ts';
import { writeDirectory, writeSynced } from './directory.ts';
import { errors } from './errors.ts';
import { readJson } from './json.ts';
import { checkWeights } from './shapes.ts';
import { mergeLora } from './engine/lora.ts';
import { Model, type ModelDtype } from './model.ts';
import { baseOf, readAdapter, readAdapterConfig } from './engine/peft.ts';
import { generationConfig } from './processor.ts';

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
  const written = parseConfig(await readConfig(dir), join(dir, 'config.json'));
  await requireWeights(dir);
  const found = new Map<string, Tensor>();
  for (const [name, weight] of openCheckpoint(dir)) found.set(canonicalName(name), weight);
  const config = { ...written, tie_word_embeddings: written.tie_word_embeddings && settleTie(dir, found, dtype) };
  const family = familyOf(config);
  const shapes = family.weightShapes(config);

  try {
    checkWeights(dir, config, new Map([...found].map(([name, { shape }]) => [name, shape])));
  } catch (error) {
    for (const weight of found.values()) weight[Symbol.dispose]();
    throw error;
  }

  const params = new Map<string, Tensor>();
  for (const name of shapes.keys()) {
    const weight = found.get(name)!;
    const wanted = weight.dtype === dtype && weight.device === device ? weight : weight.to({ dtype, device });
    params.set(name, keep(wanted));
    if (wanted !== weight) weight[Symbol.dispose]();
  }
  return new Model(family, config, params, dtype, device);
}

/**
 * Brings what was found of a model with tie_word_embeddings to one matrix, and tells whether it is one. As transformers 5 has it: of equal matrices the
 * embedding stays, one that is there alone is both, and where they differ they are not tied, which transformers 4 does all the same.
 */
function settleTie(dir: string, found: Map<string, Tensor>, dtype: ModelDtype): boolean {
  const [input, output] = ['model.embed_tokens.weight', 'lm_head.weight'];
  const [embedding, head] = [found.get(input), found.get(output)];
  if (head === undefined) return true;
  if (embedding === undefined) found.set(input, head);
  else if (!sameValues(embedding, head, dtype)) {
    process.emitWarning(
      `${dir}: config.json says tie_word_embeddings, but ${output} has values of its own, so the two are not tied. ` +
        'Set tie_word_embeddings to false there to silence this warning; transformers before 5 takes the embedding for both.',
      { code: 'MEDR1_UNTIED_LM_HEAD' },
    );
    return false;
  } else head[Symbol.dispose]();
  found.delete(output);
  return true;
}

/** Equal as the model will hold them. */
function sameValues(a: Tensor, b: Tensor, dtype: ModelDtype): boolean {
  return String(a.shape) === String(b.shape) && scope(() => noGrad(() => torch.equal(a.to({ dtype }), b.to({ dtype }))));
}

async function readConfig(dir: string): Promise<ConfigJson> {
  const config = await readJson(join(dir, 'config.json')).catch((cause: unknown) => {
    throw cause instanceof WorkbenchError ? cause : errors.notAModel(dir, 'config.json cannot be read', cause);
  });
  if (config === null) throw errors.notAModel(dir, 'config.json cannot be read');
  return config;
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
  const family = familyOf(config);
  const random = generator(seed, device);
  const params = new Map<string, Tensor>();
  for (const [name, shape] of family.weightShapes(config)) {
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
  return new Model(family, config, params, dtype, device);
}

/** Writes a directory that transformers loads; files of `processorDir` (tokenizer, chat template, ...) are copied into it. The adapter, if any, is left out. */
export async function saveModel(model: Model, dir: string, processorDir?: string): Promise<void> {
  await writeDirectory(dir, processorDir, async (draft) => {
    await writeSynced(join(draft, 'config.json'), `${JSON.stringify(model.family.configJson(model.config, model.dtype), null, 2)}\n`);
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
