/** What the server may know of a model without loading it. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { errors } from './errors.ts';

/** The directory that holds a model's weights: `path` itself, or the base model's of a LoRA adapter. It need not exist. */
export function weightsDirectory(path: string): string {
  const dir = resolve(path);
  const file = join(dir, 'adapter_config.json');
  if (!existsSync(file)) return dir;
  let base: unknown;
  try {
    base = (JSON.parse(readFileSync(file, 'utf8')) as { base_model_name_or_path?: unknown }).base_model_name_or_path;
  } catch (cause) {
    throw errors.modelMissing(dir, `has an adapter_config.json that is no JSON: ${(cause as Error).message}`);
  }
  if (typeof base !== 'string') throw errors.modelMissing(dir, 'is an adapter whose adapter_config.json names no base model');
  const places = [resolve(base), resolve(dir, base)];
  return places.find((place) => existsSync(join(place, 'config.json'))) ?? places[0];
}
