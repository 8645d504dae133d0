/**
 * A device that is not the CPU and needs no hardware (native/test-device), for tests of what a GPU would run. Importing this registers it, before
 * PyTorch is asked for its devices. It is as strict as a GPU: the host cannot reach its memory, and operators refuse tensors of two devices.
 */
import { registerLinks } from '../device-links.ts';
import { loadLibrary, native } from '../native.ts';

export const TEST_DEVICE = 'testing:0';

/** PyTorch's interface for the memory of such a device is there from 2.9 on. */
const [major, minor] = native.builtFor().split('.').map(Number);
export const hasTestDevice = major > 2 || minor >= 9;

export interface Crossings {
  /** Copies of tensors to the device. */
  toDevice: number;
  /** Copies to the host; each waits for the device. */
  toHost: number;
  /** Single values, or shapes, that the host waited for. */
  values: number;
}

const device = hasTestDevice ? loadLibrary<{ takeCounts(): number[]; openLinks(group: string): void }>('medr1_test_device') : null;
// Each process has a device of its own, whatever its number.
if (device) registerLinks('testing', { identify: () => `of process ${process.pid}`, open: (group) => device.openLinks(group) });

/** What crossed between host and device since the last call. */
export function crossings(): Crossings {
  const [toDevice, toHost, values] = device?.takeCounts() ?? [0, 0, 0];
  return { toDevice, toHost, values };
}
