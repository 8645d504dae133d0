/**
 * How tensors go from one process's device to another's without the host. For CUDA by NCCL, which a library of the addon's adds to a process group.
 * NCCL refuses two processes on one GPU. **Nothing here has run on GPUs**; the device for tests goes the same way (process-group.test.ts).
 */
import { torchError } from './errors.ts';
import { loadLibrary, readStamp } from './native.ts';

/** Of devices of one type. */
export interface DeviceLinks {
  /** Which device this is on its machine: two processes on one cannot be linked. Throws where this build has no links. */
  identify(index: number): string;
  /** Adds them to a process group. All members call it. `timeout` in ms: of one collective. */
  open(group: string, timeout: number): void;
}

interface NativeNccl extends DeviceLinks {
  setErrorFactory(make: (code: string, message: string) => Error): void;
}

let library: NativeNccl | null = null;
function nccl(): NativeNccl {
  if (library !== null) return library;
  const { noNccl } = readStamp();
  if (noNccl) throw new Error(noNccl);
  library = loadLibrary<NativeNccl>('medr1_nccl');
  library.setErrorFactory(torchError);
  return library;
}

const LINKS = new Map<string, DeviceLinks>([
  ['cuda', { identify: (index) => nccl().identify(index), open: (group, timeout) => nccl().open(group, timeout) }],
]);

/** For a type of device that is not PyTorch's own. */
export const registerLinks = (type: string, links: DeviceLinks): void => void LINKS.set(type, links);

/** Links of this type of device; undefined where its tensors go through the host. */
export const linksOf = (type: string): DeviceLinks | undefined => LINKS.get(type);
