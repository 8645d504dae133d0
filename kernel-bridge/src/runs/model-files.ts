/** What the server may know of a model without loading it: config.json and the headers of the weight files. */
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readTextSync } from '../files/plain.ts';
import { readHeader, weightFiles } from '../files/safetensors.ts';
import { checkWeights, MAX_CONFIG, parseConfig, sizesOf, weightShapes } from '../models/shapes.ts';
import { WorkbenchError } from '../protocol/errors.ts';
import type { TrainConfig } from '../protocol/index.ts';
import { canonicalName, isVision, linearLayers, loraTest } from '../protocol/weight-names.ts';
import { errors } from './errors.ts';
import type { ModelShape } from './memory.ts';

/** Bytes of the headers of all weight files together, read while others wait: 50 times those of a model of 72 billion parameters. */
const MAX_HEADERS = 8 << 20;

/** The directory that holds a model's weights: `path` itself, or the base model's of a LoRA adapter. It need not exist. */
export function weightsDirectory(path: string): string {
  const dir = resolve(path);
  const file = join(dir, 'adapter_config.json');
  if (!existsSync(file)) return dir;
  let base: unknown;
  try {
    base = (JSON.parse(readTextSync(file, MAX_CONFIG)) as { base_model_name_or_path?: unknown } | null)?.base_model_name_or_path;
  } catch (cause) {
    throw errors.modelMissing(dir, `has an adapter_config.json that cannot be read as JSON: ${(cause as Error).message}`);
  }
  if (typeof base !== 'string') throw errors.modelMissing(dir, 'is an adapter whose adapter_config.json names no base model');
  const places = [resolve(base), resolve(dir, base)];
  return places.find((place) => existsSync(join(place, 'config.json'))) ?? places[0];
}

/** Sizes of a model in Hugging Face's layout. The LoRA targets decide which layers count as adapted, unless `path` is an adapter already. */
export function readShape(path: string, targets: TrainConfig['lora_target_modules'] = null): ModelShape {
  const directory = weightsDirectory(path);
  const given = directory === resolve(path) ? null : resolve(path);
  const { config, shapes } = readModel(directory);
  const sizes = sizesOf(config);
  const count = (keep: (name: string) => boolean): number =>
    [...shapes].reduce((total, [name, shape]) => total + (keep(name) ? elements(shape) : 0), 0);
  return {
    ...sizes,
    parameters: count(() => true),
    vision: count(isVision),
    embedding: sizes.vocabulary * sizes.hidden,
    tokenizer: statSync(join(directory, 'tokenizer.json'), { throwIfNoEntry: false })?.size ?? 0,
    lora: given === null ? loraSizes(shapes, targets) : adapterSizes(given),
  };
}

/** The dtype that a model's config.json names (`dtype` of transformers 5, `torch_dtype` before), else that of its first weight. */
export function readDtype(path: string): string | null {
  const directory = weightsDirectory(path);
  const json = readConfig(directory);
  const named = json.dtype ?? json.torch_dtype ?? (json.text_config as Record<string, unknown> | undefined)?.dtype;
  if (typeof named === 'string') return named.replace(/^torch\./, '');
  try {
    const [first] = weightFiles(directory);
    const dtype = first && readHeader(first.file).entries[0]?.[1].dtype;
    return dtype === undefined ? null : (SAFETENSORS_DTYPES[dtype] ?? dtype);
  } catch (cause) {
    throw errors.modelUnreadable(directory, (cause as Error).message, cause);
  }
}

const SAFETENSORS_DTYPES: Record<string, string> = { F32: 'float32', BF16: 'bfloat16', F16: 'float16', F64: 'float64' };

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
  const matrices = headersOf(directory, [{ file: join(directory, 'adapter_model.safetensors'), names: null }]).map(([name, shape]) => ({
    ofVision: isVision(canonicalName(name.replace(/^base_model\.model\./, ''))),
    size: elements(shape),
  }));
  const sum = (ofVision: boolean): number => matrices.reduce((total, one) => total + (one.ofVision === ofVision ? one.size : 0), 0);
  return { given: true, decoder: sum(false), vision: sum(true) };
}

/**
 * The configuration of a model directory and the shapes of the weights that it asks for, which the files were found to have. A tied model whose files
 * hold both matrices has one, as the loader has it where the two are equal. Throws MODEL_INVALID, MODEL_UNSUPPORTED, MODEL_WEIGHTS_MISMATCH.
 */
function readModel(directory: string) {
  const config = parseConfig(readConfig(directory), join(directory, 'config.json'));
  checkWeights(directory, config, fileShapes(directory));
  return { config, shapes: weightShapes(config) };
}

function readConfig(directory: string): Record<string, unknown> {
  try {
    return JSON.parse(readTextSync(join(directory, 'config.json'), MAX_CONFIG)) as Record<string, unknown>;
  } catch (cause) {
    throw errors.modelUnreadable(directory, `config.json cannot be read: ${(cause as Error).message}`, cause);
  }
}

/** Refuses a model directory, or that of an adapter, that a worker could not load. Throws what `readModel` throws. */
export function checkLoadable(path: string): void {
  const directory = weightsDirectory(path);
  readModel(directory);
  const given = resolve(path);
  if (given !== directory) headersOf(given, [{ file: join(given, 'adapter_model.safetensors'), names: null }]);
  const has = (...names: string[]): boolean => names.some((name) => [given, directory].some((dir) => isFile(join(dir, name))));
  if (!has('tokenizer.json')) throw errors.modelUnreadable(given, 'it has no tokenizer.json');
  if (!has('preprocessor_config.json', 'processor_config.json')) throw errors.modelUnreadable(given, 'it has no preprocessor_config.json');
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

function fileShapes(directory: string): Map<string, number[]> {
  try {
    return new Map(headersOf(directory, weightFiles(directory)).map(([name, shape]) => [canonicalName(name), shape]));
  } catch (cause) {
    throw cause instanceof WorkbenchError ? cause : errors.modelUnreadable(directory, (cause as Error).message, cause);
  }
}

/** Names and shapes in the headers of these files. */
function headersOf(directory: string, files: ReturnType<typeof weightFiles>): [string, number[]][] {
  let left = MAX_HEADERS;
  return files.flatMap(({ file, names }) => {
    try {
      const { entries, dataStart } = readHeader(file, left);
      left -= dataStart;
      const wanted = names && new Set(names);
      return entries.filter(([name]) => wanted?.has(name) ?? true).map(([name, { shape }]): [string, number[]] => [name, shape]);
    } catch (cause) {
      throw errors.modelUnreadable(directory, (cause as Error).message, cause);
    }
  });
}
