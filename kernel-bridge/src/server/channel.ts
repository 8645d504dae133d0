/** A question to a worker process over its channel: ends with the answer, a refusal, the process, or the asker's patience. */
import type { ChildProcess } from 'node:child_process';
import { WorkbenchError } from '../protocol/errors.ts';
import type { Answer, Ask, FromWorker, ModelSource, ToWorker } from '../protocol/generate.ts';
import { errors } from '../runs/errors.ts';

let keys = 0;

/** `lastWords`: what a process that died said last. */
export function askProcess(
  child: ChildProcess,
  { ask, source }: { ask: Ask; source: ModelSource | null },
  signal: AbortSignal,
  lastWords: () => string,
): Promise<{ answer: Answer; step: number | null }> {
  const key = ++keys;
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      child.off('message', received);
      child.off('exit', exited);
      signal.removeEventListener('abort', aborted);
    };
    const received = (message: FromWorker): void => {
      if (typeof message === 'string' || message.type === 'score' || message.key !== key) return;
      settle();
      if (message.type === 'answer') resolve(message);
      else reject(new WorkbenchError(message.error));
    };
    const exited = (code: number | null, killed: string | null): void => {
      settle();
      reject(errors.generateDied(killed ? `killed by ${killed}` : `exit code ${code}`, lastWords()));
    };
    const aborted = (): void => {
      settle();
      send(child, { type: 'cancel', key });
      reject(signal.reason as Error);
    };
    if (signal.aborted) return reject(signal.reason as Error);
    child.on('message', received);
    child.once('exit', exited);
    signal.addEventListener('abort', aborted);
    send(child, { type: 'ask', key, ask, source });
  });
}

/** A closed channel is no error here: `exit` follows. */
function send(child: ChildProcess, message: ToWorker): void {
  if (child.connected) child.send(message, () => {});
}
