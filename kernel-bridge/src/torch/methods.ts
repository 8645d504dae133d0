/** The methods of a tensor that need operators, gradients or scopes; index.ts loads them. */
import { backward } from './autograd.ts';
import type { DType } from './dtypes.ts';
import { native } from './native.ts';
import { invokeByName } from './ops.ts';
import { dispose, track } from './scope.ts';
import { Tensor } from './tensor.ts';

interface Methods {
  /** The accumulated gradient: each reading gives a new handle to the same tensor. */
  grad: Tensor | null;
  /** Accumulates gradients into the `grad` of every leaf; `gradient` is needed where this is not a scalar. */
  backward(gradient?: Tensor, options?: { retainGraph?: boolean; createGraph?: boolean }): void;
  /** The same data outside the graph. */
  detach(): Tensor;
  /** A tensor of that dtype and on that device; a new handle to this one where nothing changes. */
  to(options: { dtype?: DType; device?: string }): Tensor;
  /** A second handle to the same tensor, with a life of its own. */
  alias(): Tensor;
  /** Frees the tensor now; a second time is nothing. */
  dispose(): void;
  [Symbol.dispose](): void;
}

declare module './tensor.ts' {
  interface Tensor extends Methods {}
}

const methods: Methods & ThisType<Tensor> = {
  get grad() {
    const id = native.grad(this.alive('grad'));
    return id < 0 ? null : track(id);
  },
  set grad(value) {
    native.setGrad(this.alive('grad'), value === null ? -1 : value.alive('grad'));
  },
  backward(gradient, options) {
    backward(this, gradient, options);
  },
  detach() {
    return invokeByName('detach', [this]) as Tensor;
  },
  to(options) {
    return invokeByName('to', [this, options]) as Tensor;
  },
  alias() {
    return track(native.alias(this.alive('alias')));
  },
  dispose() {
    dispose(this);
  },
  [Symbol.dispose]() {
    dispose(this);
  },
};

const hidden = Object.entries(Object.getOwnPropertyDescriptors(methods)).map(([name, one]) => [name, { ...one, enumerable: false }]);
Object.defineProperties(Tensor.prototype, {
  ...Object.fromEntries(hidden),
  [Symbol.dispose]: { value: methods[Symbol.dispose], writable: true, configurable: true },
});
