/** Small JSON files of a home, which its user may write too: one that cannot be read stops no server, and is not written over. */
import { renameSync } from 'node:fs';
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { writeDurably } from './durable.ts';
import { readTextSync } from './plain.ts';

const MOST_BYTES = 16 << 20;

/** Null where there is none, or none that holds what it should. */
export function readOwnJson<S extends TSchema>(file: string, schema: S): Static<S> | null {
  try {
    const held: unknown = JSON.parse(readTextSync(file, MOST_BYTES));
    return Value.Check(schema, held) ? held : null;
  } catch {
    return null;
  }
}

/** One that is there and cannot be read is kept beside it, as FILE.damaged. */
export function writeOwnJson(file: string, schema: TSchema, text: string): void {
  if (readOwnJson(file, schema) === null) {
    try {
      renameSync(file, `${file}.damaged`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  writeDurably(file, text);
}
