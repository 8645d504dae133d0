/** What the server may know of a model without loading it: config.json and the headers of the weight files. */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { TrainConfig } from '../protocol/index.ts';
import { canonicalName, linearLayers, loraTest } from '../protocol/weight-names.ts';
import { errors } from './errors.ts';
import type { ModelShape } from './memory.ts';

const MAX_HEADER = 100 * 2 ** 20;

/** The directory that holds a model's weights: `path` itself, or the base model's of a LoRA adapter. It need not exist. */
export function weightsDirectory(path: string): string {
  const dir = resolve(path);
  const file = join(dir, 'adapter_config.json');
  if (!existsSync(file)) return dir;
  let base: unknown;
  try {
    base = (JSON.parse(readFileSync(file, 'utf8')) as { base_model_name_or_path?: unknown }).base_model_name_or_path;
  } catch (cause) {
    throw errors.modelMissing(dir, `has an adapter_config.json that is no JSON: ${(cause as Error).message}`);
  }
  if (typeof base !== 'string') throw errors.modelMissing(dir, 'is an adapter whose adapter_config.json names no base model');
  const places = [resolve(base), resolve(dir, base)];
  return places.find((place) => existsSync(join(place, 'config.json'))) ?? places[0];
}

/** Sizes of a model in Hugging Face's layout. The LoRA targets decide which layers count as adapted, unless `path` is an adapter already. */
export function readShape(path: string, targets: TrainConfig['lora_target_modules'] = null): ModelShape {
  const directory = weightsDirectory(path);
  const given = directory === resolve(path) ? null : resolve(path);
  const config = readConfig(directory);
  const text = (config.text_config ?? config) as Record<string, number>;
  const vision = (config.vision_config ?? {}) as Record<string, number>;
  const shapes = weightShapes(directory);
  const count = (keep: (name: string) => boolean): number =>
    [...shapes].reduce((total, [name, shape]) => total + (keep(name) ? elements(shape) : 0), 0);
  const heads = text.num_attention_heads;
  const gated = config.model_type === 'qwen2_5_vl';
  const visionWidth = vision.embed_dim ?? vision.hidden_size ?? 1280;
  return {
    parameters: count(() => true),
    vision: count(isVision),
    embedding: text.vocab_size * text.hidden_size,
    hidden: text.hidden_size,
    layers: text.num_hidden_layers,
    mlp: text.intermediate_size,
    kvWidth: ((text.num_key_value_heads ?? heads) * text.hidden_size) / heads,
    vocabulary: text.vocab_size,
    visionWidth,
    visionDepth: vision.depth ?? 32,
    visionMlp: gated ? (vision.intermediate_size ?? 3420) : visionWidth * (vision.mlp_ratio ?? 4),
    visionGated: gated,
    tokenizer: statSync(join(directory, 'tokenizer.json'), { throwIfNoEntry: false })?.size ?? 0,
    lora: given === null ? loraSizes(shapes, targets) : adapterSizes(given),
  };
}

const isVision = (name: string): boolean => name.startsWith('visual.');
const elements = (shape: readonly number[]): number => shape.reduce((product, side) => product * side, 1);

/** in + out of every adapted layer: the elements of A and B at rank 1. Targets that make no sense count nothing; the run itself refuses them. */
function loraSizes(shapes: ReadonlyMap<string, number[]>, targets: TrainConfig['lora_target_modules']): ModelShape['lora'] {
  const linears = linearLayers(shapes);
  let adapted: string[];
  try {
    adapted = linears.filter(loraTest(linears, targets));
  } catch {
    adapted = [];
  }
  const sum = (names: string[]): number =>
    names.reduce((total, name) => total + shapes.get(`${name}.weight`)!.reduce((a, b) => a + b, 0), 0);
  return { given: false, decoder: sum(adapted.filter((name) => !isVision(name))), vision: sum(adapted.filter(isVision)) };
}

/** Elements of an adapter's matrices. */
function adapterSizes(directory: string): ModelShape['lora'] {
  const matrices = headerOf(directory, 'adapter_model.safetensors').map(([name, shape]) => ({
    ofVision: isVision(canonicalName(name.replace(/^base_model\.model\./, ''))),
    size: elements(shape),
  }));
  const sum = (ofVision: boolean): number => matrices.reduce((total, one) => total + (one.ofVision === ofVision ? one.size : 0), 0);
  return { given: true, decoder: sum(false), vision: sum(true) };
}

function readConfig(directory: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8')) as Record<string, unknown>;
  } catch (cause) {
    throw errors.modelUnreadable(directory, 'config.json cannot be read', cause);
  }
}

/** Shapes by the names that checkpoints of Qwen2-VL-2B have, from the headers of all weight files. */
function weightShapes(directory: string): Map<string, number[]> {
  const files = readdirSync(directory).filter((name) => /^model.*\.safetensors$/.test(name));
  if (files.length === 0) throw errors.modelUnreadable(directory, 'it has no model.safetensors');
  return new Map(files.flatMap((file) => headerOf(directory, file)));
}

function headerOf(directory: string, file: string): [string, number[]][] {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(join(directory, file), 'r');
    const length = Buffer.alloc(8);
    readSync(descriptor, length, 0, 8, 0);
    const size = Number(length.readBigUInt64LE());
    if (size > MAX_HEADER) throw new Error(`a header of ${size} bytes`);
    const text = Buffer.alloc(size);
    readSync(descriptor, text, 0, size, 8);
    const header = JSON.parse(text.toString('utf8')) as Record<string, { shape: number[] }>;
    delete header.__metadata__;
    return Object.entries(header).map(([name, { shape }]) => [canonicalName(name), shape]);
  } catch (cause) {
    throw errors.modelUnreadable(directory, `${file} has no readable header`, cause);
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}
