/**
 * Rows of a Parquet file as the Hugging Face hub exports them. An image column holds {bytes, path}: the bytes are written once into
 * a cache folder under their content hash, so that the rest of the program sees image files as everywhere else.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import type { Found } from './json.ts';

const ROWS_AT_ONCE = 256; // bounds memory: a row may hold a megabyte of image

export async function* parquetRecords(path: string, imageCache: string, signal?: AbortSignal): AsyncGenerator<Found> {
  await mkdir(imageCache, { recursive: true });
  const { compressors } = await import('hyparquet-compressors'); // gzip, zstd, brotli and LZ4 beside snappy
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  const total = Number(metadata.num_rows);
  for (let rowStart = 0; rowStart < total; rowStart += ROWS_AT_ONCE) {
    signal?.throwIfAborted();
    const rowEnd = Math.min(total, rowStart + ROWS_AT_ONCE);
    const rows = (await parquetReadObjects({ file, metadata, rowStart, rowEnd, utf8: false, compressors })) as Record<string, unknown>[];
    for (const [i, row] of rows.entries()) yield { row: rowStart + i, value: await withImageFile(row, imageCache), problem: null };
  }
}

async function withImageFile(row: Record<string, unknown>, imageCache: string): Promise<Record<string, unknown>> {
  const plain: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(row)) {
    const bytes = imageBytes(value);
    plain[key] = bytes ? await keep(bytes, imageCache) : readable(value);
  }
  return plain;
}

/** The bytes themselves, in a struct {bytes, path}, or a list of one of these. */
function imageBytes(value: unknown): Uint8Array | null {
  if (value instanceof Uint8Array) return isText(value) ? null : value;
  if (Array.isArray(value)) return value.length === 1 ? imageBytes(value[0]) : null;
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
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  if ('path' in value && 'bytes' in value) return value.path;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, readable(inner)]));
}

async function keep(bytes: Uint8Array, imageCache: string): Promise<string> {
  const name = createHash('sha256').update(bytes).digest('hex') + extension(bytes);
  const target = join(imageCache, name);
  if (!existsSync(target)) {
    await writeFile(`${target}.part`, bytes);
    await rename(`${target}.part`, target); // never a half-written image under its hash
  }
  return name;
}

function extension(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  if (head.startsWith('\x89PNG')) return '.png';
  if (head.startsWith('\xff\xd8')) return '.jpg';
  if (head.startsWith('RIFF')) return '.webp';
  return head.startsWith('II*\0') || head.startsWith('MM\0*') ? '.tif' : '.bin';
}
