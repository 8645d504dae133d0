/** JSON files of a model directory. */
import { readFile } from 'node:fs/promises';
import { errors } from './errors.ts';

/** A JSON object from anywhere; whoever reads it makes it strict. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- files from anywhere
export type Json = Record<string, any>;

/** The text of a file, null where there is none. */
export async function readText(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw cause;
  }
}

/** The content of a JSON file, null where there is none. Throws MODEL_JSON_INVALID. */
export async function readJson(file: string): Promise<Json | null> {
  const text = await readText(file);
  if (text === null) return null;
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw errors.badJson(file, cause);
  }
}
