/**
 * What this process may use of the machine: the host's memory and processors, held to the limits of every cgroup that the process is in, its
 * parents' too (a pod's limit stands above its containers'). Both versions of cgroups, and both at once, are read.
 *
 * Node knows only a part of this: os.freemem() and os.totalmem() are the host's, process.availableMemory() counts files in the page cache as used.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { join, relative } from 'node:path';

export interface Machine {
  /** Bytes that this process and its neighbours in the container may use together. */
  memory: number;
  /** Bytes still to be had without swapping or being killed; files in the page cache count as free, since the kernel gives them up. */
  available: number;
  /** Threads that can run at the same time, at least 1: processors allowed, or the quota of processor time, rounded up. */
  cpus: number;
  /** Folder of the cgroup that holds memory or processors; null where the host does. */
  memoryFrom: string | null;
  cpusFrom: string | null;
}

export interface Host {
  memory: number;
  available: number;
  cpus: number;
}

const host = (): Host => ({ memory: totalmem(), available: freemem(), cpus: availableParallelism() });

/** Limits now; `root` stands in for `/` in tests. */
export function machine({ root = '/', host: bare = host() }: { root?: string; host?: Host } = {}): Machine {
  const found: Machine = { ...bare, memoryFrom: null, cpusFrom: null };
  for (const group of groups(root)) {
    const memory = group.memory();
    if (memory && memory.limit < found.memory) Object.assign(found, { memory: memory.limit, memoryFrom: group.path });
    if (memory) found.available = Math.min(found.available, Math.max(0, memory.limit - memory.used));
    const cpus = Math.max(1, Math.ceil(group.cpus() ?? Infinity));
    if (cpus < found.cpus) Object.assign(found, { cpus, cpusFrom: group.path });
  }
  return found;
}

/** One folder of one hierarchy. */
interface Group {
  path: string;
  /** Bytes; null where it holds no memory. */
  memory(): { limit: number; used: number } | null;
  /** Processors' worth of time, may be a fraction; null where it holds none. */
  cpus(): number | null;
}

/** Every cgroup that this process is in, from its own up to the top of what is mounted, of each hierarchy. */
function groups(root: string): Group[] {
  const mounts = mountsOf(root);
  return lines(join(root, 'proc/self/cgroup')).flatMap((line) => {
    const [id, names, ...rest] = line.split(':');
    const path = rest.join(':');
    const version = id === '0' && names === '' ? 2 : 1;
    const controllers = names.split(',');
    const wanted = version === 2 || controllers.includes('memory') || controllers.includes('cpu');
    const mount = mounts.find(
      (each) => each.version === version && (version === 2 || controllers.some((name) => each.options.includes(name))),
    );
    return mount && wanted ? folders(mount, path).map((folder) => group(root, folder, version)) : [];
  });
}

interface Mount {
  version: 1 | 2;
  /** The cgroup that is mounted, and where. */
  top: string;
  at: string;
  options: string[];
}

/** A line of mountinfo: id parent major:minor root mountpoint options fields... - type source super-options. */
function mountsOf(root: string): Mount[] {
  return lines(join(root, 'proc/self/mountinfo')).flatMap((line) => {
    const [own, other] = line.split(' - ');
    const [, , , top, at] = own.split(' ').map(unescaped);
    const [type, , options = ''] = (other ?? '').split(' ');
    if (type !== 'cgroup' && type !== 'cgroup2') return [];
    return [{ version: type === 'cgroup2' ? 2 : 1, top, at, options: options.split(',') } as Mount];
  });
}

/** mountinfo writes spaces and the like as \040. */
const unescaped = (text: string): string => text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));

/**
 * Folders of a cgroup and of its parents. A container may see the whole path of its cgroup while only that cgroup is mounted; a path that
 * climbs out of what is mounted has nothing to be read above it.
 */
function folders({ top, at }: Mount, path: string): string[] {
  const below = relative(top, path);
  const parts = below.startsWith('..') ? [] : below.split('/').filter(Boolean);
  return parts.map((_, index) => join(at, ...parts.slice(0, parts.length - index))).concat(at);
}

function group(root: string, path: string, version: 1 | 2): Group {
  const text = (name: string) => read(join(root, path, name))?.trim() ?? null;
  const number = (name: string) => limitOf(text(name));
  const stat = (...names: string[]): number =>
    (text('memory.stat') ?? '')
      .split('\n')
      .map((line) => line.split(' '))
      .reduce((sum, [name, value]) => (names.includes(name) ? sum + Number(value) : sum), 0);
  if (version === 2)
    return {
      path,
      memory() {
        const limit = Math.min(number('memory.max') ?? Infinity, number('memory.high') ?? Infinity); // above `high` a process is slowed down until it stands still
        if (limit === Infinity) return null;
        return { limit, used: (number('memory.current') ?? 0) - stat('inactive_file', 'active_file', 'slab_reclaimable') };
      },
      cpus() {
        const [quota, period] = (text('cpu.max') ?? 'max').split(' ');
        return quota === 'max' ? null : Number(quota) / Number(period);
      },
    };
  return {
    path,
    memory() {
      const limit = number('memory.limit_in_bytes');
      if (limit === null) return null;
      return { limit, used: (number('memory.usage_in_bytes') ?? 0) - stat('total_inactive_file', 'total_active_file') };
    },
    cpus() {
      const [quota, period] = [Number(text('cpu.cfs_quota_us') ?? -1), Number(text('cpu.cfs_period_us'))];
      return quota > 0 && period > 0 ? quota / period : null;
    },
  };
}

/** "max", and version 1's number of almost 2^63, are no limit. */
const UNLIMITED = 2 ** 60;

function limitOf(text: string | null): number | null {
  const value = text === null || text === 'max' ? Infinity : Number(text);
  return value < UNLIMITED ? value : null;
}

const lines = (file: string): string[] => (read(file) ?? '').split('\n').filter(Boolean);

/** Null where there is no such file: no Linux, no such controller, a cgroup that ended. */
function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
