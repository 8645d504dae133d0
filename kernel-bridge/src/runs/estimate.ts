/**
 * Memory and steps of a run before it starts, from config.json and the headers of the weight files alone: nothing is loaded. The bytes follow what
 * src/rl keeps; activations and caches are counted per token from the shapes of a transformer.
 */
import { openSync, readFileSync, readSync, closeSync, readdirSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { weightsDirectory } from './model-files.ts';
import { WorkbenchError, type Estimate, type TrainConfig, type VqaItem } from '../protocol/index.ts';

interface Shape {
  parameters: number;
  vision: number;
  hidden: number;
  layers: number;
  mlp: number;
  kvWidth: number;
  vocabulary: number;
  visionWidth: number;
  visionDepth: number;
}

/** Text of a question around its image, in tokens: the template and Med-R1's instructions. */
const PROMPT_TOKENS = 160;
const PIXELS_PER_TOKEN = 28 * 28;
const PIXELS_PER_PATCH = 14 * 14;
/** Logits over the vocabulary are held in chunks of this size, forward and backward. */
const LOGIT_CHUNK_BYTES = 2 * 256 * 2 ** 20;

/** `items`: usable training questions. `availableBytes`: what the device can give. Images count at max_pixels, so smaller ones need less. */
export function estimate(config: TrainConfig, items: readonly VqaItem[], availableBytes = freemem()): Estimate {
  const shape = readShape(weightsDirectory(config.model_name_or_path));
  const bytes = config.dtype === 'bfloat16' ? 2 : 4;
  const trainable = shape.parameters - (config.freeze_vision ? shape.vision : 0);
  const G = config.trainer === 'sft' ? 1 : config.num_generations;
  const perStep = config.per_device_train_batch_size * config.gradient_accumulation_steps;
  const questions = Math.max(1, Math.floor(perStep / G));
  const imageTokens = config.max_pixels / PIXELS_PER_TOKEN;
  const prefix = PROMPT_TOKENS + imageTokens;
  const longest = config.trainer === 'sft' ? 16 : config.max_completion_length;

  const memory: Record<string, number> = {
    weights: shape.parameters * bytes,
    gradients: trainable * bytes,
    // two float32 moments, and float32 copies of bfloat16 weights
    optimizer: trainable * (bytes === 2 ? 12 : 8),
    reference: config.trainer === 'grpo' && config.beta !== 0 ? shape.parameters * bytes : 0,
    activations: activations(shape, config, bytes, Math.ceil(config.per_device_train_batch_size / G), prefix, longest),
    kv_cache: config.trainer === 'grpo' ? 2 * shape.layers * shape.kvWidth * bytes * perStep * (prefix + longest) : 0,
  };
  const total = Object.values(memory).reduce((sum, part) => sum + part, 0);
  const batches = Math.max(1, Math.floor((config.num_train_epochs * items.length) / (config.trainer === 'sft' ? perStep : questions)));
  return {
    parameters: shape.parameters,
    trainable_parameters: trainable,
    memory,
    total_bytes: total,
    available_bytes: availableBytes,
    fits: total <= availableBytes,
    total_steps: config.max_steps > 0 ? config.max_steps : batches * (config.trainer === 'sft' ? 1 : config.num_iterations),
    train_items: items.length,
    advice: total <= availableBytes ? [] : advice(config, memory, total - availableBytes, shape, bytes),
  };
}

/** What one micro-batch keeps for its backward pass. */
function activations(shape: Shape, config: TrainConfig, bytes: number, prompts: number, prefix: number, completion: number): number {
  const rows = prompts * prefix + config.per_device_train_batch_size * completion; // prefixes once, then completions
  // per layer and row: residuals, norms, q, k, v, attention output (about 8 widths), and the gated MLP's 4
  const perRow = (8 * shape.hidden + 2 * shape.kvWidth + 4 * shape.mlp) * bytes;
  const decoder = config.gradient_checkpointing ? rows * (shape.hidden * bytes * shape.layers + perRow) : rows * perRow * shape.layers;
  const patches = (prompts * config.max_pixels) / PIXELS_PER_PATCH;
  const vision = config.freeze_vision
    ? 0
    : patches * shape.visionWidth * 16 * bytes * (config.gradient_checkpointing ? 2 : shape.visionDepth);
  const logits = Math.min(LOGIT_CHUNK_BYTES, 2 * 4 * shape.vocabulary * config.per_device_train_batch_size * completion);
  return decoder + vision + logits;
}

/** Switches that would save memory, the largest saving first, with what each saves. */
function advice(config: TrainConfig, memory: Record<string, number>, missing: number, shape: Shape, bytes: number): string[] {
  const gib = (size: number): string => `${(size / 2 ** 30).toFixed(1)} GiB`;
  const savings: [number, string][] = [
    [memory.reference, 'beta 0 drops the reference model'],
    [bytes === 4 ? memory.weights / 2 + memory.reference / 2 + memory.activations / 2 : 0, 'dtype bfloat16'],
    [
      config.per_device_train_batch_size > 1 ? memory.activations / 2 : 0,
      'half per_device_train_batch_size, twice gradient_accumulation_steps',
    ],
    [config.freeze_vision ? 0 : shape.vision * (bytes + (bytes === 2 ? 12 : 8)), 'freeze_vision'],
  ];
  const useful = savings.filter(([saved]) => saved > 0).toSorted(([a], [b]) => b - a);
  return [`${gib(missing)} too much`, ...useful.map(([saved, what]) => `${what}: saves about ${gib(saved)}`)];
}

function readShape(directory: string): Shape {
  const json = readJson(directory, 'config.json');
  const text = (json.text_config ?? json) as Record<string, number>;
  const vision = (json.vision_config ?? {}) as Record<string, number>;
  const sizes = tensorSizes(directory);
  const sum = (keep: (name: string) => boolean): number => [...sizes].reduce((total, [name, size]) => total + (keep(name) ? size : 0), 0);
  const heads = text.num_attention_heads;
  return {
    parameters: sum(() => true),
    vision: sum((name) => name.includes('visual.')),
    hidden: text.hidden_size,
    layers: text.num_hidden_layers,
    mlp: text.intermediate_size,
    kvWidth: ((text.num_key_value_heads ?? heads) * text.hidden_size) / heads,
    vocabulary: text.vocab_size,
    visionWidth: vision.embed_dim ?? vision.hidden_size ?? 1280,
    visionDepth: vision.depth ?? 32,
  };
}

function readJson(directory: string, name: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(join(directory, name), 'utf8')) as Record<string, unknown>;
  } catch (cause) {
    throw notAModel(directory, `${name} cannot be read`, cause);
  }
}

