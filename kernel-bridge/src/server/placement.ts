/** Which devices a job gets, given who has them: the rules alone, without processes. device-pool.ts applies them. */
import type { WorkbenchError } from '../protocol/errors.ts';
import { errors } from '../runs/errors.ts';
import type { Device } from './devices.ts';

export type JobKind = 'train' | 'evaluate' | 'answer';

/** What a job needs. */
export interface Wish {
  kind: JobKind;
  /** auto, cpu, cuda, or one of them by number: cuda:3. auto takes a GPU where there is one. */
  device: string;
  /** How many devices. */
  devices: number;
  /** Nobody else is to be on them. */
  exclusive: boolean;
  /** On each of them, by the planner's estimate; 0 where that is not known. */
  bytes: number;
}

/** Who has devices. */
export interface Holder extends Omit<Wish, 'device' | 'devices'> {
  /** As people know it: "run a-b" */
  name: string;
  /** Ids. */
  on: readonly string[];
  /** A paused run: it has lent its turn, not its memory. */
  resting: boolean;
}

/** Where a job is, and what its process is told of it. */
export interface Place {
  on: string[];
  bytes: number;
  exclusive: boolean;
  env: Record<string, string>;
}

/** Those that the wish may have at all. */
export function candidates({ device }: Pick<Wish, 'device'>, devices: readonly Device[]): Device[] {
  if (device.includes(':')) return devices.filter(({ id }) => id === device);
  const kind = device !== 'auto' ? device : devices.some((one) => one.kind === 'cuda') ? 'cuda' : 'cpu';
  return devices.filter((one) => one.kind === kind);
}

/** Why no wait would help; null where one may. */
export function impossible(wish: Wish, devices: readonly Device[]): WorkbenchError | null {
  const able = candidates(wish, devices);
  const all = devices.map(({ id }) => id);
  if (able.length === 0) return errors.noDevice(wish.device, all);
  if (wish.devices > able.length)
    return errors.tooFewDevices(
      wish.devices,
      wish.device,
      able.map(({ id }) => id),
    );
  const share = (device: Device): number => (device.kind === 'cpu' ? wish.bytes * wish.devices : wish.bytes);
  const large = able.filter((device) => device.memory_total === null || device.memory_total >= share(device));
  if (large.length >= wish.devices) return null;
  const most = Math.max(...able.map(({ memory_total }) => memory_total ?? 0));
  return errors.fitsNowhere(
    share(able[0]),
    most,
    able.map(({ id }) => id),
  );
}

/** The devices that the job may have now, the emptiest first; or why it waits. `kept`: devices that those who asked earlier wait for. */
export function place(
  wish: Wish,
  devices: readonly Device[],
  holders: readonly Holder[],
  kept: ReadonlySet<string> = new Set(),
): Device[] | string {
  const reasons = new Set<string>();
  const able = candidates(wish, devices).filter((device) => {
    const why = kept.has(device.id) ? `${device.id} is for those who asked earlier` : obstacle(wish, device, holders);
    if (why !== null) reasons.add(why);
    return why === null;
  });
  if (able.length < wish.devices)
    return wish.devices > 1 && able.length > 0
      ? `waits for ${wish.devices} devices, ${able.length} of them free: ${[...reasons].join(', ')}`
      : `waits: ${[...reasons].join(', ')}`;
  const busy = ({ id }: Device): number => holders.filter((one) => one.on.includes(id) && !one.resting && one.kind !== 'answer').length;
  const order = able.toSorted(
    (a, b) => busy(a) - busy(b) || free(b, holders) - free(a, holders) || devices.indexOf(a) - devices.indexOf(b),
  );
  return order.slice(0, wish.devices);
}

/** Why the device cannot be had now. */
function obstacle(wish: Wish, device: Device, holders: readonly Holder[]): string | null {
  const there = holders.filter(({ on }) => on.includes(device.id));
  const active = there.filter(({ resting, kind }) => !resting && kind !== 'answer');
  const owner = active.find(({ exclusive }) => exclusive);
  if (owner) return `${owner.name} has ${device.id} for itself`;
  if (wish.exclusive && active.length > 0) return `${active[0].name} is on ${device.id}`;
  // What a CPU slot has is its cores: two that train on it would both be slow.
  const rival = device.kind === 'cpu' && wish.kind !== 'answer' ? active.find(({ kind }) => kind === wish.kind) : undefined;
  if (rival) return `${rival.name} is on ${device.id}`;
  const sharers = holders.filter(({ on }) => on.some((id) => sharesMemory(device.id, id)));
  // Memory of programs that are not ours is no reason to wait for ever; the one who starts it was told by the estimate.
  if (device.kind === 'cpu' && sharers.length === 0) return null;
  const needs = device.kind === 'cpu' ? wish.bytes * wish.devices : wish.bytes;
  const has = free(device, sharers);
  return needs <= has ? null : `${gib(needs)} are needed on ${device.id}, ${gib(Math.max(0, has))} are free`;
}

/** Ids of devices: slots of the CPU are cut from one machine. */
export const sharesMemory = (a: string, b: string): boolean => a === b || (a.startsWith('cpu') && b.startsWith('cpu'));

/** Bytes: what is not in use now, nor promised to those who have not taken it yet. */
function free({ id, memory_total, memory_used }: Device, holders: readonly Holder[]): number {
  if (memory_total === null) return Infinity;
  const promised = holders.reduce((sum, { bytes, on }) => sum + bytes * on.filter((one) => sharesMemory(id, one)).length, 0);
  return memory_total - Math.max(promised, memory_used ?? 0);
}

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
