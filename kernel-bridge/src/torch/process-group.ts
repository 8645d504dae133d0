/**
 * Process groups of torch.distributed (c10d): Gloo on CPUs and, beside it, the links of a device (NCCL on GPUs). The addon's second library opens a
 * group; its collectives are operators of the dispatcher. All members call the same collectives in the same order. Every call blocks this thread until
 * all members have called it, at most for the group's timeout.
 */
import { hostname } from 'node:os';
import { deserialize, serialize } from 'node:v8';
import { WorkbenchError } from '../protocol/errors.ts';
import { tensor } from './create.ts';
import { linksOf } from './device-links.ts';
import { itemSize } from './dtypes.ts';
import { torchError } from './errors.ts';
import { loadLibrary, readStamp } from './native.ts';
import { collectives, torch } from './ops.ts';
import { keep, scope } from './scope.ts';
import { storeAnswers } from './store-greeting.ts';
import type { Tensor } from './tensor.ts';

/** What native/c10d exports. */
interface NativeGroups {
  setErrorFactory(make: (code: string, message: string) => Error): void;
  openByFile(name: string, rank: number, size: number, timeout: number, file: string, host: string): void;
  openByTcp(name: string, rank: number, size: number, timeout: number, address: string, port: number, isServer: boolean): void;
  limitGroup(name: string, timeout: number): void;
  closeGroup(name: string): void;
}

/** Where the members of a group find each other: a file that all can write, or a TCP port that one of them (or an agent of torchrun) serves. */
export type Rendezvous =
  { file: string; host: string } | { address: string; port: number; /** Whether this process serves the port. */ serves: boolean };

export interface GroupOptions {
  /** One name for one group on all its members. */
  name: string;
  rank: number;
  size: number;
  /** How long a member waits for the others in one collective, in seconds. */
  timeout: number;
  rendezvous: Rendezvous;
}

let library: NativeGroups | null = null;

/** Why this build has no process groups, or null. */
export function processGroupFailure(): string | null {
  const { noProcessGroups } = readStamp();
  return noProcessGroups ?? null;
}

function groups(): NativeGroups {
  if (library === null) {
    const failure = processGroupFailure();
    if (failure !== null)
      throw new WorkbenchError({
        code: 'RANKS_UNAVAILABLE',
        message: `Runs of several processes need PyTorch's process groups, and this PyTorch could not build them: ${failure}.`,
        remedy: 'Train in one process, or set up with PyTorch 2.11 (npm start does it).',
      });
    library = loadLibrary<NativeGroups>('medr1_c10d');
    library.setErrorFactory(torchError);
  }
  return library;
}

/**
 * How long a collective between devices may take, in seconds. Members agree through the host before they begin one, so that what is waited for there is
 * the link alone: a member that is gone is not always seen by it.
 */
const LINK_TIMEOUT_S = 30;

/** A collective that failed: a member is gone, or did not come within the timeout. `what` names the collective. */
function lost({ rank, size, timeout }: GroupOptions, what: string, cause: unknown): WorkbenchError {
  const words = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
  const late = /timed? ?out/i.test(words);
  return new WorkbenchError({
    code: 'RANK_LOST',
    message: late
      ? `Rank ${rank} of ${size} waited ${timeout} s (ddp_timeout) for another process of the run in ${what}, and it did not come.`
      : `Rank ${rank} of ${size} lost another process of the run in ${what}: ${words}`,
    remedy:
      'Look at the logs of the other processes for what ended or stopped them, then resume the run: it goes on from its last checkpoint.',
    cause,
  });
}

function notMet({ rank, size, timeout, rendezvous }: GroupOptions, why: string, waited: boolean, cause?: unknown): WorkbenchError {
  const at = 'file' in rendezvous ? rendezvous.file : `${rendezvous.address}:${rendezvous.port}`;
  return new WorkbenchError({
    code: 'RANK_RENDEZVOUS',
    message: `Rank ${rank} of ${size} did not meet the other processes at ${at}${waited ? ` within ${timeout} s` : ''}: ${why}`,
    remedy:
      'Check that all processes were started, that WORLD_SIZE is their number, and that MASTER_ADDR and MASTER_PORT are reachable and free. Where processes come later than that, raise ddp_join_timeout.',
    cause,
  });
}

