/** The devices of this machine and who is on them: jobs ask here for a place before they start. */
import type { DeviceUse } from '../protocol/devices.ts';
import type { WorkbenchError } from '../protocol/errors.ts';
import { listDevices, measured, type Device, type DeviceOptions } from './devices.ts';
import type { Job, Jobs } from './jobs.ts';
import { candidates, impossible, place, type Holder, type Place, type Wish } from './placement.ts';

/** How old the memory that was read last may be. */
const FRESH_MS = 2000;

export class DevicePool {
  readonly #jobs: Jobs;
  #devices: Device[];
  #readAt = -Infinity;

  constructor(jobs: Jobs, options: DeviceOptions & { devices?: readonly Device[] } = {}) {
    this.#jobs = jobs;
    this.#devices = [...(options.devices ?? listDevices(options))];
  }

  get devices(): readonly Device[] {
    return this.#devices;
  }

  /** cuda or cpu: where a job with this wish would be. */
  kindOf(device: string): Device['kind'] {
    return candidates({ device }, this.#devices)[0]?.kind ?? (device.startsWith('cuda') ? 'cuda' : 'cpu');
  }

  /** Why the wish can never be met; null where it can, sooner or later. */
  impossible(wish: Wish): WorkbenchError | null {
    return impossible(wish, this.#devices);
  }

  /** A place now, or why there is none. */
  place(wish: Wish, kept?: ReadonlySet<string>): Place | string {
    const found = place(wish, this.#devices, this.#holders(), kept);
    return typeof found === 'string' ? found : this.#placed(found, wish);
  }

  /** A place beside another job, whatever it is. */
  beside(job: Job, wish: Wish): Place {
    return this.#placed(
      this.#devices.filter(({ id }) => job.on.includes(id)),
      wish,
    );
  }

  /** A place for a job that waits for nobody: the best there is now, else the first that it may have at all. */
  anyhow(wish: Wish): Place {
    const found = this.place(wish);
    return typeof found === 'string' ? this.#placed(candidates(wish, this.#devices).slice(0, wish.devices), wish) : found;
  }

  /** Ids of the devices that the wish may have. */
  candidates(wish: Pick<Wish, 'device'>): string[] {
    return candidates(wish, this.#devices).map(({ id }) => id);
  }

  /** Bytes free on the emptiest device of a kind or name; undefined where that is not known. */
  async mostFree(device: string): Promise<number | undefined> {
    await this.refresh();
    const free = candidates({ device }, this.#devices).flatMap(({ memory_total, memory_used }) =>
      memory_total === null ? [] : [memory_total - (memory_used ?? 0)],
    );
    return free.length > 0 ? Math.max(...free) : undefined;
  }

  /** Reads memory and load, at most every two seconds. */
  async refresh(): Promise<void> {
    if (performance.now() - this.#readAt < FRESH_MS) return;
    this.#readAt = performance.now();
    this.#devices = await measured(this.#devices);
  }

  /** Each device, with who is on it. */
  async use(): Promise<DeviceUse[]> {
    await this.refresh();
    return this.#devices.map((device) => ({
      ...device,
      jobs: this.#jobs
        .all()
        .filter(({ on }) => on.includes(device.id))
        .map(({ kind, id, label, pid, bytes, exclusive, startedAt, heardAt }) => ({
          ...{ kind, id, name: label, pid, bytes, exclusive },
          started_at: startedAt,
          heard_at: heardAt,
        })),
    }));
  }

  #holders(): Holder[] {
    return this.#jobs.all().map(({ kind, label, on, bytes, exclusive, resting }) => ({ kind, name: label, on, bytes, exclusive, resting }));
  }

  #placed(devices: readonly Device[], { bytes, exclusive }: Wish): Place {
    const on = devices.map(({ id }) => id);
    const [first] = devices;
    const several = this.#devices.filter(({ kind }) => kind === 'cpu').length > 1;
    const env: Record<string, string> = first ? { MEDR1_DEVICES: on.join() } : {};
    if (first?.kind === 'cuda') env.CUDA_VISIBLE_DEVICES = devices.map(({ uuid }) => uuid).join();
    // A whole machine is left to PyTorch, which counts its cores itself.
    if (first?.kind === 'cpu' && several) env.OMP_NUM_THREADS = String(first.threads);
    return { on, bytes, exclusive, env };
  }
}
