import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { machine } from './machine.ts';

const GIB = 2 ** 30;
const HOST = { memory: 256 * GIB, available: 200 * GIB, cpus: 64 };
let root: string;
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), 'medr1-machine-'))));
afterEach(() => rmSync(root, { recursive: true }));

/** Writes files of a made /proc and /sys. */
function made(files: Record<string, string | number>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), `${content}\n`);
  }
}
const seen = () => machine({ root, host: HOST });

const V2 = '30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate';
const V1 = (top: string) =>
  ['cpu,cpuacct', 'memory']
    .map((names, index) => `${32 + index} 31 0:${29 + index} ${top} /sys/fs/cgroup/${names} rw,relatime - cgroup cgroup rw,${names}`)
    .join('\n');

describe('cgroups, version 2', () => {
  it('a container in a namespace of its own sees its limits at the top', () => {
    made({
      'proc/self/cgroup': '0::/',
      'proc/self/mountinfo': V2,
      'sys/fs/cgroup/memory.max': 8 * GIB,
      'sys/fs/cgroup/memory.current': 5 * GIB,
      'sys/fs/cgroup/memory.stat': `anon ${3 * GIB}\ninactive_file ${GIB}\nactive_file ${GIB / 2}\nslab_reclaimable 1024\nshmem 77`,
      'sys/fs/cgroup/cpu.max': '350000 100000',
    });
    expect(seen()).toEqual({
      memory: 8 * GIB,
      available: 8 * GIB - (5 * GIB - 1.5 * GIB - 1024),
      cpus: 4,
      memoryFrom: '/sys/fs/cgroup',
      cpusFrom: '/sys/fs/cgroup',
    });
  });

  it('the tightest of the parents holds, and the room left is the least of all', () => {
    made({
      'proc/self/cgroup': '0::/kubepods/pod1/trainer',
      'proc/self/mountinfo': V2,
      'sys/fs/cgroup/kubepods/memory.max': 'max',
      'sys/fs/cgroup/kubepods/cpu.max': '800000 100000',
      'sys/fs/cgroup/kubepods/pod1/memory.max': 16 * GIB,
      'sys/fs/cgroup/kubepods/pod1/memory.current': 15 * GIB, // a neighbour in the pod took it
      'sys/fs/cgroup/kubepods/pod1/cpu.max': '200000 100000',
      'sys/fs/cgroup/kubepods/pod1/trainer/memory.max': 12 * GIB,
      'sys/fs/cgroup/kubepods/pod1/trainer/memory.current': 2 * GIB,
      'sys/fs/cgroup/kubepods/pod1/trainer/cpu.max': 'max 100000',
    });
    expect(seen()).toEqual({
      memory: 12 * GIB,
      available: GIB,
      cpus: 2,
      memoryFrom: '/sys/fs/cgroup/kubepods/pod1/trainer',
      cpusFrom: '/sys/fs/cgroup/kubepods/pod1',
    });
  });

  it('memory.high counts, since a process above it is slowed down until it stands still', () => {
    made({
      'proc/self/cgroup': '0::/user.slice/job 1',
      'proc/self/mountinfo': V2.replace('/sys/fs/cgroup', '/sys/fs/c\\040group'),
      'sys/fs/c group/user.slice/job 1/memory.max': 32 * GIB,
      'sys/fs/c group/user.slice/job 1/memory.high': 24 * GIB,
      'sys/fs/c group/user.slice/job 1/memory.current': 4 * GIB,
    });
    expect(seen()).toMatchObject({ memory: 24 * GIB, available: 20 * GIB, memoryFrom: '/sys/fs/c group/user.slice/job 1' });
  });
});

describe('cgroups, version 1', () => {
  it('a container sees the path of its cgroup on the host while that cgroup is what is mounted', () => {
    made({
      'proc/self/cgroup': '5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n1:name=systemd:/docker/abc',
      'proc/self/mountinfo': V1('/docker/abc'),
      'sys/fs/cgroup/memory/memory.limit_in_bytes': 4 * GIB,
      'sys/fs/cgroup/memory/memory.usage_in_bytes': 3 * GIB,
      'sys/fs/cgroup/memory/memory.stat': `inactive_file 1\ntotal_inactive_file ${GIB}\ntotal_active_file ${GIB / 4}`,
      'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': 50_000,
      'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': 100_000,
    });
    expect(seen()).toEqual({
      memory: 4 * GIB,
      available: 2.25 * GIB,
      cpus: 1,
      memoryFrom: '/sys/fs/cgroup/memory',
      cpusFrom: '/sys/fs/cgroup/cpu,cpuacct',
    });
  });

  it('parents hold, a job of Slurm for example; a version 2 hierarchy beside it says nothing', () => {
    made({
      'proc/self/cgroup': '5:cpu,cpuacct:/\n4:memory:/slurm/job_7/step_0\n0::/slurm/job_7',
      'proc/self/mountinfo': `${V1('/')}\n${V2.replace('/sys/fs/cgroup', '/sys/fs/cgroup/unified')}`,
      'sys/fs/cgroup/memory/slurm/job_7/memory.limit_in_bytes': 10 * GIB,
      'sys/fs/cgroup/memory/slurm/job_7/memory.usage_in_bytes': 9 * GIB,
      'sys/fs/cgroup/memory/slurm/job_7/step_0/memory.limit_in_bytes': '9223372036854771712',
      'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': -1,
      'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': 100_000,
    });
    expect(seen()).toMatchObject({ memory: 10 * GIB, available: GIB, cpus: 64, memoryFrom: '/sys/fs/cgroup/memory/slurm/job_7' });
  });
});

it('without limits, without cgroups and with a path that climbs out of the mount the host is what there is', () => {
  const bare = { ...HOST, memoryFrom: null, cpusFrom: null };
  expect(seen()).toEqual(bare);
  made({ 'proc/self/cgroup': '0::/../../other', 'proc/self/mountinfo': V2, 'sys/fs/cgroup/cpu.max': 'max 100000' });
  expect(seen()).toEqual(bare);
});

it('a limit above what the host has changes nothing, and the host may have less left than the limit', () => {
  made({
    'proc/self/cgroup': '0::/a',
    'proc/self/mountinfo': V2,
    'sys/fs/cgroup/a/memory.max': 300 * GIB,
    'sys/fs/cgroup/a/memory.current': GIB,
    'sys/fs/cgroup/a/cpu.max': '9900000 100000',
  });
  expect(seen()).toEqual({ ...HOST, memoryFrom: null, cpusFrom: null });
});
