/**
 * Bytes alive in each phase of a training step, counted from what the code keeps: src/models (layers.ts, vision.ts, group-logps.ts, token-logps.ts,
 * lora.ts), src/rl and src/torch/adamw.ts. Held to 15 % of the measured peak by test/parity/memory.test.ts. On a GPU the same tensors are
 * counted; what its kernels need beside them is not.
 */
import { IMAGE_CACHE_BYTES, KEPT_BYTES, PIECE, PROMPT_STEP, TILE_BYTES, type ModelSizes } from '../models/shapes.ts';
import type { TrainConfig } from '../protocol/index.ts';

/** Sizes of a model, in elements if nothing else is said. */
export interface ModelShape extends ModelSizes {
  parameters: number;
  /** Of the vision tower with its merger. */
  vision: number;
  /** Of the token embedding [V, hidden]. */
  embedding: number;
  /** Bytes of tokenizer.json. */
  tokenizer: number;
  /** Elements of LoRA's A and B by the part of the model: of the adapter that was `given` as the model, or for each unit of rank of one to be made. */
  lora: { given: boolean; decoder: number; vision: number };
}

/** What goes through the model at once, in the longest case. */
export interface Workload {
  /** Questions of a step, and of one forward and backward pass. */
  questions: number;
  microQuestions: number;
  /** Completions of a step, and of one pass. */
  completions: number;
  microCompletions: number;
  /** Tokens of a prompt, its image's included, and of a completion. */
  prompt: number;
  completion: number;
  /** Patches of an image, before 2 x 2 of them become a token. */
  patches: number;
}

/** One process among those that share a run; `questions` and `completions` of a Workload are then its own. */
export interface RankShare {
  /** Processes. */
  size: number;
  /** Shards of the step that this one computes; each keeps its gradients until they are added up. */
  shards: number;
}
const WHOLE: RankShare = { size: 1, shards: 1 };

export const PARTS = ['weights', 'reference', 'optimizer', 'gradients', 'activations', 'logits', 'kv_cache', 'images'] as const;
export type Memory = Record<(typeof PARTS)[number], number>;

export type Device = 'cpu' | 'cuda';

export type MemoryConfig = Pick<
  TrainConfig,
  | 'trainer'
  | 'dtype'
  | 'use_peft'
  | 'lora_r'
  | 'freeze_vision'
  | 'beta'
  | 'optim'
  | 'bf16_update'
  | 'gradient_checkpointing'
  | 'temperature'
>;

/** Elements that get gradients. */
export function trainableParameters(shape: ModelShape, config: Pick<MemoryConfig, 'use_peft' | 'lora_r' | 'freeze_vision'>): number {
  if (config.use_peft) return loraRank(shape, config) * (shape.lora.decoder + shape.lora.vision);
  return shape.parameters - (config.freeze_vision ? shape.vision : 0);
}

const loraRank = ({ lora }: ModelShape, { lora_r }: Pick<MemoryConfig, 'lora_r'>): number => (lora.given ? 1 : lora_r);

/** Bytes of the optimiser's state for one element: both moments, and what stands beside a bfloat16 weight. */
export function stateBytes({ optim, bf16_update, dtype, use_peft }: MemoryConfig): number {
  const moments = optim === 'adamw_torch_8bit' ? 2 * (1 + 4 / 256) : 8;
  const narrow = dtype === 'bfloat16' && !use_peft; // an adapter is float32
  return moments + (narrow ? { master: 4, kahan: 2, stochastic: 0 }[bf16_update] : 0);
}

/** A second copy of the weights; with LoRA of the adapter that was given, or none for the bare model. */
function referenceBytes(shape: ModelShape, config: MemoryConfig, bytes: number): number {
  if (!config.use_peft) return shape.parameters * bytes;
  return shape.lora.given ? 4 * trainableParameters(shape, config) : 0;
}

/** The phase of a step that needs most, part by part; `items`: questions of the data set. */
export function peakMemory(
  shape: ModelShape,
  config: MemoryConfig,
  work: Workload,
  items: number,
  device: Device,
  share: RankShare = WHOLE,
): { phase: string; memory: Memory } {
  const phases = memoryPhases(shape, config, work, items, device, share);
  const size = (memory: Memory): number => PARTS.reduce((sum, part) => sum + memory[part], 0);
  const [phase, memory] = Object.entries(phases).reduce((most, next) => (size(next[1]) > size(most[1]) ? next : most));
  return { phase, memory };
}

