/** One vitest project per suite of `npm test`: `vitest run --project unit`. Forks, not threads: the libtorch addon belongs to a process. */
import { defineConfig } from 'vitest/config';

/** Times are limits for what hangs: a machine that is shared may take ten times as long as an idle one. */
const suite = (name: string, include: string[], options: Record<string, unknown> = {}) => ({
  test: {
    name,
    include,
    pool: 'forks' as const,
    testTimeout: 180_000,
    hookTimeout: 300_000,
    setupFiles: ['test/fixed-seed.ts'],
    env: { MEDR1_CHECK_ANSWERS: '1' }, // servers hold their answers to the table of routes
    ...options,
  },
});

export default defineConfig({
  test: {
    // Two processes at most: each may hold a model, and libtorch threads inside it.
    maxWorkers: 2,
    projects: [
      suite('unit', ['kernel-bridge/{src,native,setup}/**/*.test.ts', 'test/lint/**/*.test.ts']),
      // Models need no page; a test of elements asks for one: @vitest-environment jsdom.
      suite('widgets', ['{widgets,extension}/src/**/*.test.ts']),
      suite('parity', ['test/parity/**/*.test.ts'], { testTimeout: 600_000, hookTimeout: 600_000 }),
      suite('server', ['test/server/**/*.test.ts'], { testTimeout: 300_000 }),
      // Real launchers, one after the other: each takes both cores.
      suite('cluster', ['test/cluster/**/*.test.ts'], { fileParallelism: false }),
      // Its whole takes minutes a row.
      suite('faults', ['test/faults/**/*.test.ts'], { testTimeout: 3_600_000 }),
      suite('e2e', ['test/e2e/**/*.test.ts'], {
        testTimeout: 600_000,
        hookTimeout: 600_000,
        setupFiles: ['test/fixed-seed.ts', 'test/e2e/in-order.ts'],
      }),
    ],
  },
});
