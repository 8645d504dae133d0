import { isWellFormed, readAnswer } from '../../answers/index.ts';
import type { Processor, Model } from '../../models/index.ts';
import type { Variant } from '../../protocol/index.ts';
import { sfc32 } from '../../stats/random.ts';
import { QUESTION_TYPE_NAMES } from '../../data/sample/world.ts';
import { ask, disposePrompt } from '../ask.ts';
import { chatPrompt } from './chat.ts';
import { cleanExample } from './examples.ts';
import type { ImagePool } from './image-pool.ts';

/** Shares of 1 over a pool that no training step has seen. */
export interface Measured {
  sampled: number;
  greedy: number;
  /** Sampled completions with exactly one of each tag, in order. */
  format: number;
  /** Accuracy of sampled completions when the image is all grey: what the text gives away. */
  blank: number;
  /** Sampled, by question type. */
  byType: Record<string, number>;
}

export async function measure(model: Model, processor: Processor, pool: ImagePool, variant: Variant, maxNewTokens = 48): Promise<Measured> {
  const rng = sfc32('measure', variant);
  const examples = pool.scenes.map((scene, i) => cleanExample(rng, scene, i, variant));
  const blank = new Uint8Array(pool.images[0].data.length).fill(127);
  const answers = async (seeImage: boolean, greedy: boolean) => {
    const texts: string[] = [];
    for (let start = 0; start < examples.length; start += 64) {
      const prompts = examples.slice(start, start + 64).map(({ text, image }) => {
        const { data, width, height } = pool.images[image!];
        const raw = { data: seeImage ? data : blank, width, height, channels: 3 };
        return chatPrompt(processor, text, processor.encodeImage(raw));
      });
      const replies = await ask(model, processor, prompts, { greedy, seed: start, maxNewTokens });
      prompts.forEach(disposePrompt);
      texts.push(...replies.map(([{ text }]) => text));
    }
    return texts;
  };
  const letter = (text: string) => readAnswer('strict', text, []);
  const right = (texts: string[]) => texts.map((text, i) => letter(text) === letter(examples[i].completion));
  const share = (hits: boolean[]) => hits.filter(Boolean).length / hits.length;

  const sampled = await answers(true, false);
  const hits = right(sampled);
  return {
    sampled: share(hits),
    greedy: share(right(await answers(true, true))),
    format: share(sampled.map((text) => isWellFormed(variant, text))),
    blank: share(right(await answers(false, false))),
    byType: Object.fromEntries(QUESTION_TYPE_NAMES.map((type) => [type, share(hits.filter((_, i) => examples[i].type === type))])),
  };
}