export function memoryPhases(
  shape: ModelShape,
  config: MemoryConfig,
  work: Workload,
  items: number,
  device: Device,
  share: RankShare = WHOLE,
): Record<string, Memory> {
  const bytes = config.dtype === 'bfloat16' ? 2 : 4;
  const trainable = trainableParameters(shape, config);
  const adapter = config.use_peft ? 4 * trainable : 0;
  const always: Memory = {
    weights: shape.parameters * bytes + adapter,
    reference: config.trainer === 'grpo' && config.beta !== 0 ? referenceBytes(shape, config, bytes) : 0,
    optimizer: ownElements(shape, config, trainable, share) * stateBytes(config),
    gradients: 0,
    activations: 0,
    logits: 0,
    // A GPU keeps the cache between steps, for its recorded graphs (models/engine/static-cache.ts).
    kv_cache: device === 'cuda' && config.trainer === 'grpo' ? cacheBytes(shape, work, bytes, device) : 0,
    // They wait in the host's memory.
    images: device === 'cuda' ? 0 : Math.min(IMAGE_CACHE_BYTES, Math.max(items, work.questions) * work.patches * 4 * shape.patchSize),
  };
  const gradients = adapter > 0 ? adapter : trainable * bytes;
  const kept = activations(shape, config, work, bytes, device);
  const logits = logitBytes(shape, work, bytes, device);
  const learnsEmbedding = !config.use_peft;
  const embedding = learnsEmbedding ? shape.embedding * bytes : 0;
  // The embedding's gradient from the logits, and that from the tokens, which is added: on the CPU it has those rows only (models/engine/prefix.ts).
  const fromTokens = device === 'cuda' ? embedding : 0;
  // With accumulation the gradients of earlier passes of a shard are there all along, and those of earlier shards.
  const held = (share.shards - 1) * gradients;
  const accumulated = work.microCompletions < work.completions / share.shards ? gradients : 0;
  const earlier = held + accumulated;
  const visionGradients = config.use_peft
    ? 4 * loraRank(shape, config) * shape.lora.vision
    : config.freeze_vision
      ? 0
      : shape.vision * bytes;
  return {
    sampling: {
      ...always,
      logits: config.trainer === 'sft' ? 0 : 4 * work.completions * shape.vocabulary,
      kv_cache: config.trainer === 'sft' ? 0 : cacheBytes(shape, work, bytes, device),
      activations: config.trainer === 'sft' ? 0 : passing(shape, work.questions * work.prompt, work.questions * work.patches, bytes),
    },
    reference: {
      ...always,
      activations: passing(shape, rowsOf(work), work.microQuestions * work.patches, bytes),
      logits: config.trainer === 'grpo' && config.beta !== 0 ? logits.reference : 0,
    },
    forward: { ...always, gradients: earlier, activations: kept.all, logits: logits.forward },
    'backward of the logits': {
      ...always,
      gradients: earlier + embedding,
      activations: kept.all,
      logits: logits.backward,
    },
    'backward of the decoder, its last layers': {
      ...always,
      gradients: held + Math.max(accumulated, embedding),
      activations: kept.all + kept.backward,
    },
    'backward of the decoder, its first layers': {
      ...always,
      gradients: held + Math.max(accumulated, gradients - visionGradients) + fromTokens,
      activations: kept.vision + kept.visionBackward,
    },
    'backward of the vision tower': { ...always, gradients: held + gradients + fromTokens, activations: kept.visionBackward },
    // Own weights get the sum of all gradients while those of this process are still there.
    ...((share.shards > 1 || share.size > 1) && {
      'sum over shards': { ...always, gradients: held + gradients + ownElements(shape, config, trainable, share) * bytes },
    }),
    optimizer: { ...always, gradients: gradients / share.size, activations: pieceBytes(config, trainable, device) },
  };
}

/** Trained elements that one process updates: an equal share, but weights are whole, and the token embedding is by far the largest (rl/owners.ts). */
function ownElements(shape: ModelShape, config: MemoryConfig, trainable: number, { size }: RankShare): number {
  return Math.max(trainable / size, config.use_peft ? 0 : Math.min(shape.embedding, trainable));
}

/** Rows of tokens of one pass: prompts once, then completions without their last token. */
const rowsOf = ({ microQuestions, microCompletions, prompt, completion }: Workload): number =>
  microQuestions * prompt + microCompletions * (completion - 1);

