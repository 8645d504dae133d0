/** PyTorch's dtypes by the name Python prints after `torch.`. */
export type DType =
  | 'float32'
  | 'bfloat16'
  | 'float16'
  | 'float64'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint8'
  | 'bool'
  | 'complex64'
  | 'complex128'
  | 'float8_e4m3fn'
  | 'float8_e5m2';

/** A dtype's data in JavaScript; 16-bit floats as their raw bits. */
export type Data = Float32Array | Float64Array | Uint16Array | BigInt64Array | Int32Array | Int16Array | Int8Array | Uint8Array;

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  complex64: Float32Array,
  complex128: Float64Array,
  float8_e4m3fn: Uint8Array,
  float8_e5m2: Uint8Array,
} as const;

/** Bytes of one element. */
export const itemSize = (dtype: DType): number => (dtype.startsWith('complex') ? 2 : 1) * ARRAYS[dtype].BYTES_PER_ELEMENT;

/** Bytes as the dtype's typed array. */
export function decode(bytes: ArrayBuffer, dtype: DType): Data {
  return new ARRAYS[dtype](bytes);
}

/** Bytes of any real dtype as float32. */
export function toFloats(bytes: ArrayBuffer, dtype: DType): Float32Array {
  switch (dtype) {
    case 'float32':
      return new Float32Array(bytes);
    case 'bfloat16':
      return widenBfloat16(new Uint16Array(bytes));
    case 'float16':
      return Float32Array.from(new Float16Array(bytes));
    case 'int64':
      return Float32Array.from(new BigInt64Array(bytes), Number);
    case 'complex64':
    case 'complex128':
    case 'float8_e4m3fn':
    case 'float8_e5m2':
      throw new TypeError(`${dtype} has no float32 reading: convert with torch first`);
    default:
      return Float32Array.from(decode(bytes, dtype) as Float64Array);
  }
}

/** bfloat16 is the upper half of float32. */
function widenBfloat16(bits: Uint16Array): Float32Array {
  const wide = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) wide[i] = bits[i] << 16;
  return new Float32Array(wide.buffer);
}

/** The dtype that a typed array holds by itself. */
export function naturalDType(data: ArrayBufferView): DType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float64Array) return 'float64';
  if (data instanceof BigInt64Array) return 'int64';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof Int16Array) return 'int16';
  if (data instanceof Int8Array) return 'int8';
  if (data instanceof Uint8Array || data instanceof Uint8ClampedArray) return 'uint8';
  if (data instanceof Float16Array) return 'float16';
  throw new TypeError(`${data.constructor.name} holds no dtype by itself: name one, e.g. { dtype: 'bfloat16' } for raw bits`);
}

/** Bytes per element of a typed array that may stand for the dtype as raw data. */
export function holds(data: ArrayBufferView, dtype: DType): boolean {
  if (data instanceof Uint8ClampedArray || data instanceof Float16Array) return naturalDType(data) === dtype;
  return data instanceof ARRAYS[dtype];
}

/** Numbers as the bytes of a dtype; null where libtorch must convert from float32 (bfloat16, float16, float8). */
export function encode(numbers: readonly number[], dtype: DType): ArrayBufferView | null {
  switch (dtype) {
    case 'int64':
      return BigInt64Array.from(numbers, (value) => BigInt(value));
    case 'bool':
      return Uint8Array.from(numbers, (value) => (value ? 1 : 0));
    case 'float32':
    case 'float64':
    case 'int32':
    case 'int16':
    case 'int8':
    case 'uint8':
      return (ARRAYS[dtype] as typeof Float64Array).from(numbers);
    default:
      return null;
  }
}
