/** All families, without tensors. A new one goes here and in index.ts. */
import { errors } from '../errors.ts';
import type { ConfigJson, FamilyShape, ModelConfig } from '../family.ts';
import { qwen2vlShape } from './qwen2vl/shape.ts';

export const SHAPES: FamilyShape[] = [qwen2vlShape];

/** The family that config.json's model_type names. Throws MODEL_UNSUPPORTED. */
export function ofType<F extends FamilyShape>(families: readonly F[], model_type: unknown, where: string): F {
  const found = families.find(({ modelTypes }) => modelTypes.includes(model_type as string));
  if (found !== undefined) return found;
  const known = families.flatMap(({ modelTypes }) => modelTypes);
  throw errors.unsupported(`${where}: model_type is ${JSON.stringify(model_type)}`, known.join(' and '));
}

/** Reads config.json's content; keys left out take transformers' defaults. `where` names the file in errors. Throws MODEL_UNSUPPORTED. */
export function parseConfig(json: ConfigJson, where = 'config.json'): ModelConfig {
  for (const part of [json, json?.text_config ?? {}, json?.vision_config ?? {}]) {
    if (typeof part !== 'object' || part === null || Array.isArray(part))
      throw errors.unsupported(
        `${where}: ${JSON.stringify(part)?.slice(0, 80)} stands where an object is due`,
        'config.json of a checkpoint',
      );
  }
  return ofType(SHAPES, json.model_type, where).parseConfig(json, where);
}

export const weightShapes = (config: ModelConfig): Map<string, number[]> =>
  ofType(SHAPES, config.model_type, 'the config').weightShapes(config);
