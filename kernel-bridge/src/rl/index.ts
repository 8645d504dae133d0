/** Training: what the worker and the commands use. See README.md for symbols, sources and departures. */
import { GRPOTrainer } from './grpo-trainer.ts';
import { SFTTrainer } from './sft-trainer.ts';
import type { CreateTrainer } from './types.ts';

export { resolveDevice } from './training.ts';
export type { CreateTrainer, Trainer, TrainerInit } from './types.ts';

/** The trainer that `config.trainer` names, ready for its next step. */
export const createTrainer: CreateTrainer = (init) => (init.config.trainer === 'sft' ? SFTTrainer.create(init) : GRPOTrainer.create(init));
