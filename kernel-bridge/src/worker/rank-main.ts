/** A process of a run beside its worker: rank 1 and above. */
import { Worker } from 'node:worker_threads';
import { loseRefusedLines } from '../files/standard-error.ts';
import { errorBody } from '../protocol/errors.ts';
import { createTrainer } from '../rl/index.ts';
import { givenLaunch } from './launch.ts';
import { follow } from './ranks.ts';

loseRefusedLines();

// Launchers signal every process of a job. Rank 0 ends the run between two steps, and the others with it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);

/**
 * While this thread waits for another rank it hears of nothing, also not that what started it is gone: a thread of its own looks, and ends the process,
 * which holds nothing that must be written.
 */
const parent = givenLaunch(process.env)?.startedBy;
const WATCH = `setInterval(() => process.ppid === ${parent} || process.kill(process.pid, 'SIGKILL'), 500);`;
if (parent !== undefined) new Worker(WATCH, { eval: true }).unref();

try {
  await follow(createTrainer);
  process.exit(0);
} catch (error) {
  const { code, message, remedy } = errorBody(error);
  process.stderr.write(`${new Date().toISOString()} ${code}: ${message} ${remedy}\n${(error as Error).stack ?? ''}\n`);
  process.exit(1);
}
