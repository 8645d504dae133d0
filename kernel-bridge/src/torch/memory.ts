import { native } from './native.ts';

export interface DeviceMemory {
  /** Bytes in tensors. */
  allocated: number;
  /** Bytes that PyTorch holds from the driver. */
  reserved: number;
  /** Most bytes allocated since the start or `resetPeakMemory`. */
  peak: number;
}

export interface MemoryStats {
  /** Live handles. */
  tensors: number;
  /** Bytes of their distinct storages, on all devices; tensors that only the graph holds are not seen. */
  bytes: number;
  /** Null without CUDA. */
  cuda: DeviceMemory | null;
}

/** What is alive now. Two equal counts around a step show that it leaks no handle. */
export function memoryStats(device = 'cuda:0'): MemoryStats {
  const [tensors, bytes] = native.liveStats();
  if (!native.cudaAvailable()) return { tensors, bytes, cuda: null };
  const [allocated = 0, reserved = 0, peak = 0] = native.deviceMemory(device);
  return { tensors, bytes, cuda: { allocated, reserved, peak } };
}

/** Number of CPU threads that one operator uses. */
export const setNumThreads = (n: number): void => native.setNumThreads(n);
export const getNumThreads = (): number => native.getNumThreads();

/** Runs `work` with at most n CPU threads an operator. */
export function withThreads<T>(n: number, work: () => T): T {
  const before = getNumThreads();
  if (before <= n) return work();
  setNumThreads(n);
  try {
    return work();
  } finally {
    setNumThreads(before);
  }
}
