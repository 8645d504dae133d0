/** Greedy answers of a model to questions, in batches. */
import { modelImage } from '../data/image/picture.ts';
import type { Variant, VqaItem } from '../protocol/index.ts';
import { decodeImage, generate, type ImageInput, type Processor, type Qwen2VL } from '../qwen2vl/index.ts';
import { strictAnswer, tolerantAnswer } from '../rewards/index.ts';
import { disposePrompt } from '../rl/encoder.ts';
import { applyVariant, formatQuestion } from '../rl/prompts.ts';
import { mixSeed, permutation } from '../rl/random.ts';
import { suppressed } from '../rl/rollouts.ts';

/** What the model sees in place of the item's image. */
export type Sight = 'image' | 'blank-image' | 'shuffled-image' | 'text-only';

export interface Answer {
  item: VqaItem;
  text: string;
  /** As Med-R1's evaluation scripts read it. */
  strict: string | null;
  /** As a person would. */
  tolerant: string | null;
  tokens: number;
}

export interface AnswerOptions {
  variant: Variant;
  /** User's turn with {question}; the variant's published evaluation prompt when null. */
  template: string | null;
  maxNewTokens: number;
  batch: number;
  seed: number;
  minPixels: number;
  maxPixels: number;
  progress?: (done: number, total: number) => void;
}

const GREY = 128;

export async function answers(
  model: Qwen2VL,
  processor: Processor,
  items: readonly VqaItem[],
  root: string,
  sight: Sight,
  options: AnswerOptions,
): Promise<Answer[]> {
  const seen = imagesFor(items, root, sight, options.seed);
  const out: Answer[] = [];
  for (let start = 0; start < items.length; start += options.batch) {
    const part = items.slice(start, start + options.batch);
    const prompts = await Promise.all(
      part.map(async (item, i) => {
        const text = applyVariant(formatQuestion(item), options.variant, { template: options.template, eval: true });
        return processor.prompt({ images: await seen(start + i), text, minPixels: options.minPixels, maxPixels: options.maxPixels });
      }),
    );
    const sampled = await generate(model, prompts, {
      greedy: true,
      maxNewTokens: options.maxNewTokens,
      eosTokenIds: processor.eosTokenIds,
      suppressTokenIds: suppressed(processor),
    });
    prompts.forEach(disposePrompt);
    sampled.forEach(([{ tokenIds }], i) => {
      const text = processor.decode(tokenIds, { skipSpecialTokens: true });
      const item = part[i];
      out.push({ item, text, strict: strictAnswer(text), tolerant: tolerantAnswer(text, item.options), tokens: tokenIds.length });
    });
    options.progress?.(out.length, items.length);
  }
  return out;
}

/** Image of the item at an index under a way of seeing. */
function imagesFor(items: readonly VqaItem[], root: string, sight: Sight, seed: number): (index: number) => Promise<ImageInput[]> {
  const file = (index: number): Promise<ImageInput> => modelImage(root, items[index].image);
  const other = sight === 'shuffled-image' ? otherImages(items, seed) : [];
  return async (index) => {
    if (sight === 'text-only') return [];
    if (sight === 'shuffled-image') return [await file(other[index])];
    if (sight === 'image') return [await file(index)];
    const { width, height } = await decodeImage(await file(index));
    return [{ data: new Uint8Array(width * height * 3).fill(GREY), width, height, channels: 3 }];
  };
}

/** For each item an item with another image; itself where all images are one. Each image is used as often as it occurs, as far as that goes. */
export function otherImages(items: readonly VqaItem[], seed: number): number[] {
  const order = permutation(items.length, mixSeed(seed, 3));
  const place = new Map(order.map((item, i) => [item, i]));
  return items.map((item, index) => {
    const from = place.get(index)!;
    for (let step = 1; step < items.length; step++) {
      const candidate = order[(from + step) % items.length];
      if (items[candidate].image !== item.image) return candidate;
    }
    return index;
  });
}
