/**
 * The frame of a process that holds a model, whatever it does with it: server/jobs.ts is its other end. It says that it lives, hears what is asked,
 * ends cleanly on SIGTERM, SIGINT and when its owner dies, and leaves with a code that tells how it went. An error that nobody caught goes to its log,
 * whose last line the owner reads.
 *
 * Arguments: what kind of job this is, then those of the job; nothing secret.
 */
import { loseRefusedLines } from '../files/standard-error.ts';
import type { FromWorker } from '../protocol/channel.ts';

export interface Frame {
  /** Of the job. */
  args: readonly string[];
  /** A line with its time. */
  log: (line: string) => void;
  /** Aborted when the process is to end: reason `stop` (asked for) or `orphan` (its owner is gone). */
  signal: AbortSignal;
  /** Something was written that others may read now. */
  committed: () => void;
  /** Resolves at the next message, when the process is to end, and twice a second: another process may have written what is asked of this one. */
  nudge: () => Promise<void>;
}

/** What a process does; the state in which it left its run or evaluation. */
export type Work = (frame: Frame) => Promise<string>;

const POLL_MS = 500;
const ALIVE_MS = 5000;

export async function work(run: Work): Promise<void> {
  loseRefusedLines();
  const abort = new AbortController();
  process.on('SIGTERM', () => abort.abort('stop'));
  process.on('SIGINT', () => abort.abort('stop'));
  process.on('disconnect', () => abort.abort('orphan'));

  const log = (line: string): void => void process.stderr.write(`${new Date().toISOString()} ${line}\n`);
  log(`pid ${process.pid}`);
  tell('alive');
  const alive = setInterval(() => tell('alive'), ALIVE_MS).unref();
  const { signal } = abort;
  const state = await run({ args: process.argv.slice(3), log, signal, committed: () => tell('committed'), nudge: () => nudged(signal) });
  log(`ended: ${state}`);
  clearInterval(alive);
  if (process.connected) process.disconnect();
  process.exitCode = state === 'failed' ? 1 : 0;
}

/** To the owner, if there is one. */
export function tell(message: FromWorker): void {
  if (process.connected) process.send!(message, () => {}); // the callback keeps a closed channel from throwing
}

function nudged(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      process.off('message', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, POLL_MS);
    process.on('message', done);
    signal.addEventListener('abort', done);
  });
}
