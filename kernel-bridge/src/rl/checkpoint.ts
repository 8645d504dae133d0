/**
 * A checkpoint is a Hugging Face directory (with LoRA, PEFT's directory of the adapter) with three files more: optimizer.safetensors, trainer_state.json and, between two updates on
 * the same rollouts, rollouts.safetensors. It appears whole or not at all.
 */
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { makeFolder } from '../files/durable.ts';
import { Lora, saveAdapter, saveModel, type Model } from '../models/index.ts';
import { readSafetensors, writeSafetensors, type Tensor } from '../torch/index.ts';
import { errors } from './errors.ts';
import { FORMAT, type TrainerState } from './trainer-state.ts';

export interface CheckpointParts {
  policy: Model;
  /** Directory of tokenizer and preprocessor files. */
  processorDir: string;
  optimizer: Map<string, Tensor>;
  state: Omit<TrainerState, 'format'>;
  rollouts: Map<string, Tensor>;
}

export async function writeCheckpoint(directory: string, parts: CheckpointParts): Promise<void> {
  const target = resolve(directory);
  const draft = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
  await makeFolder(dirname(target));
  try {
    const { policy, processorDir } = parts;
    if (policy.adapter instanceof Lora) await saveAdapter(policy.adapter, draft, processorDir);
    else await saveModel(policy, draft, processorDir);
    writeSafetensors(join(draft, 'optimizer.safetensors'), parts.optimizer);
    if (parts.rollouts.size > 0) writeSafetensors(join(draft, 'rollouts.safetensors'), parts.rollouts);
    const state: TrainerState = { format: FORMAT, ...parts.state };
    await synced(join(draft, 'trainer_state.json'), 'w', `${JSON.stringify(state, null, 1)}\n`);
    await synced(draft, 'r');
    await rename(draft, target);
    await synced(dirname(target), 'r');
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

/** Opens, writes if there is text, and flushes to the disk. */
async function synced(path: string, flags: 'r' | 'w', text?: string): Promise<void> {
  const handle = await open(path, flags);
  try {
    if (text !== undefined) await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Tensors of one of the checkpoint's own files. */
export function readTensors(directory: string, name: 'optimizer.safetensors' | 'rollouts.safetensors'): Map<string, Tensor> {
  try {
    return readSafetensors(join(directory, name));
  } catch (cause) {
    throw errors.checkpoint(directory, `${name} cannot be read`, cause);
  }
}
