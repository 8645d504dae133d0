/** What "add a model family" of CONTRIBUTING.md promises: a family that is named in two lists goes through everything that is no family's own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readShape } from '../runs/model-files.ts';
import { generator, noGrad, scope, torch } from '../torch/index.ts';
import { FAMILIES } from './families/index.ts';
import { SHAPES } from './families/shapes.ts';
import { addLora, forward, generate, groupLogps, initModel, loadModel, parseConfig, saveModel, type Model } from './index.ts';
import { toy, toyConfig, toyPrompt, toyShape } from './testing/toy-family.ts';

let dir: string;
let model: Model;
const prompts = [toyPrompt(4, [1, 2, 3]), toyPrompt(2, [5, 6, 7, 8])];
const completions = [
  [
    [11, 12, 13],
    [14, 15],
  ],
  [
    [21, 22, 23, 24],
    [25, 26],
  ],
];
beforeAll(() => {
  FAMILIES.push(toy);
  SHAPES.push(toyShape);
  dir = mkdtempSync(join(tmpdir(), 'medr1-family-'));
  model = initModel(toyConfig, { seed: 1 });
});
afterAll(() => {
  model.dispose();
  rmSync(dir, { recursive: true, force: true });
});

it('both lists name the same families, one for each model_type', () => {
  expect(FAMILIES.map(({ modelTypes }) => modelTypes)).toEqual(SHAPES.map(({ modelTypes }) => modelTypes));
  const types = FAMILIES.flatMap(({ modelTypes }) => modelTypes);
  expect(new Set(types).size).toBe(types.length);
});

it('gives groups the log-probabilities that the plain forward pass gives each completion, its image before it', () => {
  const grouped = noGrad(() => groupLogps(model, prompts, completions).logps.tolist()) as number[][];
  const alone = completions.flatMap((group, p) =>
    group.map((completion) =>
      scope(() =>
        noGrad(() => {
          const logps = torch.log_softmax(forward(model, [{ prompt: prompts[p], completion }]).logits, -1).tolist() as number[][][];
          const start = prompts[p].inputIds.length - 1;
          return completion.map((id, t) => logps[0][start + t][id]);
        }),
      ),
    ),
  );
  alone.forEach((wanted, n) => wanted.forEach((logp, t) => expect(grouped[n][t]).toBeCloseTo(logp, 4)));
  const blind = noGrad(() => groupLogps(model, [toyPrompt(4, [1, 2, 3]), toyPrompt(2, [5, 6, 7, 8])].map((prompt) => ({ ...prompt, images: prompt.images.map((image) => ({ ...image, pixelValues: torch.zeros_like(image.pixelValues) })) })), completions).logps.tolist()) as number[][]; // prettier-ignore
  expect(Math.abs(blind[0][0] - grouped[0][0])).toBeGreaterThan(1e-3);
});

it('samples the same completions over a growing and a static cache, with their log-probabilities, and never the image token', async () => {
  const how = { n: 3, maxNewTokens: 6, seed: 4 };
  const [growing, fixed] = [await generate(model, prompts, how), await generate(model, prompts, { ...how, staticCache: true })];
  const ids = growing.map((group) => group.map(({ tokenIds }) => tokenIds));
  expect(fixed.map((group) => group.map(({ tokenIds }) => tokenIds))).toEqual(ids);
  expect(ids.flat(2)).not.toContain(toyConfig.image_token_id);
  const again = noGrad(() => groupLogps(model, prompts, ids).logps.tolist()) as number[][];
  growing.flat().forEach(({ logprobs }, n) => logprobs.forEach((logp, t) => expect(again[n][t]).toBeCloseTo(logp, 3)));
});

it('learns: a gradient for every weight, the vision tower included', () => {
  model.setTrainable(() => true);
  scope(() => torch.sum(groupLogps(model, prompts, completions).logps).backward());
  const without = [...model.params].filter(([, weight]) => weight.grad === null).map(([name]) => name);
  expect(without).toEqual([]);
  for (const weight of model.params.values()) weight.grad = null;
  model.setTrainable(() => false);
});

it('takes an adapter, is saved and loaded with the same logits, and the planner knows its sizes', async () => {
  await saveModel(model, dir);
  using loaded = await loadModel(dir);
  const logits = (one: Model) => noGrad(() => forward(one, [{ prompt: prompts[0] }]).logits.tolist());
  expect(logits(loaded)).toEqual(logits(model));
  const lora = addLora(loaded, { r: 2, lora_alpha: 4, target_modules: null, base: dir, seed: 1 });
  expect([...lora.layers.keys()]).toHaveLength(2 * 7);
  expect(logits(loaded)).toEqual(logits(model));
  const random = generator(1);
  for (const { B } of lora.layers.values()) noGrad(() => torch.normal_(B, 0, 0.1, { generator: random }));
  expect(logits(loaded)).not.toEqual(logits(model));
  expect(readShape(dir)).toMatchObject({
    parameters: model.parameterCount,
    hidden: 24,
    queryWidth: 32,
    patchSize: 1176,
    patchesPerToken: 1,
  });
});

it('names all model types that it reads where it refuses one', () => {
  expect(() => parseConfig({ model_type: 'llama' })).toThrow(expect.objectContaining({ remedy: expect.stringContaining('toy_vl') }));
});
