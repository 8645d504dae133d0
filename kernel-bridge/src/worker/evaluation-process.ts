/**
 * The frame of a process that evaluates, around any model: a clean end after the batch at hand on SIGTERM, SIGINT and when its server dies.
 * Arguments: the evaluation's directory and the home; nothing secret.
 */
import type { LoadQuestions } from '../evals/evals.ts';
import type { OpenAnswerer } from './answerer.ts';
import { runEvaluation } from './evaluation.ts';

export async function evaluationProcess(openAnswerer: OpenAnswerer, loadItems: LoadQuestions): Promise<void> {
  const [directory, home] = process.argv.slice(2);
  const abort = new AbortController();
  process.on('SIGTERM', () => abort.abort('stop'));
  process.on('SIGINT', () => abort.abort('stop'));
  process.on('disconnect', () => abort.abort('orphan'));

  const log = (line: string): void => void process.stderr.write(`${new Date().toISOString()} ${line}\n`);
  log(`pid ${process.pid}`);
  const committed = (): void => {
    if (process.connected) process.send!('committed', () => {}); // the callback keeps a closed channel from throwing
  };
  const state = await runEvaluation({ directory, home, loadItems, openAnswerer, log, committed, signal: abort.signal });
  log(`ended: ${state}`);
  if (process.connected) process.disconnect();
  process.exitCode = state === 'failed' ? 1 : 0;
}
