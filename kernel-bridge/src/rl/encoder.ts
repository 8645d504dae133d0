import type { TrainConfig, VqaItem } from '../protocol/index.ts';
import { IMAGE_CACHE_BYTES, type EncodedPrompt, type ImageInput, type Processor } from '../models/index.ts';
import { modelImage } from '../data/image/picture.ts';
import { disposePrompt, questionOf, wordsOf, type Question, type Wording } from './ask.ts';

/** More than what chat templates put around one turn. */
const TEMPLATE_TOKENS = 256;

const bytesOf = (prompt: EncodedPrompt): number => prompt.images.reduce((sum, { pixelValues }) => sum + pixelValues.numel * 4, 0);

/**
 * Items as encoded prompts. Images are decoded ahead of their step and kept while the cache's bytes last, so that the model never waits
 * for a file and a small data set is decoded once.
 */
export class QuestionEncoder {
  readonly #processor: Processor;
  readonly #config: TrainConfig;
  readonly #root: string;
  readonly #wording: Wording;
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
    const { variant, prompt_template: template, min_pixels: minPixels, max_pixels: maxPixels } = config;
    const room = { completion: config.max_completion_length, longest: options.longest ?? Infinity };
    this.#wording = { variant, template, evaluation: options.evaluation ?? false, minPixels, maxPixels, room };
    this.#images = options.images;
    this.#longest = room.longest;
  }

  /** Encoded questions of these items; prompts stay valid until `trim`. */
  async encode(items: readonly VqaItem[]): Promise<Question[]> {
    return Promise.all(items.map((item) => this.#get(item)));
  }

  /** The item about other images than its own, outside the cache: the prompt is the caller's to free. */
  encodeAbout(item: VqaItem, images: ImageInput[]): Promise<Question> {
    return questionOf(this.#processor, item, images, this.#wording);
  }

  /** The item's image as it goes to the processor; none of an item without one. */
  async imagesOf({ image }: VqaItem): Promise<ImageInput[]> {
    return image === '' ? [] : [await modelImage(this.#root, image, this.#images?.get(image))];
  }

  /** Begins to decode; a failure shows when the item is asked for. */
  prefetch(items: readonly VqaItem[]): void {
    for (const item of items) this.#get(item).catch(() => undefined);
  }

  /** Frees prompts least recently used beyond the cache's bytes, except those of `keep`. */
  trim(keep: readonly VqaItem[] = [], limit = IMAGE_CACHE_BYTES): void {
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
    const { patch_size, merge_size } = this.#processor.imageConfig;
    const image = item.image === '' ? 0 : Math.ceil(max_pixels / (patch_size * merge_size) ** 2);
    return Buffer.byteLength(wordsOf(item, this.#wording)) + image + TEMPLATE_TOKENS + max_completion_length > this.#longest;
  }

  async #encode(item: VqaItem): Promise<Question> {
    return questionOf(this.#processor, item, await this.imagesOf(item), this.#wording);
  }
}
