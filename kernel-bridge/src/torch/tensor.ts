import { decode, toFloats, type Data } from './dtypes.ts';
import type { DType } from './dtypes.ts';
import { format } from './format.ts';
import { native, type Id } from './native.ts';

/** Nested numbers as `tolist` gives them; booleans for bool tensors. */
export type Nested = number | boolean | Nested[];

/** Who frees a tensor: the list of its scope; null = nobody but `dispose` and the garbage collector. See scope.ts. */
export type Owner = Tensor[] | null;

/**
 * A handle to a PyTorch tensor. It carries facts and data only; mathematics is in `torch.<op>`. What needs operators, gradients or
 * scopes (`to`, `backward`, `dispose`) is in methods.ts, so that those modules know the handle and the handle knows none of them.
 * Made inside a scope it is freed with it; `using t = ...` and `dispose` free it at once.
 */
export class Tensor {
  /** @internal Place in the native table; -1 once disposed. */
  id: Id;
  /** @internal */
  owner: Owner = null;

  /** @internal Use `tensor` or an operator. */
  constructor(id: Id) {
    this.id = id;
  }

  /** @internal The id of a live tensor. */
  alive(what: string): Id {
    if (this.id < 0) throw disposed(what);
    return this.id;
  }

  get shape(): number[] {
    return native.sizes(this.alive('shape'));
  }
  get strides(): number[] {
    return native.strides(this.alive('strides'));
  }
  get dtype(): DType {
    return native.dtype(this.alive('dtype')) as DType;
  }
  /** 'cpu', 'cuda:0', ... */
  get device(): string {
    return native.device(this.alive('device'));
  }
  get numel(): number {
    return native.numel(this.alive('numel'));
  }
  get ndim(): number {
    return this.shape.length;
  }
  get isDisposed(): boolean {
    return this.id < 0;
  }

  get requiresGrad(): boolean {
    return native.requiresGrad(this.alive('requiresGrad'));
  }
  /** Leaves only. */
  set requiresGrad(value: boolean) {
    native.setRequiresGrad(this.alive('requiresGrad'), value);
  }
  get isLeaf(): boolean {
    return native.isLeaf(this.alive('isLeaf'));
  }
  /** The value of a one-element tensor; 1 or 0 for bool. */
  item(): number {
    return Number(native.item(this.alive('item')));
  }
  /** A copy of the data, row-major, as the dtype's typed array; bfloat16 and float16 as raw bits in a Uint16Array. */
  data(): Data {
    return decode(native.toBytes(this.alive('data')), this.dtype);
  }
  /** A copy of the data as float32, from any dtype. */
  toFloat32(): Float32Array {
    return toFloats(native.toBytes(this.alive('toFloat32')), this.dtype);
  }
  /** A copy of the data as nested arrays of numbers. int64 beyond 2^53 loses digits: read `data` then. */
  tolist(): Nested {
    const { shape, dtype } = this;
    const flat = plainNumbers(native.toBytes(this.alive('tolist')), dtype);
    return nest(flat, shape, 0, { at: 0 });
  }

  /** Dtype, shape and the first and last values: `Tensor(float32[2, 2], [[1, 2], [3, 4]])`. */
  toString(): string {
    if (this.id < 0) return 'Tensor(disposed)';
    return format(this);
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/** The error of touching a tensor after its scope ended. */
export function disposed(what: string): Error {
  return new Error(`${what}: this tensor was disposed. Its scope ended: return it from the scope, or keep() it; see src/torch/README.md.`);
}

function plainNumbers(bytes: ArrayBuffer, dtype: DType): ArrayLike<number | boolean> {
  if (dtype === 'bool') return Array.from(new Uint8Array(bytes), (value) => value !== 0);
  if (dtype === 'int64') return Array.from(new BigInt64Array(bytes), Number);
  const data = decode(bytes, dtype);
  return data instanceof BigInt64Array || data instanceof Uint16Array ? toFloats(bytes, dtype) : data;
}

function nest(flat: ArrayLike<number | boolean>, shape: number[], depth: number, cursor: { at: number }): Nested {
  if (depth === shape.length) return flat[cursor.at++];
  return Array.from({ length: shape[depth] }, () => nest(flat, shape, depth + 1, cursor));
}
