import { applyVariant, formatQuestion } from '../answers/index.ts';
import type { TrainConfig, VqaItem } from '../protocol/index.ts';
import type { EncodedPrompt, Processor } from '../models/index.ts';
import { modelImage } from '../data/image/picture.ts';
import { promptTooLong } from './errors.ts';

/** Bytes of patches kept for questions that come again. */
const CACHE_BYTES = 512 * 2 ** 20;

/** 2 x 2 patches of 14 x 14 pixels are one token. */
const PIXELS_PER_TOKEN = 28 * 28;
/** More than what chat templates put around one turn. */
const TEMPLATE_TOKENS = 256;

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

const bytesOf = (prompt: EncodedPrompt): number => prompt.images.reduce((sum, { pixelValues }) => sum + pixelValues.numel * 4, 0);

/** Frees the patches of a prompt. */
export function disposePrompt(prompt: EncodedPrompt): void {
  for (const { pixelValues } of prompt.images) pixelValues[Symbol.dispose]();
}

/**
 * Items as encoded prompts. Images are decoded ahead of their step and kept while the cache's bytes last, so that the model never waits
 * for a file and a small data set is decoded once.
 */
export class QuestionEncoder {
  readonly #processor: Processor;
  readonly #config: TrainConfig;
  readonly #root: string;
  readonly #evaluation: boolean;
  readonly #images: ReadonlyMap<string, string> | undefined;
  readonly #longest: number;
  /** In order of last use. */
  readonly #cache = new Map<VqaItem, Promise<Question>>();
  readonly #sizes = new Map<VqaItem, number>();

  /**
   * `root`: directory that image paths are relative to. `evaluation` takes the variant's evaluation prompt. `images`: sha256 that files must have, by path.
   * `longest`: the tokens that prompt and completion may have together.
   */
  constructor(
    processor: Processor,
    config: TrainConfig,
    root: string,
    options: { evaluation?: boolean; images?: ReadonlyMap<string, string>; longest?: number } = {},
  ) {
    this.#processor = processor;
    this.#config = config;
    this.#root = root;
    this.#evaluation = options.evaluation ?? false;
    this.#images = options.images;
    this.#longest = options.longest ?? Infinity;
  }

  /** Encoded questions of these items; prompts stay valid until `trim`. */
  async encode(items: readonly VqaItem[]): Promise<Question[]> {
    return Promise.all(items.map((item) => this.#get(item)));
  }

  /** Begins to decode; a failure shows when the item is asked for. */
  prefetch(items: readonly VqaItem[]): void {
    for (const item of items) this.#get(item).catch(() => undefined);
  }

  /** Frees prompts least recently used beyond the cache's bytes, except those of `keep`. */
  trim(keep: readonly VqaItem[] = [], limit = CACHE_BYTES): void {
    const kept = new Set(keep);
    let bytes = [...this.#sizes.values()].reduce((sum, size) => sum + size, 0);
    for (const [item, question] of this.#cache) {
      if (bytes <= limit) return;
      const size = this.#sizes.get(item);
      if (size === undefined || kept.has(item)) continue;
      this.#cache.delete(item);
      this.#sizes.delete(item);
      bytes -= size;
      void question.then(({ prompt }) => disposePrompt(prompt));
    }
  }

  /** Images still being decoded are freed when they are done. */
  dispose(): void {
    for (const question of this.#cache.values())
      question.then(
        ({ prompt }) => disposePrompt(prompt),
        () => undefined,
      );
    this.#cache.clear();
    this.#sizes.clear();
  }

  #get(item: VqaItem): Promise<Question> {
    const cached = this.#cache.get(item);
    const question = cached ?? this.#encode(item);
    this.#cache.delete(item);
    this.#cache.set(item, question);
    if (cached === undefined) {
      question.then(
        ({ prompt }) => this.#cache.has(item) && this.#sizes.set(item, bytesOf(prompt)),
        () => this.#cache.delete(item),
      );
    }
    return question;
  }

  /** Without reading anything: no text has more tokens than bytes, and no image more than its most pixels give. */
  mayBeTooLong(item: VqaItem): boolean {
    const { max_pixels, max_completion_length } = this.#config;
    const image = item.image === '' ? 0 : Math.ceil(max_pixels / PIXELS_PER_TOKEN);
    return Buffer.byteLength(this.#text(item)) + image + TEMPLATE_TOKENS + max_completion_length > this.#longest;
  }

  #text(item: VqaItem): string {
    const { variant, prompt_template } = this.#config;
    return applyVariant(formatQuestion(item), variant, { template: prompt_template, eval: this.#evaluation });
  }

  async #encode(item: VqaItem): Promise<Question> {
    const { min_pixels, max_pixels, max_completion_length } = this.#config;
    const text = this.#text(item);
    const images = item.image === '' ? [] : [await modelImage(this.#root, item.image, this.#images?.get(item.image))];
    const prompt = await this.#processor.prompt({ images, text, minPixels: min_pixels, maxPixels: max_pixels });
    const promptTokens = prompt.inputIds.length;
    if (promptTokens + max_completion_length > this.#longest) {
      disposePrompt(prompt);
      throw promptTooLong(promptTokens, max_completion_length, this.#longest);
    }
    return { item, text, promptTokens, prompt };
  }
}
