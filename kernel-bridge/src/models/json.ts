/** JSON files of a model directory. */
import * as files from '../files/plain.ts';
import { errors } from './errors.ts';

/** A JSON object from anywhere; whoever reads it makes it strict. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- files from anywhere
export type Json = Record<string, any>;

/** Bytes; the largest of these files is the tokenizer of a large vocabulary, with 11 MB. */
const MAX_FILE = 256 << 20;

/** The text of a file, null where there is none. Throws MODEL_FILE_UNREADABLE. */
export async function readText(file: string): Promise<string | null> {
  try {
    return await files.readText(file, MAX_FILE);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw errors.unreadable(file, cause);
  }
}

/** The content of a JSON file, null where there is none. Throws MODEL_FILE_UNREADABLE, MODEL_JSON_INVALID. */
export async function readJson(file: string): Promise<Json | null> {
  const text = await readText(file);
  if (text === null) return null;
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw errors.badJson(file, cause);
  }
}
