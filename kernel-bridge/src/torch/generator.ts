import { tensor } from './create.ts';
import { native } from './native.ts';
import { scope, track } from './scope.ts';

/** A random number generator, taken by operators as `{ generator }`. */
export class Generator {
  /** @internal Place in the native table. */
  readonly index: number;

  /** @internal Use `generator(seed)` or `defaultGenerator()`. */
  constructor(index: number) {
    this.index = index;
  }
  /** Starts anew from a seed. */
  seed(seed: number): this {
    native.seedGenerator(this.index, seed);
    return this;
  }
  /** The whole state as bytes, equal to those of Python's `get_state`. */
  getState(): Uint8Array {
    return scope(() => track(native.generatorState(this.index)).data() as Uint8Array);
  }
  /** Goes on exactly where `getState` was taken. */
  setState(state: Uint8Array): void {
    scope(() => native.setGeneratorState(this.index, tensor(state).id));
  }
}

/** Generators that nobody can reach any more: a run makes one a step. */
const collected = new FinalizationRegistry<number>((index) => native.releaseGenerator(index));

/** A new generator. Seeds give the numbers that Python's `torch.Generator().manual_seed(seed)` gives. */
export function generator(seed: number, device = 'cpu'): Generator {
  const made = new Generator(native.newGenerator(device, seed));
  collected.register(made, made.index);
  return made;
}

/** The generator that operators use when given none. */
export function defaultGenerator(device = 'cpu'): Generator {
  return new Generator(native.defaultGenerator(device));
}

/** Seeds the default generators of all devices, as `torch.manual_seed`. */
export function manualSeed(seed: number): void {
  native.manualSeed(seed);
}

/** State of the default generator of a device; with `setRngState` a run resumes bit by bit. */
export function getRngState(device = 'cpu'): Uint8Array {
  return defaultGenerator(device).getState();
}
export function setRngState(state: Uint8Array, device = 'cpu'): void {
  defaultGenerator(device).setState(state);
}
