/** Answers of a loaded model to questions, greedy or drawn, a batch at a time: the part of an evaluation that needs libtorch. */
import { publishedReading, readAnswer } from '../answers/index.ts';
import { modelImage } from '../data/image/picture.ts';
import type { EvalSettings, Sight } from '../protocol/evals.ts';
import type { VqaItem } from '../protocol/data.ts';
import { loadModel, loadProcessor, type EncodedPrompt, type ImageInput, type ModelDtype } from '../models/index.ts';
import { WorkbenchError } from '../protocol/errors.ts';
import { ask, disposePrompt, greyLike, questionOf, type AskOptions, type Wording } from '../rl/ask.ts';
import { isOfOneQuestion } from '../rl/left-out.ts';
import { resolveDevice } from '../rl/training.ts';
import type { NewAnswer } from '../evals/store.ts';

/** A question as the model is to see it; `image` is null where it sees none. */
export interface Asked {
  item: VqaItem;
  image: string | null;
  /** Of the image's file, where its index knows it: another is not shown. */
  sha256?: string;
}

export type ModelAnswer = Omit<NewAnswer, 'index' | 'shown'>;

/** How many answers are drawn to a question, and how. */
export interface Draw {
  n: number;
  temperature: number;
  seed: number;
}

/** A model that answers; the seam that lets the loop around it be tested without one. */
export interface Answerer extends Disposable {
  /** An error in the place of an answer: that question cannot be shown to the model. */
  answer(questions: readonly Asked[], sight: Sight): Promise<(ModelAnswer | WorkbenchError)[]>;
  /** Answers drawn to each question with its image; the seed decides the draw of the batch. */
  draw(questions: readonly Asked[], how: Draw): Promise<(ModelAnswer[] | WorkbenchError)[]>;
}
export type OpenAnswerer = (settings: EvalSettings) => Promise<Answerer>;

export const openAnswerer: OpenAnswerer = async (settings) => {
  const { model: dir, root, dtype, device, variant, prompt_template: template, min_pixels: minPixels, max_pixels: maxPixels } = settings;
  const processor = await loadProcessor(dir);
  const model = await loadModel(dir, { device: resolveDevice(device), dtype: dtype as ModelDtype });

  const published = publishedReading(variant, template);
  const room = { completion: settings.max_new_tokens, longest: model.config.text_config.max_position_embeddings };
  const wording: Wording = { variant, template, evaluation: true, minPixels, maxPixels, room };

  const images = async ({ image: path, sha256 }: Asked, sight: Sight): Promise<ImageInput[]> => {
    if (path === null || path === '') return [];
    const file = await modelImage(root, path, sha256);
    if (sight !== 'blank-image') return [file];
    return [await greyLike(file)];
  };

  const answersTo = async (questions: readonly Asked[], sight: Sight, how: AskOptions): Promise<(ModelAnswer[] | WorkbenchError)[]> => {
    const encoded = await Promise.all(
      questions.map(async (asked) => {
        try {
          return (await questionOf(processor, asked.item, await images(asked, sight), wording)).prompt;
        } catch (error) {
          if (isOfOneQuestion(error)) return error;
          throw error;
        }
      }),
    );
    const prompts = encoded.filter((one): one is EncodedPrompt => !(one instanceof WorkbenchError));
    if (prompts.length === 0) return encoded.filter((one) => one instanceof WorkbenchError);
    try {
      const replies = await ask(model, processor, prompts, { ...how, maxNewTokens: settings.max_new_tokens });
      return encoded.map((one, i) => {
        if (one instanceof WorkbenchError) return one;
        const { options } = questions[i].item;
        return replies[prompts.indexOf(one)].map(({ text, tokenIds, finishReason }) => {
          const [strict, tolerant] = [readAnswer(published, text, options), readAnswer('tolerant', text, options)];
          return { text, tokens: tokenIds.length, finish_reason: finishReason, strict, tolerant };
        });
      });
    } finally {
      prompts.forEach(disposePrompt);
    }
  };

  return {
    async answer(questions, sight) {
      const answers = await answersTo(questions, sight, { greedy: true });
      return answers.map((one) => (one instanceof WorkbenchError ? one : one[0]));
    },
    draw: (questions, how) => answersTo(questions, 'image', how),
    [Symbol.dispose]: () => model.dispose(),
  };
};
