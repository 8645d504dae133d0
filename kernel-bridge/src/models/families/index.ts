/** All families, as the engine runs them. A new one goes here and in shapes.ts. */
import type { ModelConfig } from '../family.ts';
import type { Family } from '../model.ts';
import { qwen2vl } from './qwen2vl/index.ts';
import { ofType } from './shapes.ts';

export const FAMILIES: Family[] = [qwen2vl];

/** Throws MODEL_UNSUPPORTED. */
export const familyOf = ({ model_type }: Pick<ModelConfig, 'model_type'>, where = 'config.json'): Family =>
  ofType(FAMILIES, model_type, where);
