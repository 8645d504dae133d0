import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { listDevices, measured, parseGpus, visibleOf } from './devices.ts';

const LIST = `GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)
  MIG 1g.5gb      Device  1: (UUID: MIG-b9a1b0c5-8ed8-5c4b-9a3e-fbc18b3b0c11)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-aaaabbbb-0000-0000-0000-000000000001)
GPU 2: NVIDIA A100-SXM4-40GB (UUID: GPU-cccc0000-0000-0000-0000-000000000002)
`;

describe('GPUs', () => {
  const all = parseGpus(LIST);
  const seen = (variable?: string) => visibleOf(all, variable).map(({ uuid }) => uuid.slice(0, 8));

  it('are listed by UUID, one that is cut into slices by its slices', () => {
    expect(all.map(({ index, uuid, memory }) => [index, uuid.slice(0, 8), memory && memory / 2 ** 30])).toEqual([
      [0, 'MIG-c6d4', 20],
      [0, 'MIG-b9a1', 5],
      [1, 'GPU-aaaa', null],
      [2, 'GPU-cccc', null],
    ]);
  });

  it.each([
    [undefined, ['MIG-c6d4', 'MIG-b9a1', 'GPU-aaaa', 'GPU-cccc']],
    ['2,1', ['GPU-cccc', 'GPU-aaaa']],
    ['GPU-aaaa', ['GPU-aaaa']],
    ['MIG-b9a1b0c5-8ed8-5c4b-9a3e-fbc18b3b0c11', ['MIG-b9a1']],
    ['0', ['MIG-c6d4']],
    ['1,7,2', ['GPU-aaaa']],
    ['1,-1,2', ['GPU-aaaa']],
    ['', []],
  ])('are those that CUDA_VISIBLE_DEVICES=%s leaves, in its order, up to the first that names nothing', (variable, uuids) => {
    expect(seen(variable)).toEqual(uuids);
  });

  let dir: string;
  beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'medr1-smi-'))));
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(dir, { recursive: true, force: true });
  });

  it('are numbered from 0 as a process sees them, with the memory of their own', async () => {
    const answers = `#!/bin/sh
case "$1" in
  -L) cat <<'END'
${LIST}END
  ;;
  *) echo "GPU-aaaabbbb-0000-0000-0000-000000000001, 1024, 40960, 7"; echo "GPU-cccc0000-0000-0000-0000-000000000002, 2048, 40960, [N/A]" ;;
esac
`;
    writeFileSync(join(dir, 'nvidia-smi'), answers);
    chmodSync(join(dir, 'nvidia-smi'), 0o755);
    vi.stubEnv('PATH', `${dir}${delimiter}${process.env.PATH}`);
    const devices = listDevices({ cpuSlots: 1, env: { CUDA_VISIBLE_DEVICES: '2,1' } });
    expect(devices.map(({ id, uuid }) => [id, uuid?.slice(0, 8) ?? null])).toEqual([
      ['cuda:0', 'GPU-cccc'],
      ['cuda:1', 'GPU-aaaa'],
      ['cpu:0', null],
    ]);
    const [first, second] = await measured(devices);
    expect(first).toMatchObject({ memory_used: 2 ** 31, memory_total: 40 * 2 ** 30, utilization: null });
    expect(second).toMatchObject({ memory_used: 2 ** 30, utilization: 7 });
  });
});

describe('slots of the CPU', () => {
  const slots = (cpuSlots?: number, env = {}) =>
    listDevices({ cpuSlots, env: { CUDA_VISIBLE_DEVICES: '', ...env } }).map(({ id, threads }) => [id, threads]);

  it('share the cores, or have the threads that OMP_NUM_THREADS says', async () => {
    const { machine } = await import('../machine.ts');
    expect(slots()).toEqual([['cpu:0', machine().cpus]]);
    expect(slots(2, { OMP_NUM_THREADS: '3' })).toEqual([
      ['cpu:0', 3],
      ['cpu:1', 3],
    ]);
    expect(slots(64)[63]).toEqual(['cpu:63', Math.max(1, Math.floor(machine().cpus / 64))]);
  });
});
