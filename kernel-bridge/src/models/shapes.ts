/** What is known of a model from its config.json and the headers of its weight files: for the planner and the server, which load no tensor. */
import { canonicalName } from '../protocol/weight-names.ts';
import { errors } from './errors.ts';
import { ofType, parseConfig, SHAPES, weightShapes } from './families/shapes.ts';
import type { ConfigJson, ModelConfig, ModelSizes } from './family.ts';

export { PIECE } from '../torch/budgets.ts';
export { IMAGE_CACHE_BYTES, KEPT_BYTES, PROMPT_STEP, TILE_BYTES } from './engine/budgets.ts';
export { parseConfig, weightShapes, type ConfigJson, type ModelConfig, type ModelSizes };

export const sizesOf = (config: ModelConfig): ModelSizes => ofType(SHAPES, config.model_type, 'the config').sizes(config);

/** Bytes of a config.json or an adapter_config.json; they have a few thousand. */
export const MAX_CONFIG = 4 << 20;

/**
 * Refuses weights that are not those that the configuration asks for. `found`: shapes by the names that the files have.
 * Throws MODEL_WEIGHTS_MISMATCH.
 */
export function checkWeights(dir: string, config: ModelConfig, found: ReadonlyMap<string, readonly number[]>): void {
  const shapes = weightShapes(config);
  const named = new Map([...found].map(([name, shape]) => [canonicalName(name), shape]));
  if (config.tie_word_embeddings) settleNames(named);
  const problems: string[] = [];
  for (const [name, shape] of shapes) {
    const seen = named.get(name);
    if (seen === undefined) problems.push(`${name} is missing`);
    else if (String(seen) !== String(shape)) problems.push(`${name} is [${seen}], expected [${shape}]`);
  }
  for (const name of named.keys()) if (!shapes.has(name)) problems.push(`${name} is not part of a ${config.model_type} of this config`);
  if (problems.length > 0) throw errors.badWeights(dir, problems);
}

/** Of a tied model either matrix may stand for both, and a second one, equal or not, is read (checkpoint.ts). */
function settleNames(named: Map<string, readonly number[]>): void {
  const [input, output] = ['model.embed_tokens.weight', 'lm_head.weight'];
  const [embedding, head] = [named.get(input), named.get(output)];
  if (head === undefined || (embedding !== undefined && String(embedding) !== String(head))) return;
  named.set(input, head);
  named.delete(output);
}