/** What one pass keeps for its backward, and the most that a layer's backward adds. */
function activations(shape: ModelShape, config: MemoryConfig, work: Workload, bytes: number, device: Device) {
  const { hidden, queryWidth, kvWidth, mlp, layers } = shape;
  const { microCompletions, prompt, completion, microQuestions, patches } = work;
  const rows = rowsOf(work);
  // Input, norm, turned queries, attention (its own copy and the one its projection keeps), residual, norm; keys and values; gate, silu, up, product.
  const row = (4 * hidden + 3 * queryWidth + 2 * kvWidth + 4 * mlp) * bytes;
  // Attention is in float32 on the CPU (layers.ts): its queries, keys and values, and what comes of it.
  const seen = device === 'cpu' ? 4 : bytes;
  const wider = seen - bytes;
  // Keys and values of the prompt stand before those of each completion.
  const joined = microCompletions * (prompt + completion - 1) * 2 * kvWidth * seen;
  const layer = rows * (row + (2 * queryWidth + 2 * kvWidth) * wider) + joined;
  const input = rows * hidden * bytes;
  const ends = 3 * input + 2 * microCompletions * completion * hidden * bytes; // embedding with its image rows, last hidden states

  const imageRows = microQuestions * patches;
  const block = imageRows * (blockWidth(shape) * bytes + 4 * shape.visionWidth * wider);
  const learnsVision = config.use_peft ? shape.lora.vision > 0 : !config.freeze_vision;
  const blockInput = imageRows * shape.visionWidth * bytes;
  const pixels = imageRows * shape.patchSize * bytes;
  const { checkpointing, depth } = { checkpointing: config.gradient_checkpointing, depth: shape.visionDepth };
  const vision = !learnsVision ? 0 : pixels + 6 * blockInput + (checkpointing ? depth * blockInput : depth * block);
  const decoder = ends + (checkpointing ? layers * input : layers * layer);
  // Computed again, a layer is there whole, with what it would have let go.
  const again = (whole: number, unkept: number): number => (checkpointing ? whole + unkept : 0);
  return {
    all: decoder + vision,
    vision,
    backward: again(layer, 5 * input) + (2 * mlp + 2 * hidden) * rows * bytes,
    visionBackward: learnsVision ? again(block, 6 * blockInput) + 2 * shape.visionMlp * imageRows * bytes : 0,
  };
}

/** Elements that a vision block keeps a patch: as the decoder's row, but queries, keys and values are one matrix, and its MLP is not gated in Qwen2-VL. */
const blockWidth = ({ visionWidth, visionMlp, visionGated }: ModelShape): number => 10 * visionWidth + (visionGated ? 4 : 3) * visionMlp;

/** What a pass without gradients has at a time: the widest layer's intermediates. */
function passing(shape: ModelShape, rows: number, imageRows: number, bytes: number): number {
  const decoder = rows * (8 * shape.hidden + 4 * shape.queryWidth + 4 * shape.kvWidth + 4 * shape.mlp);
  const vision = imageRows * (16 * shape.visionWidth + 4 * shape.visionMlp);
  return bytes * Math.max(decoder, vision);
}

/** Logits of one tile and the tensors computed from them; on the CPU they are float32, whatever the dtype of the weights. */
function logitBytes(shape: ModelShape, work: Workload, bytes: number, device: Device) {
  const tokens = work.microCompletions * work.completion;
  const whole = 4 * tokens * shape.vocabulary;
  const kept = whole <= KEPT_BYTES[device];
  const tile = kept ? whole : TILE_BYTES[device];
  const cast = bytes === 2 && device === 'cuda' ? tile / 2 : 0;
  const hidden = 4 * tokens * shape.hidden;
  const wide = bytes === 2 && device === 'cpu' ? hidden : 0;
  // On the CPU a tile is only read; elsewhere it is copied without its maximum, and then come the exponentials (tile-softmax.ts).
  const looked = (device === 'cpu' ? 1 : 3) * tile + cast + wide;
  return {
    reference: looked,
    forward: looked,
    backward: (kept ? 2 : 1) * tile + cast + wide + hidden, // the gradient takes a tile's place, or that of a copy of what was kept
  };
}

/** Each prompt's keys and values once and those of its completions; on a GPU each completion has its prompt's too. */
function cacheBytes(shape: ModelShape, { questions, completions, prompt, completion }: Workload, bytes: number, device: Device): number {
  const places =
    device === 'cuda'
      ? completions * (Math.ceil(prompt / PROMPT_STEP) * PROMPT_STEP + completion)
      : questions * prompt + completions * completion;
  return 2 * shape.layers * shape.kvWidth * bytes * places;
}

/** Of a piece: its weight and gradient, both moments where they are wider than they are kept, and what narrowing them makes on the way. */
function pieceBytes(config: MemoryConfig, trainable: number, device: Device): number {
  const narrow = config.dtype === 'bfloat16' && !config.use_peft ? 2 : 0;
  const eight = config.optim === 'adamw_torch_8bit' ? 2 : 0;
  return 4 * Math.min(PIECE[device], trainable) * (narrow + eight + (narrow + eight > 0 ? 3 : 0));
}
