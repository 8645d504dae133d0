/** What a trainer notes in a checkpoint beside its tensors, and whether a checkpoint can be read at all; without the tensor code. */
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { readHeader } from '../files/safetensors.ts';
import type { TrainConfig } from '../protocol/index.ts';
import { errors } from './errors.ts';
import type { LeftOutQuestion } from './left-out.ts';

export const FORMAT = 1;

/** What a trainer needs beside tensors to go on as if it had never stopped. Seeds and data order follow from step and cursor. */
export interface TrainerState {
  format: typeof FORMAT;
  step: number;
  /** Questions drawn since the start. */
  cursor: number;
  num_tokens: number;
  skipped_steps: number;
  skipped_in_a_row: number;
  /** Questions that could not be asked; not in checkpoints of earlier versions. */
  left_out?: LeftOutQuestion[];
  reward_weights: Record<string, number>;
  /** The reward functions that `rollouts` were scored by; left out without rollouts. */
  reward_functions?: string;
  config: TrainConfig;
  /** Rollouts that further updates will use; null when the next step samples anew. */
  rollouts: unknown;
}

const Count = Type.Integer({ minimum: 0 });
const NEEDED = Type.Object({
  step: Count,
  cursor: Count,
  num_tokens: Count,
  config: Type.Object({ model_name_or_path: Type.String() }),
});
const FILE = 'trainer_state.json';

/** Throws CHECKPOINT_INVALID. */
export async function readTrainerState(directory: string): Promise<TrainerState> {
  let state: TrainerState;
  try {
    state = JSON.parse(await readFile(join(directory, FILE), 'utf8')) as TrainerState;
  } catch (cause) {
    throw errors.checkpoint(directory, `${FILE} is missing or no JSON`, cause);
  }
  if (state?.format !== FORMAT) throw errors.checkpoint(directory, `${FILE} has format ${state?.format}, this version reads ${FORMAT}`);
  const [wrong] = Value.Errors(NEEDED, state);
  if (wrong) throw errors.checkpoint(directory, `${FILE}${wrong.instancePath}: ${wrong.message}`);
  return state;
}

/**
 * Throws CHECKPOINT_INVALID, or what a file of tensors is that is none: of a checkpoint whose digests hold, and which no trainer can read. One without a
 * trainer's state is that of another trainer.
 */
export async function requireReadable(directory: string): Promise<void> {
  if (!existsSync(join(directory, FILE))) return;
  await readTrainerState(directory);
  for (const name of readdirSync(directory)) if (name.endsWith('.safetensors')) readHeader(join(directory, name));
}
