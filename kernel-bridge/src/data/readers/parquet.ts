/**
 * Rows of a Parquet file as the Hugging Face hub exports them. An image column holds {bytes, path}: the bytes are written once into
 * a cache folder under their content hash, so that the rest of the program sees image files as everywhere else.
 */
import { snappyUncompress } from 'hyparquet';
import type { Found } from './json.ts';
import { parquetRows } from './parquet-rows.ts';
import { keepPicture } from './pictures.ts';

export async function* parquetRecords(path: string, imageCache: string, signal?: AbortSignal): AsyncGenerator<Found> {
  let row = 0;
  for await (const value of parquetRows(path, await compressors(), signal))
    yield { row: row++, value: await withImageFile(value, imageCache), problem: null };
}

/** The rows as JSON can hold them, of bytes that are no text only their number. */
export async function* plainRows(path: string): AsyncGenerator<Record<string, unknown>> {
  for await (const row of parquetRows(path, await compressors()))
    yield Object.fromEntries(Object.entries(row).map(([name, value]) => [name, readable(value)]));
}

/** gzip, zstd, brotli and LZ4 beside snappy. */
async function compressors() {
  const { compressors: packed } = await import('hyparquet-compressors');
  return { ...packed, SNAPPY: unpackSnappy };
}

/** Not by WebAssembly as the package does it, whose memory would hold a page of 100 MB twice and never give it back. */
function unpackSnappy(input: Uint8Array, length: number): Uint8Array {
  const output = new Uint8Array(length);
  snappyUncompress(input, output);
  return output;
}

async function withImageFile(row: Record<string, unknown>, imageCache: string): Promise<Record<string, unknown>> {
  const plain: [string, unknown][] = [];
  for (const [key, value] of Object.entries(row)) plain.push([key, await withKept(value, imageCache)]);
  return Object.fromEntries(plain);
}

/** Bytes of images, alone, in a struct {bytes, path}, or in a list of these, become names in the cache. */
async function withKept(value: unknown, imageCache: string): Promise<unknown> {
  const bytes = imageBytes(value);
  if (bytes) return keepPicture(bytes, imageCache);
  if (!Array.isArray(value) || !value.some((one) => imageBytes(one))) return readable(value);
  const names: unknown[] = [];
  for (const one of value) names.push(await withKept(one, imageCache));
  return names;
}

/** The bytes themselves, or in a struct {bytes, path}. */
function imageBytes(value: unknown): Uint8Array | null {
  if (value instanceof Uint8Array) return isText(value) ? null : value;
  const bytes = value !== null && typeof value === 'object' ? (value as { bytes?: unknown }).bytes : null;
  return bytes instanceof Uint8Array ? bytes : null;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Text in a column that is not marked as text, as some writers leave it: no image format is valid UTF-8. */
function isText(bytes: Uint8Array): boolean {
  try {
    return !utf8.decode(bytes).includes('\0');
  } catch {
    return false;
  }
}

/** As JSON can hold it. Integers arrive as bigint, an image that is a file as {bytes: null, path}. */
function readable(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Uint8Array) return isText(value) ? utf8.decode(value) : `${value.length} bytes`;
  if (Array.isArray(value)) return value.map(readable);
  if (value === undefined) return null;
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  if ('path' in value && 'bytes' in value) return value.path;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, readable(inner)]));
}
