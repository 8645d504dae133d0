import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

let dir: string;

/** A machine with two GPUs, as its nvidia-smi tells. */
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'medr1-smi-'));
  const script = `#!/bin/sh
case "$*" in
  *"-i 1") echo "Second, 2048, 81559, 40" ;;
  *"-i 0") echo "First, 1024, 81559, [N/A]" ;;
  *"-i "*) exit 6 ;;
  *) echo "First, 1024, 81559, 7"; echo "Second, 2048, 81559, 40" ;;
esac
`;
  writeFileSync(join(dir, 'nvidia-smi'), script);
  chmodSync(join(dir, 'nvidia-smi'), 0o755);
  vi.stubEnv('PATH', `${dir}${delimiter}${process.env.PATH}`);
  vi.resetModules(); // an answer is kept for two seconds
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true, force: true });
});

const shown = async (visible: string | undefined) => {
  vi.stubEnv('CUDA_VISIBLE_DEVICES', visible);
  const { device } = await import('./device.ts');
  return device();
};

it.each([
  [undefined, 'First'],
  ['1', 'Second'],
  ['1,0', 'Second'],
  ['MIG-1c2d', 'First'],
])('is the GPU that a run takes: CUDA_VISIBLE_DEVICES %s', async (visible, name) => {
  expect(await shown(visible)).toMatchObject({ kind: 'cuda', name, memory_total: 81559 * 2 ** 20 });
});

it('gives bytes and percent, and null for what the driver does not know', async () => {
  expect(await shown('0')).toEqual({ kind: 'cuda', name: 'First', memory_used: 2 ** 30, memory_total: 81559 * 2 ** 20, utilization: null });
});

it.each([
  ['no GPU is left to runs', ''],
  ['the one named is not there', '7'],
])('is the CPU where %s', async (_, visible) => expect((await shown(visible)).kind).toBe('cpu'));

it("the CPU's memory and cores are those that the container may use, and so is what the planner counts with", async () => {
  const GIB = 2 ** 30;
  vi.doMock('../machine.ts', () => ({ machine: () => ({ memory: 8 * GIB, available: 3 * GIB, cpus: 1 }) }));
  const { cpus } = await import('node:os');
  const found = await shown('');
  vi.doUnmock('../machine.ts');
  expect(found).toMatchObject({ kind: 'cpu', memory_total: 8 * GIB, memory_used: 5 * GIB });
  expect(found.name).toContain(cpus().length > 1 ? `(1 of ${cpus().length} cores)` : '(1 core)');
});
