/**
 * Memory, steps and time of a run before it starts, from config.json and the headers of the weight files alone: nothing is loaded.
 * memory.ts counts the bytes, speed.ts the seconds.
 */
import { machine } from '../machine.ts';
import type { Estimate, MemorySwitch, TrainConfig, VqaItem } from '../protocol/index.ts';
import {
  memoryPhases,
  PARTS,
  peakMemory,
  trainableParameters,
  type Device,
  type MemoryConfig,
  type ModelShape,
  type Workload,
} from './memory.ts';
import { readShape } from './model-files.ts';
import { stepFlops, type Speed } from './speed.ts';
import { processesOf, promptOf, workloadOf } from './workload.ts';

/**
 * On the CPU: what glibc holds besides the bytes in use, in holes and to be used again (native/heap.cc). A part that is always there and a share,
 * fitted to seven settings, none of which is then further off than 12 %; at most this much. What pictures of self-checks leave there is in it.
 */
const HEAP_LEAST = 75e6;
const HEAP_SHARE = 0.11;
const HEAP_BYTES = 2 ** 30;
/** What the process takes before there is a model: Node and libtorch, and on a GPU its context. */
const PROCESS_BYTES = { cpu: 240 * 2 ** 20, cuda: 600 * 2 ** 20 };
/** Of JavaScript's heap for each byte of tokenizer.json: Qwen2-VL's 7 MB take 100. */
const TOKENIZER_SHARE = 14;

export interface EstimateOptions {
  /** What the device can give. Default: what is left of the machine's or the container's memory. */
  availableBytes?: number;
  device?: Device;
  /** Measured on runs before. */
  speed?: Speed | null;
  /** Pixels of a typical image before resizing; at most max_pixels count, and all of them when left out. */
  imagePixels?: number;
}

/**
 * `items`: usable training questions. Where several processes share the run, bytes are those of one of them, and what is available is its part: on a
 * CPU all share the machine's memory, on GPUs those of one device share the device's.
 */
export function estimate(config: TrainConfig, items: readonly VqaItem[], options: EstimateOptions = {}): Estimate {
  const { speed = null, device = 'cpu' } = options;
  const processes = processesOf(config);
  const sharers = device === 'cpu' ? processes : processes / (config.devices ?? 1);
  const available = (options.availableBytes ?? machine().available) / sharers;
  const shape = readShape(config.model_name_or_path, config.lora_target_modules);
  const work = workloadOf(config, items, shape, options.imagePixels);
  const needs = (changed: TrainConfig) => totalOf(changed, shape, workloadOf(changed, items, shape, options.imagePixels), items, device);
  const { memory, total, phase } = needs(config);
  const fits = total <= available;
  const switches = fits ? [] : switchesFor(config, total, needs);
  const updates = config.trainer === 'sft' ? 1 : config.num_iterations;
  const batches = Math.max(1, Math.floor((config.num_train_epochs * items.length) / work.questions));
  const seconds = speed === null ? null : stepFlops(shape, config, work) / processes / speed.flopsPerSecond;
  const least = device === 'cpu' ? undefined : leastDevices(config, work.questions, available, needs);
  return {
    parameters: shape.parameters,
    trainable_parameters: trainableParameters(shape, config),
    memory,
    total_bytes: total,
    available_bytes: available,
    processes,
    ...(least !== undefined && { least_devices: least }),
    fits,
    peak_phase: phase,
    total_steps: config.max_steps > 0 ? config.max_steps : batches * updates,
    train_items: items.length,
    seconds_per_step: seconds,
    seconds_from: speed?.from ?? null,
    rollouts_per_s: seconds === null || config.trainer === 'sft' ? null : work.completions / updates / seconds,
    switches,
    advice: fits ? [] : [...advice(config, switches, total - available, available, needs), ...devicesAdvice(processes, least)],
  };
}

/** The bytes of one process. */
function totalOf(config: TrainConfig, shape: ModelShape, step: Workload, items: readonly VqaItem[], device: Device) {
  const size = processesOf(config);
  const shards = Math.max(1, Math.ceil((config.dp_shards ?? 1) / size));
  const work = { ...step, questions: Math.ceil(step.questions / size), completions: Math.ceil(step.completions / size) };
  const peak = peakMemory(shape, config, work, items.length, device, { size, shards });
  const used = PARTS.reduce((sum, part) => sum + peak.memory[part], 0);
  const heap = device === 'cpu' ? Math.round(Math.min(HEAP_BYTES, HEAP_LEAST + HEAP_SHARE * used)) : 0;
  const memory = { ...peak.memory, heap, process: PROCESS_BYTES[device] + (device === 'cpu' ? TOKENIZER_SHARE * shape.tokenizer : 0) };
  const total = used + heap + memory.process;
  return { memory, total, phase: peak.phase };
}

