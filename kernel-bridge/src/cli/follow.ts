/** `medr1 train` in a process that a launcher started as rank 1 or above: it makes the steps of rank 0's run and writes nothing. */
import { fork } from 'node:child_process';
import { WORKER_FLAGS } from '../server/fork-worker.ts';
import { launchVariable, type Launch } from '../worker/launch.ts';

/** Resolves when the run is over; the exit code is that of the process that trained. */
export function followHere(launch: Launch): Promise<void> {
  const child = fork(new URL('../worker/rank-main.ts', import.meta.url), [], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ...launchVariable(launch) },
    execArgv: [...process.execArgv, ...WORKER_FLAGS],
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined); // rank 0 ends the run between two steps
  return new Promise((resolve) => {
    child.on('exit', (status, signal) => {
      process.exitCode = status ?? (signal ? 1 : 0);
      resolve();
    });
  });
}
