import { cuda } from './cuda.ts';
import { torchError } from './errors.ts';
import { loadLibrary, native } from './native.ts';
import { disposeAll, keepAll, scope } from './scope.ts';

/** What native/cuda exports. */
interface NativeGraphs {
  setErrorFactory(make: (code: string, message: string) => Error): void;
  newGraph(): number;
  destroyGraph(graph: number): void;
  newPool(): number[];
  enterStream(device: number): void;
  leaveStream(): void;
  beginCapture(graph: number, pool: number[]): void;
  endCapture(graph: number): void;
  replay(graph: number): void;
}

let library: NativeGraphs | null = null;

function graphs(): NativeGraphs {
  cuda.open();
  if (library === null) {
    library = loadLibrary<NativeGraphs>('medr1_cuda');
    library.setErrorFactory(torchError);
  }
  return library;
}

/** Memory that several graphs share; replay them in the order in which they were captured. */
export type GraphPool = readonly number[];

export const graphPool = (): GraphPool => graphs().newPool();

export interface CaptureOptions {
  /** Device number; default 0. */
  device?: number;
  /** Runs before the capture, so that libraries set themselves up; default 3. */
  warmup?: number;
  pool?: GraphPool;
}

/**
 * A recorded run of `fn`: `replay` launches all its kernels at once, on the same memory. To feed it, copy new values into
 * the tensors that fn read; to read, look at `result`, whose tensors live as long as the graph.
 * Inside fn nothing may wait for the device: no item(), data() or tolist(). Random numbers come from the default
 * generator and go on from replay to replay.
 */
export class CudaGraph<T> {
  readonly result: T;
  readonly #index: number;

  private constructor(index: number, result: T) {
    this.#index = index;
    this.result = result;
  }

  /** Why nothing can be recorded on this device; null = it can. */
  static failure(device: string): string | null {
    if (device === 'cpu') return 'graphs are for GPUs';
    try {
      graphs();
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** @throws TorchError when there is no CUDA, or fn does what cannot be recorded; nothing is left behind then */
  static capture<T>(fn: () => T, { device = 0, warmup = 3, pool = [] }: CaptureOptions = {}): CudaGraph<T> {
    const library = graphs();
    const index = library.newGraph();
    library.enterStream(device);
    try {
      for (let i = 0; i < warmup; i++) scope(() => void fn());
      native.synchronize(`cuda:${device}`);
      library.beginCapture(index, [...pool]);
      const result = recorded(library, index, fn);
      return new CudaGraph(index, keepAll(result));
    } catch (error) {
      library.destroyGraph(index);
      throw error;
    } finally {
      library.leaveStream();
    }
  }

  /** Launches the recorded kernels on the current stream and returns at once. */
  replay(): T {
    graphs().replay(this.#index);
    return this.result;
  }

  /** Frees the graph and its result. */
  dispose(): void {
    disposeAll(this.result);
    graphs().destroyGraph(this.#index);
  }
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Runs fn under capture; a capture that has begun must be ended also when fn throws, and then fn's error is the one to tell. */
function recorded<T>(library: NativeGraphs, index: number, fn: () => T): T {
  let result: T;
  try {
    result = scope(fn);
  } catch (error) {
    try {
      library.endCapture(index);
    } catch {
      // CUDA calls a broken capture an error once more
    }
    throw error;
  }
  library.endCapture(index);
  return result;
}
