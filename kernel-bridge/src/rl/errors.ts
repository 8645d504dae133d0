import { WorkbenchError } from '../protocol/index.ts';

export const errors = {
  explainToken: (message: string, remedy: string) => new WorkbenchError({ code: 'EXPLAIN_TOKEN', http: 422, message, remedy }),
  explainOptions: () =>
    new WorkbenchError({
      code: 'EXPLAIN_OPTIONS',
      http: 422,
      message: 'the question has no options whose probabilities could be read',
      remedy: 'Ask about a question of a data set, or write the options into the question: A) cyst, B) tumor.',
    }),
  batchNotWhole: (perStep: number, G: number) =>
    new WorkbenchError({
      code: 'TRAIN_BATCH',
      message: `a step takes ${perStep} completions (per_device_train_batch_size x gradient_accumulation_steps), which is not a multiple of num_generations ${G}`,
      remedy: `Set per_device_train_batch_size or gradient_accumulation_steps so that their product is a multiple of ${G}.`,
    }),
  shardsPower: (shards: number) =>
    new WorkbenchError({
      code: 'TRAIN_SHARDS',
      message: `dp_shards ${shards} is not a power of two`,
      remedy: 'Set dp_shards to 1, 2, 4, 8, ...',
    }),
  shardsNotWhole: (shards: number, questions: number) =>
    new WorkbenchError({
      code: 'TRAIN_SHARDS',
      message: `a step asks ${questions} questions, which cannot be cut into dp_shards ${shards} equal parts`,
      remedy: `Set dp_shards to a power of two that divides ${questions}, or change per_device_train_batch_size or gradient_accumulation_steps.`,
    }),
  ranksNotWhole: (size: number, shards: number) =>
    new WorkbenchError({
      code: 'TRAIN_RANKS',
      message: `${size} processes cannot share dp_shards ${shards} equally`,
      remedy: `Start as many processes as divide ${shards} (1, 2, 4, ...), or set dp_shards to a multiple of ${size} in a new run.`,
    }),
  diverged: (step: number, sums: readonly number[]) =>
    new WorkbenchError({
      code: 'RANKS_DIVERGED',
      message: `after step ${step} the weights of the processes differ (checksums ${sums.join(', ')})`,
      remedy: 'Resume from the last checkpoint. Processes must run the same PyTorch on CPUs of one kind, with the same number of threads.',
    }),
  replaySplit: (completions: number, size: number) =>
    new WorkbenchError({
      code: 'REPLAY_BATCH',
      message: `${completions} completions cannot be cut into micro-batches of ${size}`,
      remedy: 'Set per_device_train_batch_size to a divisor of the number of completions, or leave it out for one micro-batch.',
    }),
  noItems: (dataset: string) =>
    new WorkbenchError({
      code: 'TRAIN_NO_ITEMS',
      message: `data set ${dataset} has no usable question to train on`,
      remedy: 'Check the split, modality and question_type filters; medr1 data audit lists the items that cannot be used and why.',
    }),
  noneLeft: (dataset: string, why: string) =>
    new WorkbenchError({
      code: 'TRAIN_NO_ITEMS',
      message: `no question of data set ${dataset} can be shown to the model: ${why}`,
      remedy: 'Put the images back, or index the data set again (`medr1 data add`) and begin a new run.',
    }),
  weightValue: (name: string, value: unknown) =>
    new WorkbenchError({
      code: 'REWARD_WEIGHTS',
      message: `the weight of ${name} is ${String(value)}`,
      remedy: 'Give a finite number.',
    }),
  delta: (delta: number, epsilon: number) =>
    new WorkbenchError({
      code: 'TRAIN_DELTA',
      message: `delta ${delta} is not above 1 + epsilon (${1 + epsilon})`,
      remedy: 'Raise delta above 1 + epsilon, or leave it empty for one-sided clipping.',
    }),
  nonFinite: (step: number, times: number, what: string, evidence: string | null) =>
    new WorkbenchError({
      code: 'TRAIN_NOT_FINITE',
      message: `loss or gradient was not finite ${times} times in a row, last at step ${step} (${what})`,
      remedy: `Lower the learning rate or max_grad_norm, use float32, or look for rewards that are too large${evidence === null ? '' : `; batches and state are kept in ${evidence}`}.`,
    }),
  finished: (total: number) =>
    new WorkbenchError({
      code: 'TRAIN_FINISHED',
      message: `the run has made its ${total} steps`,
      remedy: 'To go on, fork it with a higher max_steps.',
    }),
  checkpoint: (directory: string, what: string, cause?: unknown) =>
    new WorkbenchError({
      code: 'CHECKPOINT_INVALID',
      message: `checkpoint ${directory}: ${what}`,
      remedy: 'Resume from an older checkpoint of the run, or start a new run from its weights.',
      cause,
    }),
  device: (device: string) =>
    new WorkbenchError({
      code: 'DEVICE_MISSING',
      message: `device ${device} was asked for, but this machine offers none that torch can use`,
      remedy: 'Set device to cpu or auto; medr1 doctor lists the GPUs of this machine.',
    }),
};

/** A prompt that no whole completion can follow. `longest`: max_position_embeddings of the model. */
export const promptTooLong = (prompt: number, completion: number, longest: number): WorkbenchError =>
  new WorkbenchError({
    code: 'PROMPT_TOO_LONG',
    message: `a prompt of ${prompt} tokens and a completion of up to ${completion} tokens are together longer than the ${longest} tokens that the model has positions for`,
    remedy: 'Shorten the question, lower max_pixels, or allow a shorter completion.',
  });
