import { closeSync, existsSync, fstatSync, fsyncSync, openSync, readFileSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { DType } from './dtypes.ts';
import { fileError } from './errors.ts';
import { native } from './native.ts';
import { torch } from './ops.ts';
import { track } from './scope.ts';
import type { Tensor } from './tensor.ts';

/**
 * safetensors: 8 bytes of header length (little endian), a JSON header { name: { dtype, shape, data_offsets } }, the data.
 * Files are mapped into memory: reading copies nothing but small tensors out of line, and writing to such a tensor never touches the file. A file
 * must not be cut short while its tensors live.
 * Source: github.com/huggingface/safetensors, README "Format".
 */
const DTYPES: Record<string, DType> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I32: 'int32',
  I16: 'int16',
  I8: 'int8',
  U8: 'uint8',
  BOOL: 'bool',
  F8_E4M3: 'float8_e4m3fn',
  F8_E5M2: 'float8_e5m2',
};
const NAMES = new Map(Object.entries(DTYPES).map(([name, dtype]) => [dtype, name]));
const BYTES: Record<string, number> = {
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

const MAX_HEADER = 100_000_000; // bytes; the reference implementation's limit
const PREFIX = 8;

/**
 * A BLAS's product of one row and a matrix rounds differently where the matrix isn't aligned, as libtorch aligns what it makes itself: the same weights from
 * another file, or from memory, would give other bits. Larger matrices go to kernels that don't mind (models/engine/product.ts).
 */
const ALIGNMENT = 64;
const ALIGNED_BYTES = 2 ** 19;

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [start: number, end: number];
}

interface Header {
  /** In the order of the file. */
  entries: [name: string, entry: Entry][];
  metadata: Record<string, string>;
  /** Where the data starts in the file. */
  dataStart: number;
}

/** The tensors of a file, in the order of its data. They keep the file mapped until the last is disposed. */
export function readSafetensors(file: string): Map<string, Tensor> {
  const { entries, dataStart } = readHeader(file);
  const mapping = native.mapFile(file);
  return new Map(
    entries.map(([name, { dtype, shape, data_offsets }]) => [
      name,
      aligned(track(native.mapTensor(mapping, dataStart + data_offsets[0], DTYPES[dtype], shape)), dataStart + data_offsets[0]),
    ]),
  );
}

function aligned(mapped: Tensor, offset: number): Tensor {
  if (offset % ALIGNMENT === 0 || mapped.numel * BYTES[NAMES.get(mapped.dtype)!] > ALIGNED_BYTES) return mapped;
  const copy = torch.clone(mapped);
  mapped[Symbol.dispose]();
  return copy;
}

/** The file's free text, such as { format: 'pt' }. */
export function readMetadata(file: string): Record<string, string> {
  return readHeader(file).metadata;
}

function readHeader(file: string): Header {
  const descriptor = openFile(file);
  try {
    const size = fstatSync(descriptor).size;
    const prefix = Buffer.alloc(PREFIX);
    if (readSync(descriptor, prefix, 0, PREFIX, 0) < PREFIX) throw fileError(file, `${size} bytes are too short for safetensors`);
    const length = prefix.readBigUInt64LE();
    if (length > BigInt(MAX_HEADER)) throw fileError(file, `a header of ${length} bytes is over the limit of ${MAX_HEADER}`);
    const dataStart = PREFIX + Number(length);
    if (dataStart > size) throw fileError(file, `the header ends at byte ${dataStart}, the file at ${size}`);
    const text = Buffer.alloc(Number(length));
    readSync(descriptor, text, 0, text.length, PREFIX);
    return { ...checkHeader(file, text.toString('utf8'), size - dataStart), dataStart };
  } finally {
    closeSync(descriptor);
  }
}

