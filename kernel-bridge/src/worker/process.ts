/**
 * The frame of a worker process, around any trainer: nudges and questions from the supervisor in, commits and answers out, a clean end on
 * SIGTERM, SIGINT and when the supervisor dies. Arguments: the run's directory, the home and, where it
 * shares its device with the other run of its pair, `turns`; nothing secret.
 */
import type { CreateTrainer } from '../rl/types.ts';
import type { LoadItems } from '../runs/runs.ts';
import { Inbox } from './inbox.ts';
import { askServer } from './kernel-channel.ts';
import { ALWAYS, sharedTurn } from './turn.ts';
import { runWorker } from './worker.ts';

/** How often a worker looks for commands while paused, when no supervisor nudges it. */
const POLL_MS = 500;

export async function workerProcess(createTrainer: CreateTrainer, loadItems: LoadItems): Promise<void> {
  const [directory, home, turns] = process.argv.slice(2);
  const abort = new AbortController();
  process.on('SIGTERM', () => abort.abort('stop'));
  process.on('SIGINT', () => abort.abort('stop'));
  process.on('disconnect', () => abort.abort('orphan'));

  const inbox = new Inbox();
  const nudge = (): Promise<void> => nudged(abort.signal);
  const log = (line: string): void => void process.stderr.write(`${new Date().toISOString()} ${line}\n`);
  log(`pid ${process.pid}`);
  const state = await runWorker({
    directory,
    home,
    createTrainer,
    loadItems,
    log,
    signal: abort.signal,
    committed: () => {
      if (process.connected) process.send!('committed', () => {}); // the callback keeps a closed channel from throwing
    },
    nudge,
    turn: turns === 'turns' ? sharedTurn(nudge) : ALWAYS,
    askKernel: askServer,
    answerAsked: (reply) => inbox.answerAll(reply, abort.signal),
  });
  log(`ended: ${state}`);
  if (process.connected) process.disconnect();
  process.exitCode = state === 'failed' ? 1 : 0;
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
