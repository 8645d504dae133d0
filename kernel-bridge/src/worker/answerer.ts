/** Greedy answers of a loaded model to questions, a batch at a time: the part of an evaluation that needs libtorch. */
import { applyVariant, formatQuestion, publishedReading, readAnswer } from '../answers/index.ts';
import { modelImage } from '../data/image/picture.ts';
import type { EvalSettings, Sight } from '../protocol/evals.ts';
import type { VqaItem } from '../protocol/data.ts';
import { decodeImage, generate, loadModel, loadProcessor, type ImageInput, type ModelDtype } from '../models/index.ts';
import { disposePrompt } from '../rl/encoder.ts';
import { suppressed } from '../rl/rollouts.ts';
import type { NewAnswer } from '../evals/store.ts';

/** A question as the model is to see it; `image` is null where it sees none. */
export interface Asked {
  item: VqaItem;
  image: string | null;
}

export type ModelAnswer = Omit<NewAnswer, 'index' | 'shown'>;

/** A model that answers; the seam that lets the loop around it be tested without one. */
export interface Answerer extends Disposable {
  answer(questions: readonly Asked[], sight: Sight): Promise<ModelAnswer[]>;
}
export type OpenAnswerer = (settings: EvalSettings) => Promise<Answerer>;

const GREY = 128;

export const openAnswerer: OpenAnswerer = async (settings) => {
  const { model: dir, root, dtype, device, variant, prompt_template: template, min_pixels: minPixels, max_pixels: maxPixels } = settings;
  const processor = await loadProcessor(dir);
  const model = await loadModel(dir, { device, dtype: dtype as ModelDtype });

  const published = publishedReading(variant, template);

  const images = async (path: string | null, sight: Sight): Promise<ImageInput[]> => {
    if (path === null || path === '') return [];
    const file = await modelImage(root, path);
    if (sight !== 'blank-image') return [file];
    const { width, height } = await decodeImage(file);
    return [{ data: new Uint8Array(width * height * 3).fill(GREY), width, height, channels: 3 }];
  };

  return {
    async answer(questions, sight) {
      const prompts = await Promise.all(
        questions.map(async ({ item, image }) => {
          const text = applyVariant(formatQuestion(item), variant, { template, eval: true });
          return processor.prompt({ images: await images(image, sight), text, minPixels, maxPixels });
        }),
      );
      try {
        const sampled = await generate(model, prompts, {
          greedy: true,
          maxNewTokens: settings.max_new_tokens,
          eosTokenIds: processor.eosTokenIds,
          suppressTokenIds: suppressed(processor),
        });
        return sampled.map(([{ tokenIds, finishReason }], i) => {
          const text = processor.decode(tokenIds, { skipSpecialTokens: true });
          const { options } = questions[i].item;
          const [strict, tolerant] = [readAnswer(published, text, options), readAnswer('tolerant', text, options)];
          return { text, tokens: tokenIds.length, finish_reason: finishReason, strict, tolerant };
        });
      } finally {
        prompts.forEach(disposePrompt);
      }
    },
    [Symbol.dispose]: () => model.dispose(),
  };
};
