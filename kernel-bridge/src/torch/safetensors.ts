import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { ELEMENT_BYTES, HeaderError, PREFIX_BYTES, readHeader, weightFiles } from '../files/safetensors.ts';
import type { DType } from './dtypes.ts';
import { fileError, torchError } from './errors.ts';
import { native } from './native.ts';
import { torch } from './ops.ts';
import { track } from './scope.ts';
import type { Tensor } from './tensor.ts';

/**
 * safetensors: tensors from and to files.
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

/**
 * A BLAS's product of one row and a matrix rounds differently where the matrix isn't aligned, as libtorch aligns what it makes itself: the same weights from
 * another file, or from memory, would give other bits. Larger matrices go to kernels that don't mind (models/engine/product.ts).
 */
const ALIGNMENT = 64;
const ALIGNED_BYTES = 2 ** 19;

/** The tensors of a file, in the order of its data. They keep the file mapped until the last is disposed. */
export function readSafetensors(file: string): Map<string, Tensor> {
  const { entries, dataStart } = asTorchError(() => readHeader(file));
  const mapping = native.mapFile(file);
  return new Map(
    entries.map(([name, { dtype, shape, data_offsets }]) => [
      name,
      aligned(track(native.mapTensor(mapping, dataStart + data_offsets[0], DTYPES[dtype], shape)), dataStart + data_offsets[0]),
    ]),
  );
}

function aligned(mapped: Tensor, offset: number): Tensor {
  if (offset % ALIGNMENT === 0 || mapped.numel * ELEMENT_BYTES[NAMES.get(mapped.dtype)!] > ALIGNED_BYTES) return mapped;
  const copy = torch.clone(mapped);
  mapped[Symbol.dispose]();
  return copy;
}

/** The file's free text, such as { format: 'pt' }. */
export function readMetadata(file: string): Record<string, string> {
  return asTorchError(() => readHeader(file)).metadata;
}

/** `work` on a file's header, with what is wrong with it as torch's own error. */
function asTorchError<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof HeaderError ? torchError('TORCH_FILE', error.message, error) : error;
  }
}

/** The tensors of a Hugging Face checkpoint folder. */
export function openCheckpoint(dir: string): Map<string, Tensor> {
  const out = new Map<string, Tensor>();
  for (const { file, names } of asTorchError(() => weightFiles(dir))) {
    const tensors = readSafetensors(file);
    for (const name of names ?? tensors.keys()) {
      const tensor = tensors.get(name);
      if (!tensor) throw fileError(file, `lacks tensor ${name}, which the index places there`);
      out.set(name, tensor);
    }
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
    end += shape.reduce((product, n) => product * n, ELEMENT_BYTES[dtype]);
    header[name] = { dtype, shape, data_offsets: [start, end] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const out = Buffer.alloc(PREFIX_BYTES + Math.ceil(json.length / 8) * 8, ' ');
  out.writeBigUInt64LE(BigInt(out.length - PREFIX_BYTES));
  json.copy(out, PREFIX_BYTES);
  return out;
}

/** A single write may take only a part, and never more than 2 GiB. */
function writeAll(descriptor: number, bytes: Uint8Array): void {
  const most = 1 << 30;
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at, Math.min(most, bytes.length - at));
}
