/** Texts of tokens that runs stored. A tokenizer of megabytes is read and parsed, so that a thread of its own does it while others are served. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { WorkbenchError } from '../protocol/errors.ts';
import type { TrainConfig } from '../protocol/index.ts';
import type { Answer } from './token-texts-thread.ts';

const THREAD = new URL('./token-texts-thread.ts', import.meta.url);

/**
 * One list of texts for each list of ids, decoded by the tokenizer of the model that the run began with.
 * Throws TOKENIZER_MISSING, TOKENIZER_UNREADABLE.
 */
export async function textsOf(
  { model_name_or_path }: Pick<TrainConfig, 'model_name_or_path'>,
  lists: readonly number[][],
): Promise<string[][]> {
  const thread = new Worker(THREAD, { workerData: { model: model_name_or_path, lists }, execArgv: [] });
  const [answer] = (await once(thread, 'message')) as [Answer];
  if ('error' in answer) throw new WorkbenchError(answer.error);
  return answer.texts;
}
