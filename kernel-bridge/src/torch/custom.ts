import { enableGrad, grad, ids, isGradEnabled, noGrad } from './autograd.ts';
import { native } from './native.ts';
import { scope, track } from './scope.ts';
import { Tensor } from './tensor.ts';

/** What a custom function's forward leaves for its backward; other values may be put on it as properties. */
export interface Context {
  /** Saves inputs, outputs or intermediates for backward. Changing one in place afterwards is detected. */
  save(...tensors: Tensor[]): void;
  /** In backward: what was saved, in that order. */
  readonly saved: Tensor[];
  [property: string]: unknown;
}

export interface CustomFunction<A extends readonly unknown[], R extends Tensor | Tensor[]> {
  /** Runs without recording a graph. */
  forward(context: Context, ...args: A): R;
  /**
   * From the gradients of the outputs (null: not used), those of the arguments: one per tensor among the arguments, in
   * order, null for none.
   */
  backward(context: Context, ...gradients: (Tensor | null)[]): (Tensor | null)[];
}

/**
 * A function with a backward of its own, as torch.autograd.Function. The backward may itself call `grad`.
 * With a GPU the engine runs on its own threads; they hand the callback to this one and wait (native/jsthread.h).
 */
export function customFunction<A extends readonly unknown[], R extends Tensor | Tensor[]>(
  definition: CustomFunction<A, R>,
): (...args: A) => R {
  return (...args) => {
    const inputs = args.filter((arg) => arg instanceof Tensor);
    const context = newContext();
    if (!isGradEnabled() || !inputs.some((input) => input.requiresGrad)) return scope(() => definition.forward(context, ...args));
    return scope(() => {
      const saved: Tensor[] = [];
      context.save = (...tensors) => void saved.push(...tensors);
      const result = noGrad(() => definition.forward(context, ...args));
      const outputs: Tensor[] = Array.isArray(result) ? result : [result as Tensor];
      const callback = (savedIds: number[], gradientIds: number[]): number[] =>
        runBackward(definition, context, savedIds, gradientIds, inputs.length);
      const made = native
        .attach(ids('customFunction', inputs), ids('customFunction', outputs), ids('customFunction', saved), callback)
        .map(track);
      return (Array.isArray(result) ? made : made[0]) as R;
    });
  };
}

const newContext = (): Context => ({ save: () => undefined, saved: [] });

/** Called by the engine. Results go out as handles of their own, which native code frees. */
function runBackward(
  definition: { backward(context: Context, ...gradients: (Tensor | null)[]): (Tensor | null)[] },
  context: Context,
  savedIds: number[],
  gradientIds: number[],
  inputCount: number,
): number[] {
  return scope(() => {
    const saved = savedIds.map(track);
    const gradients = gradientIds.map((id) => (id < 0 ? null : track(id)));
    const found = definition.backward({ ...context, saved }, ...gradients);
    if (found.length !== inputCount)
      throw new TypeError(`customFunction: backward gave ${found.length} gradients for ${inputCount} tensor arguments`);
    return ids('customFunction', found).map((id) => (id < 0 ? -1 : native.alias(id)));
  });
}

/**
 * Activation checkpointing: computes `fn(...inputs)` without keeping what its backward needs, and computes it again then.
 * `params` are the other tensors that fn uses and that need gradients. fn must be deterministic.
 */
export function checkpoint<R extends Tensor | Tensor[]>(
  fn: (...inputs: Tensor[]) => R,
  inputs: readonly Tensor[],
  params: readonly Tensor[] = [],
): R {
  const apply = customFunction<Tensor[], R>({
    forward(context, ...all) {
      context.save(...all);
      return fn(...all.slice(0, inputs.length));
    },
    backward({ saved }, ...gradients) {
      return enableGrad(() => {
        const leaves = saved.slice(0, inputs.length).map(leafOf);
        const result = fn(...leaves);
        const outputs = Array.isArray(result) ? result : [result];
        const used = outputs.flatMap((output, i) => (gradients[i] && output.requiresGrad ? [{ output, gradient: gradients[i] }] : []));
        const wanted = [...leaves, ...params].map((tensor) => (tensor.requiresGrad ? tensor : null));
        const found = grad(
          used.map(({ output }) => output),
          wanted.filter((tensor) => tensor !== null),
          { gradOutputs: used.map(({ gradient }) => gradient), allowUnused: true },
        );
        let next = 0;
        return wanted.map((tensor) => (tensor === null ? null : found[next++]));
      });
    },
  });
  return apply(...inputs, ...params);
}

/** The same values as a leaf of a graph of its own. */
function leafOf(tensor: Tensor): Tensor {
  const leaf = tensor.detach();
  if (tensor.requiresGrad) leaf.requiresGrad = true;
  return leaf;
}
