/** Questions put to a model: an item becomes a prompt, and a prompt completions with their texts. Every loop that questions a model goes by here. */
import { applyVariant, formatQuestion } from '../answers/index.ts';
import {
  decodeImage,
  generate,
  type Completion,
  type EncodedPrompt,
  type GenerateOptions,
  type ImageInput,
  type Model,
  type Processor,
} from '../models/index.ts';
import type { Variant, VqaItem } from '../protocol/index.ts';
import { promptTooLong } from './errors.ts';

/** What is known of a question on every rank. */
export interface Asked {
  item: VqaItem;
  /** Text of the user's turn. */
  text: string;
  /** Tokens of the prompt, its image's included. */
  promptTokens: number;
}

/** A question as the model gets it. */
export interface Question extends Asked {
  prompt: EncodedPrompt;
}

/** The question without what only the rank that asks it has. */
export const asked = ({ item, text, promptTokens }: Question): Asked => ({ item, text, promptTokens });

/** In which words an item is asked, and between which sizes its images are resized. */
export interface Wording {
  variant: Variant;
  /** In place of the variant's own text. */
  template: string | null;
  /** Takes the variant's evaluation prompt. */
  evaluation: boolean;
  minPixels?: number;
  maxPixels?: number;
  /** Tokens of a completion, and the most that prompt and completion may have together. Without it any prompt goes. */
  room?: { completion: number; longest: number };
}

/** The text of the user's turn. */
export const wordsOf = (item: VqaItem, { variant, template, evaluation }: Omit<Wording, 'minPixels' | 'maxPixels' | 'room'>): string =>
  applyVariant(formatQuestion(item), variant, { template, eval: evaluation });

/**
 * An item as a question about these images; the prompt is the caller's to free.
 * Throws PROMPT_TOO_LONG where no completion fits behind it.
 */
export async function questionOf(processor: Processor, item: VqaItem, images: ImageInput[], wording: Wording): Promise<Question> {
  const text = wordsOf(item, wording);
  const { minPixels, maxPixels, room } = wording;
  const prompt = await processor.prompt({ images, text, minPixels, maxPixels });
  const promptTokens = prompt.inputIds.length;
  if (room && promptTokens + room.completion > room.longest) {
    disposePrompt(prompt);
    throw promptTooLong(promptTokens, room.completion, room.longest);
  }
  return { item, text, promptTokens, prompt };
}

const GREY = 128;

/** An evenly grey image of the same size, for controls. */
export async function greyLike(image: ImageInput): Promise<ImageInput> {
  const { width, height } = await decodeImage(image);
  return { data: new Uint8Array(width * height * 3).fill(GREY), width, height, channels: 3 };
}

/** Frees the patches of a prompt. */
export function disposePrompt(prompt: EncodedPrompt): void {
  for (const { pixelValues } of prompt.images) pixelValues[Symbol.dispose]();
}

export interface AskOptions extends Omit<GenerateOptions, 'eosTokenIds' | 'suppressTokenIds'> {
  /** Lets the model draw special tokens beside the end, image placeholders excepted. Default false: a mark of a turn or an image is no answer. */
  specialTokens?: boolean;
}

export interface Reply extends Completion {
  /** Decoded, special tokens left out. */
  text: string;
}

/** Completions of each prompt with their texts: [prompt][n]. They end where the processor's end tokens say. Throws what `generate` throws. */
export async function ask(
  model: Model,
  processor: Processor,
  prompts: EncodedPrompt[],
  { specialTokens = false, ...options }: AskOptions,
): Promise<Reply[][]> {
  const { allSpecialIds, eosTokenIds } = processor;
  const suppressTokenIds = specialTokens ? [] : allSpecialIds.filter((id) => !eosTokenIds.includes(id));
  const completions = await generate(model, prompts, { ...options, eosTokenIds, suppressTokenIds });
  return completions.map((group) =>
    group.map((completion) => ({ ...completion, text: processor.decode(completion.tokenIds, { skipSpecialTokens: true }) })),
  );
}
