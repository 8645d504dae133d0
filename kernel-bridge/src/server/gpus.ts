/** Which GPU a run of a pair trains on. */
import { execFileSync } from 'node:child_process';
import type { TrainConfig } from '../protocol/config.ts';

/** GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them: by number or by UUID. None without NVIDIA's driver. */
export function visibleGpus(): string[] {
  const visible = process.env.CUDA_VISIBLE_DEVICES;
  if (visible !== undefined) return named(visible);
  try {
    const found = execFileSync('nvidia-smi', ['--query-gpu=index', '--format=csv,noheader'], {
      timeout: 5000,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return named(String(found).replaceAll('\n', ','));
  } catch {
    return [];
  }
}

const named = (list: string): string[] =>
  list
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');

/** Null where the two of the pair have to share a device: on the CPU, with one GPU, and where each run has several processes. */
export function gpuOfPair(config: Pick<TrainConfig, 'device' | 'processes'>, place: 0 | 1, gpus: () => string[]): string | null {
  if (config.device === 'cpu' || (config.processes ?? 1) > 1) return null;
  const all = gpus();
  return all.length < 2 ? null : all[place];
}