/** Numbers of elements by tensor name, from the headers of all weight files. */
function tensorSizes(directory: string): Map<string, number> {
  const files = readdirSync(directory).filter((name) => /^model.*\.safetensors$/.test(name));
  if (files.length === 0) throw notAModel(directory, 'it has no model.safetensors');
  return new Map(files.flatMap((file) => headerSizes(directory, file)));
}

function headerSizes(directory: string, file: string): [string, number][] {
  const descriptor = openSync(join(directory, file), 'r');
  try {
    const length = Buffer.alloc(8);
    readSync(descriptor, length, 0, 8, 0);
    const size = Number(length.readBigUInt64LE());
    if (size > 100 * 2 ** 20) throw new Error(`a header of ${size} bytes`);
    const text = Buffer.alloc(size);
    readSync(descriptor, text, 0, size, 8);
    const header = JSON.parse(text.toString('utf8')) as Record<string, { shape: number[] }>;
    delete header.__metadata__;
    return Object.entries(header).map(([name, { shape }]) => [name, shape.reduce((product, side) => product * side, 1)]);
  } catch (cause) {
    throw notAModel(directory, `${file} has no readable header`, cause);
  } finally {
    closeSync(descriptor);
  }
}

const notAModel = (directory: string, what: string, cause?: unknown): WorkbenchError =>
  new WorkbenchError({
    code: 'MODEL_INVALID',
    message: `${directory} is no model directory: ${what}`,
    remedy: 'Give a Hugging Face directory with config.json and model.safetensors (or its shards).',
    cause,
  });
