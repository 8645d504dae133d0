import { expect, it } from 'vitest';
import { groupLogps, initModel } from '../../models/index.ts';
import type { Model } from '../../models/index.ts';
import { noGrad, scope } from '../../torch/index.ts';
import { stackLayers } from './stack.ts';
import { tinyConfig } from './tiny-config.ts';

const IDS = new Map(
  ['<|image_pad|>', '<|video_pad|>', '<|vision_start|>', '<|vision_end|>', '<|endoftext|>', '<|im_end|>', 'a', 'b', 'c'].map(
    (token, id) => [token, id],
  ),
);
const logps = (model: Model) =>
  scope(() => noGrad(() => groupLogps(model, [{ inputIds: [6, 7], images: [], text: 'ab' }], [[[8, 6, 7]]]).logps.toFloat32()));

it('makes a decoder of copies of the layers named, in that order, and leaves all else as it is', () => {
  using model = initModel(tinyConfig(IDS, 2), { seed: 5 });
  using same = stackLayers(model, [0, 1], tinyConfig(IDS, 2));
  expect(logps(same)).toEqual(logps(model));
  using deep = stackLayers(model, [0, 1, 1], tinyConfig(IDS, 3));
  const weight = (one: Model, layer: number) => one.params.get(`model.layers.${layer}.mlp.up_proj.weight`)!.toFloat32();
  expect([0, 1, 2].map((layer) => weight(deep, layer))).toEqual([0, 1, 1].map((layer) => weight(model, layer)));
  expect(logps(deep)).not.toEqual(logps(model));
});
