export interface Torch {
  /** Folder of the `torch` package. */
  dir: string;
  version: string;
}

export interface BuildFacts {
  torch: Torch | null;
  /** The built addon, or null. */
  addon: string | null;
  builtFor: Torch | null;
  upToDate: boolean;
  /** Why the addon is to be built, or null. */
  stale: string | null;
  /** Whether the CUDA graph library is built, and whether it could be. */
  cudaGraphs: boolean;
  processGroups: boolean;
  /** Whether tensors of several GPUs can go from one to another. */
  nccl: boolean;
  cudaHeaders: boolean;
}

export class BuildError extends Error {
  readonly remedy: string;
}
export function findTorch(): Torch | null;
export function facts(): BuildFacts;
export function build(options?: { force?: boolean; log?: (line: string) => void }): Promise<{ built: boolean; addon: string }>;

/** Why the device for tests must be built, or null. */
export function testDeviceState(): string | null;
export function buildTestDevice(): Promise<void>;
