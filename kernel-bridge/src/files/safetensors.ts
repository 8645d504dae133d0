/**
 * Headers of safetensors files: which tensors a file holds, of what shape and where, without its data.
 * 8 bytes of header length (little endian), a JSON header { name: { dtype, shape, data_offsets } }, the data.
 * Source: github.com/huggingface/safetensors, README "Format".
 */
import { closeSync, existsSync, fstatSync, readSync } from 'node:fs';
import { basename, join } from 'node:path';
import { openPlainSync, readTextSync } from './plain.ts';

/** Bytes of an element by the name of its type. */
export const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
};

/** The reference implementation's limit, in bytes. */
const MAX_HEADER = 100_000_000;
export const PREFIX_BYTES = 8;
const MAX_INDEX = 16 << 20;

/** A file that is none of safetensors: `where` is the file, or the file and the tensor in it. */
export class HeaderError extends Error {
  constructor(where: string, seen: string, cause?: unknown) {
    super(`${where}: ${seen}`, { cause });
    this.name = 'HeaderError';
  }
}

export interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [start: number, end: number];
}

export interface Header {
  /** In the order of the file. */
  entries: [name: string, entry: Entry][];
  metadata: Record<string, string>;
  /** Where the data starts in the file. */
  dataStart: number;
}

/** Reads and checks a file's header of at most `most` bytes. Throws HeaderError. */
export function readHeader(file: string, most = MAX_HEADER): Header {
  const descriptor = openFile(file);
  try {
    const size = fstatSync(descriptor).size;
    const prefix = Buffer.alloc(PREFIX_BYTES);
    if (readSync(descriptor, prefix, 0, PREFIX_BYTES, 0) < PREFIX_BYTES)
      throw new HeaderError(file, `${size} bytes are too short for safetensors`);
    const length = prefix.readBigUInt64LE();
    if (length > BigInt(most)) throw new HeaderError(file, `a header of ${length} bytes is over the limit of ${most}`);
    const dataStart = PREFIX_BYTES + Number(length);
    if (dataStart > size) throw new HeaderError(file, `the header ends at byte ${dataStart}, the file at ${size}`);
    const text = Buffer.alloc(Number(length));
    readSync(descriptor, text, 0, text.length, PREFIX_BYTES);
    return { ...checkHeader(file, text.toString('utf8'), size - dataStart), dataStart };
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The files that hold the weights of a Hugging Face checkpoint folder, each with the tensors taken from it; null: all that it has. They are
 * model.safetensors, or the shards that model.safetensors.index.json names, all in `dir` itself.
 */
export function weightFiles(dir: string): { file: string; names: string[] | null }[] {
  const single = join(dir, 'model.safetensors');
  if (existsSync(single)) return [{ file: single, names: null }];
  const index = join(dir, 'model.safetensors.index.json');
  if (!existsSync(index)) throw new HeaderError(dir, 'holds neither model.safetensors nor model.safetensors.index.json');
  let text: string;
  try {
    text = readTextSync(index, MAX_INDEX);
  } catch (cause) {
    throw new HeaderError(index, (cause as Error).message, cause);
  }
  const weightMap = parse(index, text).weight_map;
  if (typeof weightMap !== 'object' || weightMap === null) throw new HeaderError(index, 'has no weight_map');
  const shards = new Map<string, string[]>();
  for (const [name, shard] of Object.entries(weightMap)) {
    if (typeof shard !== 'string' || basename(shard) !== shard)
      throw new HeaderError(index, `tensor ${name}: ${JSON.stringify(shard)} is no file name`);
    const names = shards.get(shard);
    if (names) names.push(name);
    else shards.set(shard, [name]);
  }
  return [...shards].map(([shard, names]) => ({ file: join(dir, shard), names }));
}

function openFile(file: string): number {
  try {
    return openPlainSync(file);
  } catch (cause) {
    throw new HeaderError(file, (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : (cause as Error).message, cause);
  }
}

function parse(file: string, text: string): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (cause) {
    throw new HeaderError(file, `the header is not JSON: ${(cause as Error).message}`, cause);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) throw new HeaderError(file, 'the header is not an object');
  return header as Record<string, unknown>;
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function checkEntry(where: string, value: unknown): Entry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Partial<Entry>;
  if (typeof dtype !== 'string' || !Object.hasOwn(ELEMENT_BYTES, dtype))
    throw new HeaderError(where, `unknown dtype ${JSON.stringify(dtype)}`);
  if (!Array.isArray(shape) || !shape.every(isSize)) throw new HeaderError(where, `bad shape ${JSON.stringify(shape)}`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize))
    throw new HeaderError(where, `bad data_offsets ${JSON.stringify(offsets)}`);
  const wanted = shape.reduce((product, n) => product * n, ELEMENT_BYTES[dtype]);
  if (offsets[1] - offsets[0] !== wanted)
    throw new HeaderError(
      where,
      `${dtype}[${shape.join(', ')}] is ${wanted} bytes, its data_offsets [${offsets.join(', ')}] hold ${offsets[1] - offsets[0]}`,
    );
  return { dtype, shape, data_offsets: offsets };
}

/** Checks that the tensors fill the data without hole or overlap. */
function checkHeader(file: string, text: string, dataBytes: number): Omit<Header, 'dataStart'> {
  const { __metadata__: metadata = {}, ...rest } = parse(file, text);
  const entries = Object.entries(rest).map(([name, value]): [string, Entry] => [name, checkEntry(`${file}: tensor ${name}`, value)]);
  entries.sort(([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1]);
  let end = 0;
  for (const [name, { data_offsets }] of entries) {
    if (data_offsets[0] !== end)
      throw new HeaderError(`${file}: tensor ${name}`, `starts at byte ${data_offsets[0]} of the data, the one before ends at ${end}`);
    end = data_offsets[1];
  }
  if (end !== dataBytes) throw new HeaderError(file, `the tensors take ${end} bytes, the file holds ${dataBytes}`);
  return { entries, metadata: metadata as Record<string, string> };
}
