/** How much goes through the model in a step, from the configuration and the questions alone. */
import type { ModelSizes } from '../models/shapes.ts';
import type { TrainConfig, VqaItem } from '../protocol/index.ts';
import type { Workload } from './memory.ts';

/** Of English text in Qwen2's tokenizer. */
const CHARACTERS_PER_TOKEN = 4.4;
/** Med-R1's instructions around a question (answers/prompts.ts), the longest variant. */
const TEMPLATE_CHARACTERS = 300;
/** Chat template: system message, roles, ends of turns, image marks. */
const CHAT_TOKENS = 24;
/** Longest right answer of SFT with its tags. */
const ANSWER_TOKENS = 16;

/** A process on each device where several are asked for. */
export const processesOf = ({ processes = 1, devices = 1 }: Pick<TrainConfig, 'processes' | 'devices'>): number =>
  Math.max(processes, devices);

/** The longest that a step can be. */
export function workloadOf(config: TrainConfig, items: readonly VqaItem[], shape: PatchSizes, imagePixels = Infinity): Workload {
  const sft = config.trainer === 'sft';
  const G = sft ? 1 : config.num_generations;
  const microCompletions = config.per_device_train_batch_size;
  const completions = microCompletions * config.gradient_accumulation_steps;
  const pixels = Math.min(config.max_pixels, Math.max(config.min_pixels, imagePixels));
  const longest = Math.max(0, ...items.map(({ question = '', options = [] }) => question.length + options.join(', ').length));
  const text = (config.prompt_template?.length ?? TEMPLATE_CHARACTERS) + longest;
  return {
    questions: Math.max(1, Math.floor(completions / G)),
    microQuestions: Math.max(1, Math.ceil(microCompletions / G)),
    completions,
    microCompletions,
    ...promptOf(shape, pixels, text),
    completion: sft ? ANSWER_TOKENS : config.max_completion_length,
  };
}

type PatchSizes = Pick<ModelSizes, 'patchSide' | 'patchesPerToken'>;

/** Tokens of a prompt with one image of so many pixels, and patches of that image. */
export function promptOf({ patchSide, patchesPerToken }: PatchSizes, pixels: number, characters = TEMPLATE_CHARACTERS) {
  const patches = Math.ceil(pixels / patchSide ** 2);
  return { prompt: Math.ceil(characters / CHARACTERS_PER_TOKEN) + CHAT_TOKENS + Math.ceil(patches / patchesPerToken), patches };
}
