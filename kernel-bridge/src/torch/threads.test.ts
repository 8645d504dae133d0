import { expect, it, vi } from 'vitest';

it('PyTorch takes as many threads as the container has processor time for, unless OMP_NUM_THREADS says', async () => {
  vi.doMock('../machine.ts', () => ({ machine: () => ({ cpus: 1 }) }));
  vi.stubEnv('OMP_NUM_THREADS', undefined);
  const limited = await import('./memory.ts');
  expect(limited.getNumThreads()).toBe(1);

  limited.setNumThreads(2);
  vi.resetModules();
  vi.stubEnv('OMP_NUM_THREADS', '2');
  const asked = await import('./memory.ts');
  expect(asked.getNumThreads()).toBe(2);
});
