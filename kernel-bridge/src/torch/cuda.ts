import { addonError } from './errors.ts';
import { cudaFailure, native } from './native.ts';

export const cuda = {
  /** Whether tensors can be made on 'cuda'. */
  isAvailable: (): boolean => native.cudaAvailable(),
  deviceCount: (): number => native.deviceCount('cuda'),
  /** Does nothing when CUDA is there; else throws what opening it gave. */
  open(): void {
    if (!native.cudaAvailable()) throw addonError(`no CUDA device: ${cudaFailure ?? 'the driver lists none'}`);
  },
  /** Waits until the device has done all that was queued. */
  synchronize: (device = 'cuda:0'): void => native.synchronize(device),
  /** Gives cached memory back to the driver. */
  emptyCache: (device = 'cuda:0'): void => native.emptyCache(device),
  resetPeakMemory: (device = 'cuda:0'): void => native.resetPeak(device),
} as const;

/** Devices of a type: 'cuda', or the name of a backend that registered itself with PyTorch; 0 where there is none. */
export const deviceCount = (type: string): number => native.deviceCount(type);
