import { initModel } from '../../models/index.ts';
import type { ConfigJson, Model } from '../../models/index.ts';
import { noGrad, torch } from '../../torch/index.ts';

/**
 * A deeper model whose decoder layers are copies of `model`'s: `layers` names them from the bottom up, as [0, 1, 1] names three of two.
 * `config`: the deeper model's. What `model` can do is nearly all kept where the first layers are its own in order.
 */
export function stackLayers(model: Model, layers: readonly number[], config: ConfigJson): Model {
  const deep = initModel(config);
  noGrad(() => {
    for (const [name, weight] of deep.params) torch.copy_(weight, model.params.get(sourceOf(name, layers))!);
  });
  return deep;
}

const sourceOf = (name: string, layers: readonly number[]) =>
  name.replace(/^(model\.layers\.)(\d+)/, (_, start: string, index: string) => `${start}${layers[Number(index)]}`);
