import { encode, holds, naturalDType, type DType } from './dtypes.ts';
import { native } from './native.ts';
import { dispose, track } from './scope.ts';
import type { Tensor } from './tensor.ts';

/** Numbers, nested as the shape is. */
export type NestedNumbers = number | boolean | readonly NestedNumbers[];

export interface TensorOptions {
  /** Default: float32 for numbers, bool for booleans, what a typed array holds. */
  dtype?: DType;
  /** Default: cpu. */
  device?: string;
  /** Shape of flat data; by default that of the nesting. */
  shape?: readonly number[];
  requiresGrad?: boolean;
}

/**
 * A tensor with a copy of `data`. A typed array is taken as it stands: Uint16Array with dtype 'bfloat16' or 'float16' is
 * raw bits; another dtype than its own converts.
 * @throws TypeError when nested lists are ragged or the shape asks for another number of elements
 */
export function tensor(data: NestedNumbers | ArrayBufferView | readonly bigint[], options: TensorOptions = {}): Tensor {
  const made = ArrayBuffer.isView(data) ? fromView(data, options) : fromNumbers(data, options);
  if (options.requiresGrad) made.requiresGrad = true;
  return made;
}

function fromView(data: ArrayBufferView, { dtype, device = 'cpu', shape }: TensorOptions): Tensor {
  const length = (data as Uint8Array).length;
  const sizes = checkedShape(length, shape ?? [length]);
  if (dtype === undefined || holds(data, dtype)) return track(native.fromBytes(data, dtype ?? naturalDType(data), sizes, device));
  return converted(track(native.fromBytes(data, naturalDType(data), sizes, device)), dtype);
}

function fromNumbers(data: NestedNumbers | readonly bigint[], { dtype, device = 'cpu', shape }: TensorOptions): Tensor {
  const flat: (number | boolean | bigint)[] = [];
  const nesting = flatten(data, flat);
  const sizes = checkedShape(flat.length, shape ?? nesting);
  const type = dtype ?? (typeof flat[0] === 'boolean' ? 'bool' : typeof flat[0] === 'bigint' ? 'int64' : 'float32');
  const bytes = encode(flat as number[], type);
  if (bytes !== null) return track(native.fromBytes(bytes, type, sizes, device));
  return converted(track(native.fromBytes(Float32Array.from(flat, Number), 'float32', sizes, device)), type);
}

function converted(source: Tensor, dtype: DType): Tensor {
  const result = source.to({ dtype });
  dispose(source);
  return result;
}

/** Appends the leaves to `flat` and gives the shape. */
function flatten(data: unknown, flat: unknown[]): number[] {
  if (!Array.isArray(data)) {
    flat.push(data);
    return [];
  }
  let inner: number[] | null = null;
  for (const item of data) {
    const shape = Array.isArray(item) ? flatten(item, flat) : (flat.push(item), []);
    if (inner !== null && String(inner) !== String(shape)) throw new TypeError(`tensor: ragged lists, [${inner}] beside [${shape}]`);
    inner = shape;
  }
  return [data.length, ...(inner ?? [])];
}

function checkedShape(length: number, shape: readonly number[]): number[] {
  const wanted = shape.reduce((product, n) => product * n, 1);
  if (wanted !== length) throw new TypeError(`tensor: ${length} elements do not fill the shape [${shape.join(', ')}]`);
  return [...shape];
}
