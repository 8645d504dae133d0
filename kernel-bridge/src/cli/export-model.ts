/** `medr1 runs export --format model`: a checkpoint's weights as a Hugging Face directory of their own. */
import { loadModel, processorDirectory, saveModel } from '../models/index.ts';
import { newestValid, verifyCheckpoint } from '../runs/checkpoints.ts';
import { errors } from '../runs/errors.ts';
import { requireOwn } from '../runs/imported.ts';
import type { RunStore } from '../runs/store.ts';

/** Weights and processor files alone, a LoRA adapter added to the weights of its base model. `step` null = the newest checkpoint that is whole. */
export async function exportModel(store: RunStore, out: string, step: number | null): Promise<void> {
  const checkpoint = await chosen(store, step);
  const model = await loadModel(checkpoint, { dtype: store.row().config.dtype, merge: true });
  try {
    await saveModel(model, out, await processorDirectory(checkpoint));
  } finally {
    model.dispose();
  }
}

async function chosen(store: RunStore, step: number | null): Promise<string> {
  requireOwn(store, 'be exported as a model');
  const all = store.checkpoints();
  const found = step === null ? (await newestValid(store)).checkpoint : all.find((checkpoint) => checkpoint.step === step);
  if (!found) {
    const steps = all.map((checkpoint) => checkpoint.step);
    throw errors.noCheckpoint(store.row().id, step ?? store.step, steps);
  }
  await verifyCheckpoint(found.path);
  return found.path;
}
