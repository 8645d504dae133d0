/** A process of a run beside its worker: rank 1 and above. */
import { errorBody } from '../protocol/errors.ts';
import { createTrainer } from '../rl/index.ts';
import { follow } from './ranks.ts';

// Launchers signal every process of a job. Rank 0 ends the run between two steps, and the others with it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);

try {
  await follow(createTrainer);
  process.exit(0);
} catch (error) {
  const { code, message, remedy } = errorBody(error);
  process.stderr.write(`${new Date().toISOString()} ${code}: ${message} ${remedy}\n${(error as Error).stack ?? ''}\n`);
  process.exit(1);
}
