/** What the machine trains on, without loading libtorch. */
import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import { promisify } from 'node:util';
import { machine } from '../machine.ts';
import type { ServerInfo } from '../protocol/rest.ts';

type Device = ServerInfo['device'];

const run = promisify(execFile);
const MIB = 1 << 20;
const FRESH_MS = 2000;
let known: { at: number; device: Promise<Device> } | null = null;

/** Bytes and percent; asked anew at most every two seconds, however many pages look. */
export function device(): Promise<Device> {
  if (!known || performance.now() - known.at > FRESH_MS) known = { at: performance.now(), device: gpu().catch(cpu) };
  return known.device;
}

async function gpu(): Promise<Device> {
  const query = '--query-gpu=name,memory.used,memory.total,utilization.gpu';
  const { stdout } = await run('nvidia-smi', [query, '--format=csv,noheader,nounits', ...trainedOn()], { timeout: 5000 });
  const [name, used, total, utilization] = stdout.split('\n')[0].split(', ');
  return {
    kind: 'cuda',
    name,
    memory_used: Number(used) * MIB,
    memory_total: Number(total) * MIB,
    utilization: Number.isFinite(Number(utilization)) ? Number(utilization) : null,
  };
}

/** nvidia-smi lists all GPUs; a run takes the first that CUDA_VISIBLE_DEVICES leaves it, by number or by UUID. */
function trainedOn(): string[] {
  const visible = process.env.CUDA_VISIBLE_DEVICES;
  if (visible === '') throw new Error('CUDA_VISIBLE_DEVICES is empty: runs train on the CPU');
  const first = visible?.split(',')[0].trim() ?? '0';
  return /^(\d+|GPU-[\da-f-]+)$/.test(first) ? ['-i', first] : [];
}

let lastTimes = times();

function cpu(): Device {
  const now = times();
  const total = now.total - lastTimes.total;
  const utilization = total > 0 ? Math.round(100 * (1 - (now.idle - lastTimes.idle) / total)) : null;
  lastTimes = now;
  const { memory, available, cpus: allowed } = machine();
  const cores = `${cpus().length} core${cpus().length === 1 ? '' : 's'}`;
  const name = `${cpus()[0]?.model.trim() ?? 'CPU'} (${allowed < cpus().length ? `${allowed} of ${cores}` : cores})`;
  return { kind: 'cpu', name, memory_used: memory - available, memory_total: memory, utilization };
}

function times(): { idle: number; total: number } {
  const all = cpus().map((core) => core.times);
  const idle = all.reduce((sum, time) => sum + time.idle, 0);
  return { idle, total: all.reduce((sum, time) => sum + time.user + time.nice + time.sys + time.irq + time.idle, 0) };
}
