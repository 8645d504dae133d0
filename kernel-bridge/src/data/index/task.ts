import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { WorkbenchError, type ErrorBody } from '../../protocol/errors.ts';
import type { Tasks } from './task-main.ts';

/** Runs a task of task-main.ts in a process of its own; ends it when the signal is given. */
export function runTask<T extends keyof Tasks>(
  task: T,
  args: Parameters<Tasks[T]>[0],
  signal?: AbortSignal,
): Promise<Awaited<ReturnType<Tasks[T]>>> {
  return new Promise((done, fail) => {
    signal?.throwIfAborted();
    const child = fork(fileURLToPath(new URL('./task-main.ts', import.meta.url)), { serialization: 'advanced', execArgv: [] });
    const stop = () => child.kill();
    let answer: { result?: unknown; error?: ErrorBody } | null = null;
    signal?.addEventListener('abort', stop, { once: true });
    child.on('message', (message: { result?: unknown; error?: ErrorBody }) => (answer = message));
    child.on('exit', (code, killed) => {
      signal?.removeEventListener('abort', stop);
      if (signal?.aborted) fail(signal.reason as Error);
      else if (answer?.error) fail(new WorkbenchError(answer.error));
      else if (answer) done(answer.result as Awaited<ReturnType<Tasks[T]>>);
      else
        fail(
          new WorkbenchError({
            code: 'DATA_TASK_DIED',
            http: 500,
            message: `${task} ended with ${killed ?? code}`,
            remedy: 'Try again; the log of the backend says more.',
          }),
        );
    });
    child.send({ task, args });
  });
}
