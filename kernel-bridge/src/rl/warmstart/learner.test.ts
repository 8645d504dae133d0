import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePng } from '../../data/sample/png.ts';
import { sfc32 } from '../../stats/random.ts';
import { initModel, loadProcessor } from '../../models/index.ts';
import type { Processor } from '../../models/index.ts';
import { chatPrompt, endOfPrompt, imagePrompt } from './chat.ts';
import { bindingExample, cleanExample, namedExample } from './examples.ts';
import { setNumThreads } from '../../torch/index.ts';
import { Learner } from './learner.ts';
import { writeProcessorFiles } from './make.ts';
import { drawPool, encodePool } from './image-pool.ts';
import { tinyConfig } from './tiny-config.ts';

let dir: string;
let processor: Processor;
let ids: Map<string, number>;
const pool = drawPool('test', 0, 2);

beforeAll(async () => {
  setNumThreads(1); // three examples a step: a second thread only waits
  dir = await mkdtemp(join(tmpdir(), 'medr1-warmstart-'));
  ids = await writeProcessorFiles(dir);
  processor = await loadProcessor(dir);
});

afterAll(() => rm(dir, { recursive: true, force: true }));

describe('the warm start', () => {
  it('gives the model the very prompts that the product gives it', async () => {
    const png = encodePng(pool.images[0], { keyword: 'Description', value: 'test' });
    const text = 'Which modality is shown in this image? A)CT, B)MRI';
    const theirs = await processor.prompt({ images: [png], text });
    const ours = chatPrompt(processor, text, processor.encodeImage({ ...pool.images[0], channels: 3 }));
    expect(ours.inputIds).toEqual(theirs.inputIds);
    expect(ours.images[0].pixelValues.toFloat32()).toEqual(theirs.images[0].pixelValues.toFloat32());
    const parts = [...imagePrompt(processor, ours.images[0]).inputIds, ...processor.encode(endOfPrompt(text))];
    expect(parts).toEqual(ours.inputIds); // of several questions about one image
  });

  it('learns a batch by heart, with images and without, several demonstrations about one image among them', () => {
    using model = initModel(tinyConfig(ids), { seed: 0 });
    const learner = new Learner(model, processor, encodePool(pool, processor));
    const rng = sfc32('test');
    const parts = [
      { name: 'text', examples: [bindingExample(rng)] },
      { name: 'image', examples: [cleanExample(rng, pool.scenes[0], 0, 'think'), cleanExample(rng, pool.scenes[1], 1, 'no-think')] },
      { name: 'again', examples: [namedExample(rng, pool.scenes[1], 1)] },
    ];
    const scores = Array.from({ length: 40 }, () => learner.step(parts, 2e-3));
    expect(scores[0].image.letters).toBeLessThan(1);
    expect(scores.at(-1)).toEqual({
      text: { letters: 1, others: NaN },
      image: { letters: 1, others: 1 },
      again: { letters: 1, others: 1 },
    });
  });
});