export class ProcessGroup implements Disposable {
  readonly rank: number;
  readonly size: number;
  #options: GroupOptions;
  /** Time spent in collectives since it was last read, in seconds. */
  #waited = 0;
  /** Type of the devices between which tensors go without the host. */
  #linked: string | null = null;

  /**
   * Waits until all members are there.
   * @throws WorkbenchError RANKS_UNAVAILABLE, RANK_RENDEZVOUS
   */
  constructor(options: GroupOptions) {
    const { name, rank, size, timeout, rendezvous } = options;
    const native = groups();
    this.#options = options;
    this.rank = rank;
    this.size = size;
    const ms = Math.round(timeout * 1000);
    const began = performance.now();
    try {
      if ('file' in rendezvous) native.openByFile(name, rank, size, ms, rendezvous.file, rendezvous.host);
      else native.openByTcp(name, rank, size, ms, rendezvous.address, rendezvous.port, rendezvous.serves);
    } catch (cause) {
      throw notMet(options, (cause as Error).message.split('\n')[0], performance.now() - began > 0.9 * ms, cause);
    }
  }

  /**
   * Makes sure that a port which another process is to serve is not another program's, and opens the group.
   * @throws WorkbenchError RANKS_UNAVAILABLE, RANK_RENDEZVOUS
   */
  static async meet(options: GroupOptions): Promise<ProcessGroup> {
    const { rendezvous, timeout } = options;
    if ('port' in rendezvous && !rendezvous.serves) {
      groups();
      const answers = await storeAnswers(rendezvous.address, rendezvous.port, timeout);
      if (answers === null) throw notMet(options, 'nobody listens there', true);
      if (!answers) throw notMet(options, 'another program has taken that port', false);
    }
    return new ProcessGroup(options);
  }

  /**
   * All members call it, each with the device that its tensors are on. Where each has one of its own, of a type that has links, tensors on it go from
   * device to device from now on; else through the host. Returns why not, or null.
   */
  useDevice(device: string): string | null {
    const seen = this.gather(identify(device));
    const without = seen.findIndex(({ name }) => name === null);
    if (without !== -1) return `rank ${without}: ${seen[without].why}`;
    const second = seen.findIndex(({ name }, rank) => seen.findIndex((one) => one.name === name) !== rank);
    if (second !== -1) return `rank ${second} is on a device that another rank is on`;
    const [type] = device.split(':');
    if (seen.some((one) => one.type !== type)) return 'the ranks are on devices of several types';
    linksOf(type)!.open(this.#options.name, LINK_TIMEOUT_S * 1000);
    this.#linked = type;
    return null;
  }

  #call(what: string, start: () => Tensor, limit = this.#options.timeout): Tensor {
    const begin = performance.now();
    try {
      return collectives.wait_tensor(start());
    } catch (cause) {
      throw lost({ ...this.#options, timeout: limit }, what, cause);
    } finally {
      this.#waited += (performance.now() - begin) / 1000;
    }
  }

  /** Seconds spent in collectives since the last reading: waiting for others, and moving bytes. */
  readWaited(): number {
    const seconds = this.#waited;
    this.#waited = 0;
    return seconds;
  }

  /** Tensors [n] of all members, one after another: [size * n]. */
  allGather(input: Tensor): Tensor {
    return this.#move('all_gather', input, (bytes) => collectives.all_gather_into_tensor(bytes, this.size, this.#options.name));
  }

  /** Part r of the input [size * n] goes to member r; the result [size * n] holds what each member sent here. */
  allToAll(input: Tensor): Tensor {
    return this.#move('all_to_all', input, (bytes) => {
      const part = Array<number>(this.size).fill(bytes.numel / this.size);
      return collectives.all_to_all_single(bytes, part, part, this.#options.name);
    });
  }

  /** The tensor of member `from`, of that shape and dtype, on member 0; null elsewhere. Other members' `tensor` is not looked at. The caller frees it. */
  toFirst(from: number, tensor: Tensor | null, { shape, dtype }: Pick<Tensor, 'shape' | 'dtype'>): Tensor | null {
    const count = shape.reduce((product, n) => product * n, 1) * itemSize(dtype);
    const made = scope(() => {
      const bytes = this.rank === from ? bytesOf(tensor!) : torch.empty([0], { dtype: 'uint8' });
      const split = (member: number, holder: number) =>
        Array.from({ length: this.size }, (_, other) => (this.rank === holder && other === member ? count : 0));
      const came = this.#call('all_to_all', () => collectives.all_to_all_single(bytes, split(from, 0), split(0, from), this.#options.name));
      return this.rank === 0 ? torch.reshape(torch.view(came, dtype), shape) : null;
    });
    return made && keep(made);
  }

  /** Moves bytes, for backends do not know all dtypes; Gloo knows tensors of the host alone. */
  #move(what: string, input: Tensor, start: (bytes: Tensor) => Tensor): Tensor {
    const linked = input.device.split(':')[0] === this.#linked;
    const moved = linked
      ? this.#call(what, () => start(bytesOf(input, input.device)), LINK_TIMEOUT_S)
      : this.#call(what, () => start(bytesOf(input)));
    return torch.view(moved, input.dtype).to({ device: input.device });
  }

