/** How a process that holds a model is started; jobs.ts is who starts them. */
import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

/**
 * Node's own young generation grows to 48 MiB and more; what lasts here are tensors, which are not on its heap. With semi-spaces of 4 MiB a process is
 * 170 MB smaller at no cost of time that could be measured (docs/benchmarks.md).
 */
export const WORKER_FLAGS: readonly string[] = ['--max-semi-space-size=4'];

interface ForkOptions {
  /** Takes what the process prints. */
  log: string;
  /** In place of what the log held. */
  truncate?: boolean;
  /** Goes on when this process is interrupted from the keyboard; it notices by itself when this one is gone. */
  detached?: boolean;
  /** Variables beside those of this process. */
  env?: Record<string, string>;
}

/** `module` in a process of its own, without this one's secret. */
export function forkWorker(
  module: string | URL,
  args: readonly string[],
  { log, truncate = false, detached = true, env: more = {} }: ForkOptions,
): ChildProcess {
  const { MEDR1_SECRET: _, ...own } = process.env;
  const env = { ...own, ...more };
  const file = openSync(log, truncate ? 'w' : 'a', 0o600);
  try {
    return fork(module, args, { detached, stdio: ['ignore', file, file, 'ipc'], env, execArgv: [...process.execArgv, ...WORKER_FLAGS] });
  } finally {
    closeSync(file);
  }
}
