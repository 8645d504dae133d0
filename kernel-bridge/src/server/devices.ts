/**
 * The devices that jobs may have, without loading libtorch: GPUs and slices of GPUs (MIG) that CUDA_VISIBLE_DEVICES leaves this process, in its order,
 * and slots of the CPU. A number is the place among those of its kind, as in PyTorch: cuda:0 is the first that is visible.
 */
import { execFile, execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { promisify } from 'node:util';
import { machine } from '../machine.ts';

export interface Device {
  /** cuda:0, cpu:1 */
  id: string;
  kind: 'cuda' | 'cpu';
  name: string;
  /** By which CUDA_VISIBLE_DEVICES names it; null for a slot of the CPU. */
  uuid: string | null;
  /** Threads of a slot of the CPU; null for a GPU. */
  threads: number | null;
  /** Bytes; null where the driver does not tell. Slots of the CPU share the machine's. */
  memory_total: number | null;
  memory_used: number | null;
  /** Percent. */
  utilization: number | null;
}

export interface DeviceOptions {
  /** Into how many slots the CPU is cut; 1 when left out. */
  cpuSlots?: number;
  env?: Readonly<Record<string, string | undefined>>;
}

const MIB = 1 << 20;
const GIB = 2 ** 30;

export function listDevices({ cpuSlots = 1, env = process.env }: DeviceOptions = {}): Device[] {
  return [...visibleOf(gpus(), env.CUDA_VISIBLE_DEVICES).map(gpuDevice), ...slotsOf(cpuSlots, env)];
}

interface Gpu {
  /** As nvidia-smi numbers it; slices have that of their GPU. */
  index: number;
  name: string;
  uuid: string;
  memory: number | null;
}

/** None without NVIDIA's driver. */
function gpus(): Gpu[] {
  try {
    return parseGpus(String(execFileSync('nvidia-smi', ['-L'], { timeout: 5000, stdio: ['ignore', 'pipe', 'ignore'] })));
  } catch {
    return [];
  }
}

/**
 * What `nvidia-smi -L` lists. A GPU that is cut into slices stands for them alone: CUDA gives a process no other part of it.
 *
 *     GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5b...)
 *       MIG 3g.20gb     Device  0: (UUID: MIG-c6d4...)
 */
export function parseGpus(text: string): Gpu[] {
  const found: Gpu[] = [];
  let whole: Gpu | null = null;
  for (const line of text.split('\n')) {
    const gpu = /^GPU (\d+): (.+) \(UUID: (GPU-[^)]+)\)/.exec(line);
    const slice = /^\s+MIG (\S+)\s+Device\s+\d+: \(UUID: (MIG-[^)]+)\)/.exec(line);
    if (gpu) found.push((whole = { index: Number(gpu[1]), name: gpu[2], uuid: gpu[3], memory: null }));
    if (!slice || !whole) continue;
    if (found.at(-1) === whole) found.pop();
    const gigabytes = /(\d+)gb/.exec(slice[1]);
    const memory = gigabytes ? Number(gigabytes[1]) * GIB : null;
    found.push({ index: whole.index, name: `${whole.name} MIG ${slice[1]}`, uuid: slice[2], memory });
  }
  return found;
}

/** As CUDA reads the variable: numbers and (beginnings of) UUIDs, in this order, up to the first that names nothing. */
export function visibleOf(all: readonly Gpu[], variable: string | undefined): Gpu[] {
  if (variable === undefined) return [...all];
  const seen: Gpu[] = [];
  for (const name of variable.split(',').map((one) => one.trim())) {
    const found = all.find(({ index, uuid }) => (/^\d+$/.test(name) ? index === Number(name) : name !== '' && uuid.startsWith(name)));
    if (!found || seen.includes(found)) break;
    seen.push(found);
  }
  return seen;
}

const gpuDevice = ({ name, uuid, memory }: Gpu, at: number): Device => ({
  id: `cuda:${at}`,
  kind: 'cuda',
  name,
  uuid,
  threads: null,
  memory_total: memory,
  memory_used: null,
  utilization: null,
});

function slotsOf(count: number, env: DeviceOptions['env']): Device[] {
  const { cpus: cores, memory, available } = machine();
  const threads = Math.max(1, Math.floor(Number(env?.OMP_NUM_THREADS) || cores / count));
  const name = cpus()[0]?.model.trim() ?? 'CPU';
  const facts = { name, uuid: null, threads, memory_total: memory, memory_used: memory - available, utilization: null };
  return Array.from({ length: count }, (_, at) => ({ id: `cpu:${at}`, kind: 'cpu', ...facts }));
}

const run = promisify(execFile);

/** The same devices with their memory and load as they are now. */
export async function measured(devices: readonly Device[]): Promise<Device[]> {
  const gpuFacts = devices.some(({ uuid }) => uuid?.startsWith('GPU-')) ? await readGpus() : new Map<string, Partial<Device>>();
  const { memory, available } = machine();
  return devices.map((device) =>
    device.kind === 'cpu'
      ? { ...device, memory_total: memory, memory_used: memory - available }
      : { ...device, ...gpuFacts.get(device.uuid!) },
  );
}

async function readGpus(): Promise<Map<string, Partial<Device>>> {
  const query = '--query-gpu=uuid,memory.used,memory.total,utilization.gpu';
  try {
    const { stdout } = await run('nvidia-smi', [query, '--format=csv,noheader,nounits'], { timeout: 5000 });
    const known = (text: string, unit: number): number | null => (Number.isFinite(Number(text)) ? Number(text) * unit : null);
    return new Map(
      stdout
        .trim()
        .split('\n')
        .map((line) => {
          const [uuid, used, total, load] = line.split(', ');
          return [uuid, { memory_used: known(used, MIB), memory_total: known(total, MIB), utilization: known(load, 1) }];
        }),
    );
  } catch {
    return new Map(); // what was known before stays
  }
}