  /** What each member gave, by rank. Anything that structured cloning takes. */
  gather<T>(value: T): T[] {
    const mine = serialize(value);
    return scope(() => {
      const lengths = Array.from(this.allGather(tensor([mine.length], { dtype: 'int64' })).data() as BigInt64Array, Number);
      const longest = Math.max(...lengths);
      const padded = new Uint8Array(longest);
      padded.set(mine);
      const all = this.allGather(tensor(padded, { dtype: 'uint8' })).data() as Uint8Array;
      return lengths.map((length, rank) => deserialize(all.subarray(rank * longest, rank * longest + length)) as T);
    });
  }

  /** The value of rank 0; what the others give is not looked at. */
  broadcast<T>(value: T): T {
    return this.gather(this.rank === 0 ? value : null)[0] as T;
  }

  /**
   * Part r of the input [size * n] goes to member r, which gets the sum of its part over all members [n], in the order of a binary tree over ranks:
   * ((0 + 1) + (2 + 3)). `size` is a power of two. Gloo's own reduce-scatter adds in an order that depends on place and size. The caller frees it.
   */
  reduceScatter(input: Tensor): Tensor {
    return keep(
      scope(() => {
        const parts = torch.unbind(torch.view(this.allToAll(input), [this.size, input.numel / this.size]));
        return treeSum(parts, (a, b) => torch.add(a, b));
      }),
    );
  }

  /** How long a member waits for the others from now on, in seconds. */
  limit(timeout: number): void {
    this.#options = { ...this.#options, timeout };
    groups().limitGroup(this.#options.name, Math.round(timeout * 1000));
  }

  [Symbol.dispose](): void {
    library?.closeGroup(this.#options.name);
  }
}

/** What tells this device from all others, on all machines; null, with the reason, where it has no links. */
function identify(device: string): { type: string; name: string | null; why?: string } {
  const [type, index] = device.split(':');
  try {
    const name = linksOf(type)?.identify(Number(index ?? 0));
    return name === undefined ? { type, name: null, why: `${type} has no links of its own` } : { type, name: `${hostname()} ${name}` };
  } catch (error) {
    return { type, name: null, why: (error as Error).message };
  }
}

/** The bytes of a tensor, on that device: [numel * bytes of an element] uint8. */
const bytesOf = (t: Tensor, device = 'cpu'): Tensor => torch.view(torch.reshape(t.detach().to({ device }), [-1]), 'uint8');

/** ((0 + 1) + (2 + 3)): neighbours first. The number of values is a power of two. */
export function treeSum<T>(values: readonly T[], add: (a: T, b: T) => T): T {
  let level = [...values];
  while (level.length > 1) level = level.flatMap((value, i) => (i % 2 === 0 ? [add(value, level[i + 1])] : []));
  return level[0];
}
