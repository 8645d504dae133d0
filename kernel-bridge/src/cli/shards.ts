/** The shards of a run whose command says how many processes train it. */
import { completeConfig, questionsOf } from '../runs/config.ts';
import { usage } from './arguments.ts';

/**
 * dp_shards for so many processes: as many, unless the configuration has more than the default of one. Throws USAGE with what the command was told (`said`) where
 * they cannot share a step.
 */
export function shardsFor(given: Readonly<Record<string, unknown>>, processes: number, said: string): number {
  if (!Number.isInteger(Math.log2(processes)))
    throw usage(
      `${said}: ${processes} processes are no power of two`,
      'Give a number of processes that is one (docs/guides/scale.md says why).',
    );
  const { processes: _, ...rest } = given; // those of the file are not those that train it
  const config = completeConfig(rest);
  if (config.dp_shards > 1) {
    if (config.dp_shards % processes !== 0)
      throw usage(
        `${said}: ${processes} processes cannot share dp_shards ${config.dp_shards} equally`,
        `Set dp_shards to ${processes} or a multiple of it.`,
      );
    return config.dp_shards;
  }
  const questions = questionsOf(config);
  if (questions % processes === 0) return processes;
  const most = questions & -questions; // the largest power of two that divides it
  const keys = `per_device_train_batch_size or gradient_accumulation_steps${config.trainer === 'grpo' ? ', or lower num_generations' : ''}`;
  throw usage(
    `${said}: ${processes} processes cannot share the ${questions} questions of a step equally`,
    `Start ${most === 1 ? 'one process' : `${most} processes at most`}, or give a step more questions: raise ${keys}.`,
  );
}
