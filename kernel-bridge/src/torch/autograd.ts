import { native } from './native.ts';
import { refuseAsync, track } from './scope.ts';
import type { Tensor } from './tensor.ts';
import { span } from './trace.ts';

function withGradMode<T>(name: string, enabled: boolean, fn: () => T): T {
  const before = native.setGradMode(enabled);
  try {
    const result = fn();
    refuseAsync(name, result);
    return result;
  } finally {
    native.setGradMode(before);
  }
}

/** Runs `fn` without recording a graph. */
export function noGrad<T>(fn: () => T): T {
  return withGradMode('noGrad', false, fn);
}

/** Runs `fn` recording a graph, also inside `noGrad` or a backward. */
export function enableGrad<T>(fn: () => T): T {
  return withGradMode('enableGrad', true, fn);
}

export function isGradEnabled(): boolean {
  return native.gradMode();
}

export interface BackwardOptions {
  /** Keep the graph for another backward; by default only when `createGraph`. */
  retainGraph?: boolean;
  /** Record the backward itself, for higher derivatives. */
  createGraph?: boolean;
}

/** Accumulates gradients into the `grad` of every leaf. `gradient` is needed where the loss is not a scalar. */
export function backward(
  loss: Tensor | readonly Tensor[],
  gradient?: Tensor | readonly (Tensor | null)[] | null,
  options: BackwardOptions = {},
): void {
  const losses = Array.isArray(loss) ? (loss as Tensor[]) : [loss as Tensor];
  const gradients = gradient === undefined || gradient === null ? [] : Array.isArray(gradient) ? gradient : [gradient];
  const { retainGraph = null, createGraph = false } = options;
  span('backward', () => native.backward(ids('backward', losses), ids('backward', gradients), retainGraph, createGraph));
}

export interface GradOptions extends BackwardOptions {
  /** One per output, for outputs that are not scalars. */
  gradOutputs?: readonly (Tensor | null)[];
  /** Give null for an input that no output depends on, instead of throwing. */
  allowUnused?: boolean;
}

/** The gradients of the outputs with respect to the inputs, touching no `grad`; null only with `allowUnused`. */
export function grad(outputs: Tensor | readonly Tensor[], inputs: readonly Tensor[], options: GradOptions = {}): (Tensor | null)[] {
  const from = Array.isArray(outputs) ? (outputs as Tensor[]) : [outputs as Tensor];
  const found = native.gradients(
    ids('grad', from),
    ids('grad', inputs),
    ids('grad', options.gradOutputs ?? []),
    options.retainGraph ?? null,
    options.createGraph ?? false,
    options.allowUnused ?? false,
  );
  return found.map((id) => (id < 0 ? null : track(id)));
}

/** Ids of live tensors, -1 for null. */
export function ids(what: string, tensors: readonly (Tensor | null | undefined)[]): number[] {
  return tensors.map((tensor) => (tensor ? tensor.alive(what) : -1));
}
