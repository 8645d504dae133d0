/**
 * Answers outside training ("try it"). Training does not notice: sampling has a generator of its own, torch's is put back, no weight
 * changes and no tensor stays.
 */
import { verdict } from '../answers/index.ts';
import { openPicture, pixelsOf, type ModelPixels } from '../data/image/picture.ts';
import type { Answer, Ask, Crop, PromptView, Put } from '../protocol/index.ts';
import { tokenTexts } from '../protocol/token-texts.ts';
import { decodeImage, type EncodedPrompt, type Model, type Processor } from '../models/index.ts';
import { getRngState, setRngState } from '../torch/index.ts';
import { ask as askModel, disposePrompt, questionOf, type Reply, type Wording } from './ask.ts';

/** Below it only the likeliest token is left, and float32 cannot hold logits divided by much less. */
const COLD = 1e-6;

/** `policy` is asked for only when there is something to sample. */
export async function answer(processor: Processor, policy: () => Model | Promise<Model>, ask: Ask, signal?: AbortSignal): Promise<Answer> {
  const { item, num, reading } = ask;
  const start = performance.now();
  const { prompt, view } = await encodePut(processor, ask, ask);
  try {
    const sampled = num === 0 ? [] : await sample(await policy(), processor, prompt, ask, signal);
    const completions = sampled.map(({ text, tokenIds, logprobs, finishReason }) => ({
      text,
      token_ids: tokenIds,
      tokens: tokenTexts(processor, tokenIds),
      logprobs,
      finish_reason: finishReason,
      ...verdict(reading, text, item),
    }));
    return { prompt: view, reading, completions, seconds: (performance.now() - start) / 1000 };
  } finally {
    disposePrompt(prompt);
  }
}

/** As one number for each channel of each pixel. */
const GREY = 128;

/**
 * A question as the model gets it, and as people see that; the prompt is the caller's to free. `crop` is all of the image that the model sees,
 * `blank` paints it grey.
 * Throws PROMPT_TOO_LONG where `room` is given and does not suffice.
 */
export async function encodePut(
  processor: Processor,
  { item, root, variant, template, evaluation, min_pixels, max_pixels }: Put,
  { crop = null, blank = false, room }: { crop?: Crop | null; blank?: boolean; room?: Wording['room'] } = {},
): Promise<{ prompt: EncodedPrompt; view: PromptView }> {
  const picture = item.image === '' ? null : await openPicture(root, item.image);
  const sizes = { minPixels: min_pixels ?? undefined, maxPixels: max_pixels ?? undefined };
  const images = picture === null ? [] : [await shown(await pixelsOf(picture), crop, blank)];
  const { prompt } = await questionOf(processor, item, images, { variant, template, evaluation, room, ...sizes });
  const tokens = promptTokens(processor, prompt.inputIds);
  const { patch_size } = processor.imageConfig;
  const image = picture && {
    width: crop?.width ?? picture.width,
    height: crop?.height ?? picture.height,
    resized_width: prompt.images[0].grid[2] * patch_size,
    resized_height: prompt.images[0].grid[1] * patch_size,
    tokens: tokens.reduce((sum, token) => sum + (token.image ?? 0), 0),
  };
  return { prompt, view: { text: prompt.text, tokens, image } };
}

/** What of an image the model sees: all of it as it is, a stretch of it, or grey in its place. */
async function shown(pixels: ModelPixels, crop: Crop | null, blank: boolean): Promise<ModelPixels> {
  if (crop === null && !blank) return pixels;
  const { data, width, height, channels } = await decodeImage(pixels);
  const { left, top, ...size } = crop ?? { left: 0, top: 0, width, height };
  const row = size.width * channels;
  const seen = new Uint8Array(size.height * row).fill(GREY);
  for (let y = 0; !blank && y < size.height; y++) {
    const from = ((top + y) * width + left) * channels;
    seen.set(data.subarray(from, from + row), y * row);
  }
  return { data: seen, ...size, channels };
}

/** Tokens with their texts; the image's are one entry. */
function promptTokens(processor: Processor, ids: number[]): PromptView['tokens'] {
  const { imageTokenId } = processor;
  const shown = ids.filter((id, at) => id !== imageTokenId || ids[at - 1] !== imageTokenId);
  const images = ids.filter((id) => id === imageTokenId).length;
  return tokenTexts(processor, shown).map((text, at) => ({ id: shown[at], text, ...(shown[at] === imageTokenId && { image: images }) }));
}

async function sample(model: Model, processor: Processor, prompt: EncodedPrompt, ask: Ask, signal?: AbortSignal): Promise<Reply[]> {
  const state = getRngState(model.device);
  try {
    const greedy = ask.temperature < COLD;
    const [replies] = await askModel(model, processor, [prompt], {
      n: ask.num,
      greedy,
      temperature: greedy ? 1 : ask.temperature,
      maxNewTokens: ask.max_new_tokens,
      seed: ask.seed,
      signal,
    });
    return replies;
  } finally {
    setRngState(state, model.device);
  }
}
