/**
 * `medr1 train` in a process that a launcher started as rank 1 or above: it makes the steps of rank 0's run and writes nothing. What its own command
 * line says is held to rank 0's.
 */
import { fork } from 'node:child_process';
import type { TrainConfig } from '../protocol/config.ts';
import { errorBody } from '../protocol/errors.ts';
import { WORKER_FLAGS } from '../server/fork-worker.ts';
import { launchVariable, type Launch } from '../worker/launch.ts';

/** Resolves when the run is over; the exit code is that of the process that trained. `config`: by its own command line, null where that names a run. */
export function followHere(place: Launch, config: () => TrainConfig | null): Promise<void> {
  const launch = { ...place, told: toldBy(config) };
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

/** An error is told to all ranks, which would wait for this one. */
function toldBy(read: () => TrainConfig | null): Launch['told'] {
  try {
    const config = read();
    return config === null ? undefined : { config };
  } catch (error) {
    return { error: errorBody(error) };
  }
}