function openFile(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (cause) {
    throw fileError(file, (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : String(cause), cause);
  }
}

function parse(file: string, text: string): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (cause) {
    throw fileError(file, `the header is not JSON: ${(cause as Error).message}`, cause);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) throw fileError(file, 'the header is not an object');
  return header as Record<string, unknown>;
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function checkEntry(where: string, value: unknown): Entry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Partial<Entry>;
  if (typeof dtype !== 'string' || !(dtype in BYTES)) throw fileError(where, `unknown dtype ${JSON.stringify(dtype)}`);
  if (!Array.isArray(shape) || !shape.every(isSize)) throw fileError(where, `bad shape ${JSON.stringify(shape)}`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize))
    throw fileError(where, `bad data_offsets ${JSON.stringify(offsets)}`);
  const wanted = shape.reduce((product, n) => product * n, BYTES[dtype]);
  if (offsets[1] - offsets[0] !== wanted)
    throw fileError(
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
      throw fileError(`${file}: tensor ${name}`, `starts at byte ${data_offsets[0]} of the data, the one before ends at ${end}`);
    end = data_offsets[1];
  }
  if (end !== dataBytes) throw fileError(file, `the tensors take ${end} bytes, the file holds ${dataBytes}`);
  return { entries, metadata: metadata as Record<string, string> };
}

/**
 * The tensors of a Hugging Face checkpoint folder: model.safetensors, or the shards that model.safetensors.index.json
 * names, all in `dir` itself.
 */
export function openCheckpoint(dir: string): Map<string, Tensor> {
  const single = join(dir, 'model.safetensors');
  if (existsSync(single)) return readSafetensors(single);
  const index = join(dir, 'model.safetensors.index.json');
  if (!existsSync(index)) throw fileError(dir, 'holds neither model.safetensors nor model.safetensors.index.json');
  const weightMap = parse(index, readFileSync(index, 'utf8')).weight_map as Record<string, unknown> | undefined;
  if (typeof weightMap !== 'object' || weightMap === null) throw fileError(index, 'has no weight_map');
  const shards = new Map<string, Map<string, Tensor>>();
  const out = new Map<string, Tensor>();
  for (const [name, shard] of Object.entries(weightMap)) {
    if (typeof shard !== 'string' || basename(shard) !== shard)
      throw fileError(index, `tensor ${name}: ${JSON.stringify(shard)} is no file name`);
    let tensors = shards.get(shard);
    if (!tensors) shards.set(shard, (tensors = readSafetensors(join(dir, shard))));
    const tensor = tensors.get(name);
    if (!tensor) throw fileError(join(dir, shard), `lacks tensor ${name}, which the index places there`);
    out.set(name, tensor);
  }
  return out;
}

/**
 * Writes the tensors in the Map's order, from any device, contiguous. The file appears whole or not at all: it is
 * written beside, synced, and renamed.
 */
export function writeSafetensors(
  file: string,
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): void {
  const part = `${file}.part`;
  const descriptor = openSync(part, 'w');
  try {
    writeAll(descriptor, headerBytes(tensors, metadata));
    for (const tensor of tensors.values()) writeAll(descriptor, new Uint8Array(native.toBytes(tensor.alive('writeSafetensors'))));
    fsyncSync(descriptor);
  } catch (error) {
    closeSync(descriptor);
    rmSync(part, { force: true });
    throw error;
  }
  closeSync(descriptor);
  renameSync(part, file);
}

/** Length and JSON, padded with spaces so that the data starts at a multiple of 8. */
function headerBytes(tensors: ReadonlyMap<string, Tensor>, metadata: Readonly<Record<string, string>>): Buffer {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const [name, tensor] of tensors) {
    const { shape, dtype: known } = tensor;
    const dtype = NAMES.get(known);
    if (!dtype) throw fileError(`tensor ${name}`, `safetensors has no dtype for ${known}`);
    const start = end;
    end += shape.reduce((product, n) => product * n, BYTES[dtype]);
    header[name] = { dtype, shape, data_offsets: [start, end] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const out = Buffer.alloc(PREFIX + Math.ceil(json.length / 8) * 8, ' ');
  out.writeBigUInt64LE(BigInt(out.length - PREFIX));
  json.copy(out, PREFIX);
  return out;
}

/** A single write may take only a part, and never more than 2 GiB. */
function writeAll(descriptor: number, bytes: Uint8Array): void {
  const most = 1 << 30;
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at, Math.min(most, bytes.length - at));
}