/** Of 1, 2, 4, ... devices the fewest that do, as far as the questions of a step can be shared out; null where none do. */
function leastDevices(config: TrainConfig, questions: number, available: number, needs: Needs): number | null {
  for (let devices = 1; devices <= questions; devices *= 2) {
    if (questions % devices !== 0) return null;
    if (needs({ ...config, devices, processes: devices, dp_shards: devices }).total <= available) return devices;
  }
  return null;
}

const devicesAdvice = (processes: number, least: number | null | undefined): string[] =>
  least && least > processes ? [`Fits on ${least} devices like this one: devices ${least}`] : [];

/** What is asked of a model that does not train; `batch` completions at a time, an image each. */
export interface Asking {
  model: string;
  /** Null: float32 on the CPU, bfloat16 elsewhere. */
  dtype: string | null;
  batch: number;
  max_new_tokens: number;
  max_pixels: number;
}

/** Bytes that a model takes to answer questions. */
export function answeringBytes({ model, dtype, batch, max_new_tokens, max_pixels }: Asking, device: Device): number {
  const shape = readShape(model);
  const narrow = dtype === 'bfloat16' || (dtype === null && device === 'cuda');
  const work: Workload = {
    ...{ questions: batch, microQuestions: batch, completions: batch, microCompletions: batch },
    ...promptOf(shape, max_pixels),
    completion: max_new_tokens,
  };
  const { sampling } = memoryPhases(shape, { ...ASKED, dtype: narrow ? 'bfloat16' : 'float32' }, work, batch, device);
  return sampling.weights + sampling.kv_cache + sampling.activations + sampling.logits + PROCESS_BYTES[device];
}

/** Nothing is learnt. */
const ASKED: Omit<MemoryConfig, 'dtype'> = {
  trainer: 'grpo',
  use_peft: false,
  lora_r: 0,
  freeze_vision: true,
  beta: 0,
  optim: 'adamw_torch',
  bf16_update: 'stochastic',
  gradient_checkpointing: false,
  temperature: 1,
};

type Needs = (config: TrainConfig) => { total: number };

/** Settings that would save memory, the largest saving first; each alone. */
function switchesFor(config: TrainConfig, total: number, needs: Needs): MemorySwitch[] {
  const changes: Partial<TrainConfig>[] = [
    { beta: 0 },
    { dtype: 'bfloat16' },
    { gradient_checkpointing: true },
    { freeze_vision: true },
    { optim: 'adamw_torch_8bit' },
    ...(config.dtype === 'bfloat16' ? [{ bf16_update: 'kahan' as const }, { bf16_update: 'stochastic' as const }] : []),
    { use_peft: true },
    ...(config.per_device_train_batch_size % 2 === 0
      ? [
          {
            per_device_train_batch_size: config.per_device_train_batch_size / 2,
            gradient_accumulation_steps: config.gradient_accumulation_steps * 2,
          },
        ]
      : []),
  ];
  return changes
    .map((set) => ({ set, saves_bytes: total - needs({ ...config, ...set }).total }))
    .filter(({ saves_bytes }) => saves_bytes > 0)
    .toSorted((a, b) => b.saves_bytes - a.saves_bytes);
}

/** Why it does not fit, each switch with what it saves, and the first of them that together make it fit without LoRA, or with it. */
function advice(config: TrainConfig, switches: MemorySwitch[], missing: number, available: number, needs: Needs): string[] {
  const gib = (size: number): string => `${(size / 2 ** 30).toFixed(1)} GiB`;
  const named = (set: MemorySwitch['set']): string =>
    Object.entries(set)
      .map(([key, value]) => `${key} ${String(value)}`)
      .join(', ');
  const full = switches.filter(({ set }) => !('use_peft' in set));
  const together = [full, switches].map((some) => fewest(config, some, available, needs)).find((found) => found !== null);
  return [
    `${gib(missing)} too much`,
    ...(together ? [`Fits with ${named(together.set)}: ${gib(together.total)}`] : []),
    ...switches.map(({ set, saves_bytes }) => `${named(set)}: saves about ${gib(saves_bytes)}`),
  ];
}

/** Turns switches one after the other until it fits; null when all do not suffice. */
function fewest(config: TrainConfig, switches: MemorySwitch[], available: number, needs: Needs) {
  let set: MemorySwitch['set'] = {};
  for (const one of switches) {
    set = { ...set, ...one.set };
    const { total } = needs({ ...config, ...set } as TrainConfig);
    if (total <= available) return { set, total };
  }
  return null;
}
