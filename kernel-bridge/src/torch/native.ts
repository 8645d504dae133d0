import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { sourcesKey } from '../../native/sources.mjs';
import { machine } from '../machine.ts';
import { addonError, torchError } from './errors.ts';

/** A tensor's place in the native handle table; -1 stands for none. */
export type Id = number;
/** A file mapped into memory, kept by the tensors that read from it. */
export type Mapping = { readonly mapping: unique symbol };

/** What the addon exports. Ids only: who frees them is decided in scope.ts. */
export interface Native {
  setErrorFactory(make: (code: string, message: string) => Error): void;
  builtFor(): string;
  config(): string;

  packetNames(): string[];
  schemas(packet: number): string[];
  setBuffer(buffer: ArrayBuffer): void;
  intern(value: string): number;
  stringAt(index: number): string;
  /** Id of the single tensor returned; -1: the result is in the buffer; -10 - i: it is positional argument i. */
  call(packet: number, positional: number, keywords: number): number;
  callOverload(packet: number, positional: number, keywords: number, overload: string): number;

  fromBytes(data: ArrayBufferView, dtype: string, shape: number[], device: string): Id;
  toBytes(id: Id): ArrayBuffer;
  item(id: Id): number | boolean;
  sizes(id: Id): number[];
  strides(id: Id): number[];
  dtype(id: Id): string;
  device(id: Id): string;
  numel(id: Id): number;
  alias(id: Id): Id;
  release(ids: Int32Array, count: number): void;
  liveStats(): [tensors: number, bytes: number];

  requiresGrad(id: Id): boolean;
  isLeaf(id: Id): boolean;
  setRequiresGrad(id: Id, value: boolean): void;
  grad(id: Id): Id;
  setGrad(id: Id, gradient: Id): void;
  setGradMode(enabled: boolean): boolean;
  gradMode(): boolean;
  backward(outputs: Id[], gradients: Id[], retainGraph: boolean | null, createGraph: boolean): void;
  gradients(outputs: Id[], inputs: Id[], gradients: Id[], retainGraph: boolean | null, createGraph: boolean, allowUnused: boolean): Id[];
  attach(inputs: Id[], outputs: Id[], saved: Id[], backward: (saved: Id[], gradients: Id[]) => Id[]): Id[];
  setBackwardThread(always: boolean): void;

  newGenerator(device: string, seed: number): number;
  releaseGenerator(generator: number): void;
  defaultGenerator(device: string): number;
  manualSeed(seed: number): void;
  seedGenerator(generator: number, seed: number): void;
  generatorState(generator: number): Id;
  setGeneratorState(generator: number, state: Id): void;
  setNumThreads(n: number): void;
  getNumThreads(): number;

  mapFile(path: string): Mapping;
  mapTensor(mapping: Mapping, offset: number, dtype: string, shape: number[]): Id;

  openLibrary(path: string): string | null;
  cudaAvailable(): boolean;
  deviceCount(type: string): number;
  synchronize(device: string): void;
  deviceMemory(device: string): number[];
  emptyCache(device: string): void;
  resetPeak(device: string): void;

  traceStart(): void;
  traceStop(file: string): void;
  spanBegin(name: string): void;
  spanEnd(): void;
}

/** native/build.mjs puts it there; MEDR1_BUILD names another folder. */
const buildDir = process.env.MEDR1_BUILD ? pathToFileURL(`${process.env.MEDR1_BUILD}/`) : new URL('../../native/build/', import.meta.url);

/** What the build leaves beside the addon. */
export interface Stamp {
  torch: { dir: string; version: string };
  /** Of what sources it was built. */
  sources?: string;
  /** Why the library of process groups could not be built; null when it was. */
  noProcessGroups?: string | null;
  /** The same of NCCL's. */
  noNccl?: string | null;
}

export function readStamp(): Stamp {
  try {
    return JSON.parse(readFileSync(new URL('stamp.json', buildDir), 'utf8')) as Stamp;
  } catch (cause) {
    throw addonError('the libtorch addon is not built', cause);
  }
}

/**
 * Refuses an addon of other sources than those here, as `git pull` leaves it: operators would be missing or compute otherwise. And a PyTorch
 * that was exchanged after the build: the C++ ABI holds for one version only.
 */
export function checkBuild({ torch: { dir, version }, sources }: Stamp): void {
  if (sources !== sourcesKey())
    throw addonError('the libtorch addon is out of date: kernel-bridge/native has changed since it was built (by git pull, or by hand)');
  const file = `${dir}/version.py`;
  const found = existsSync(file) ? /__version__ = '([^']+)'/.exec(readFileSync(file, 'utf8'))?.[1] : undefined;
  if (found !== version) throw addonError(`the libtorch addon was built for PyTorch ${version}; ${dir} now holds ${found ?? 'none'}`);
}

/**
 * OpenMP reads this when libtorch is loaded. Threads that spin while they wait cost a small model three times its step where
 * anything else (a browser, JupyterLab) wants a core; see docs/benchmarks.md.
 */
process.env.OMP_WAIT_POLICY ??= 'PASSIVE';

/** Loads a library of native/build, e.g. `medr1_torch`. */
export function loadLibrary<T>(name: string): T {
  try {
    return createRequire(import.meta.url)(fileURLToPath(new URL(`${name}.node`, buildDir))) as T;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw addonError(`the libtorch addon ${name} cannot be loaded: ${reason}`, cause);
  }
}

function load(): Native {
  checkBuild(readStamp());
  const native = loadLibrary<Native>('medr1_torch');
  native.setErrorFactory(torchError);
  // PyTorch counts the host's processors: threads beyond a container's quota take each other's time.
  if (!process.env.OMP_NUM_THREADS) native.setNumThreads(Math.min(native.getNumThreads(), machine().cpus));
  return native;
}

/**
 * Opens PyTorch's CUDA library. PyTorch asks for its devices once and remembers the answer, so this runs right after
 * loading, and only where an NVIDIA driver is: opening costs a second and half a gigabyte of address space.
 * Set CUDA_VISIBLE_DEVICES= (empty) to stay on the CPU.
 */
function openCuda(native: Native): string | null {
  process.env.CUDA_DEVICE_ORDER ??= 'PCI_BUS_ID'; // numbers as nvidia-smi gives them
  if (process.env.CUDA_VISIBLE_DEVICES === '') return 'CUDA_VISIBLE_DEVICES is empty';
  const driver = native.openLibrary('libcuda.so.1');
  if (driver !== null) return driver;
  const library = `${readStamp().torch.dir}/lib/libtorch_cuda.so`;
  if (!existsSync(library)) return `this PyTorch has no ${library}`;
  return native.openLibrary(library);
}

export const native: Native = load();

/** Why CUDA is not there, or null. */
export const cudaFailure = openCuda(native);

/** Which addon this is: of what sources and for which PyTorch. Two processes that compute together need the same. */
export function addonName(): string {
  const { sources, torch } = readStamp();
  return `${sources} for PyTorch ${torch.version}`;
}
