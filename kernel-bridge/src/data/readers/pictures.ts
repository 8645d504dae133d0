/** Pictures that stand in the records themselves, as bytes or as base64: kept in a cache folder under their content hash. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatOf } from '../image/format.ts';
import type { Found } from './json.ts';

/** Writes the picture once; returns its name in the folder. */
export async function keepPicture(bytes: Uint8Array, folder: string): Promise<string> {
  const name = `${createHash('sha256').update(bytes).digest('hex')}.${formatOf(bytes) ?? 'bin'}`;
  const target = join(folder, name);
  if (existsSync(target)) return name;
  await mkdir(folder, { recursive: true, mode: 0o700 }); // and a home that is not there yet
  await writeFile(`${target}.part`, bytes);
  await rename(`${target}.part`, target); // never a half-written image under its hash
  return name;
}

/** Fields that hold images. Text in others is left as it is. */
const IMAGE_FIELD = /^(image|img|picture|photo|figure)/i;
/** Characters below which text is taken for a path, or VLMEvalKit's reference to another row. */
const SHORTEST = 64;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/** The picture that a text is, as base64 or as a data URI; null when it is none. */
export function pictureIn(text: string): Buffer | null {
  if (text.length <= SHORTEST) return null;
  const coded = /^data:image\/[\w.+-]+;base64,/.exec(text.slice(0, 100))?.[0].length ?? 0;
  const head = text.slice(coded, coded + 256).replace(/\s/g, '');
  if (!BASE64.test(head) || formatOf(Buffer.from(head, 'base64')) === null) return null;
  return Buffer.from(text.slice(coded), 'base64'); // which passes over line breaks
}

/**
 * The records with pictures in image fields replaced by their names in the cache. In VLMEvalKit's tables a row may give, in place of a
 * picture, the index of the row that has it.
 */
export async function* withPictures(records: AsyncGenerator<Found>, folder: string): AsyncGenerator<Found> {
  const byIndex = new Map<string, unknown>();
  for await (const found of records) {
    const record = found.value as Record<string, unknown> | null;
    if (record !== null && typeof record === 'object') {
      for (const [field, value] of Object.entries(record)) {
        if (IMAGE_FIELD.test(field)) record[field] = await kept(value, folder);
      }
      const { index, image } = record;
      if (typeof image === 'string' && byIndex.has(image)) record['image'] = byIndex.get(image);
      else if (index !== undefined && isKept(image)) byIndex.set(String(index as string), image);
    }
    yield found;
  }
}

const isKept = (image: unknown): boolean => /^[0-9a-f]{64}\.\w+(,|$)/.test(String(image));

async function kept(value: unknown, folder: string): Promise<unknown> {
  if (typeof value === 'string') {
    const bytes = pictureIn(value);
    if (bytes) return keepPicture(bytes, folder);
    const listed = /^\s*\[\s*['"]/.test(value.slice(0, 20)) && value.length > SHORTEST ? value.match(/[^'",\s[\]]+/g) : null;
    const pictures = listed?.map(pictureIn) ?? [];
    if (listed && pictures.every((picture) => picture !== null))
      return Promise.all(pictures.map((picture) => keepPicture(picture, folder)));
    return value;
  }
  if (Array.isArray(value)) return Promise.all(value.map((one) => kept(one, folder)));
  if (value === null || typeof value !== 'object') return value;
  const bytes = (value as { bytes?: unknown }).bytes;
  return typeof bytes === 'string' && pictureIn(bytes) ? kept(bytes, folder) : value;
}
