/** Models that answer questions outside training: from checkpoints and model directories. */
import { answer } from '../rl/answer.ts';
import { explain } from '../rl/explain/index.ts';
import { resolveDevice } from '../rl/index.ts';
import { loadModel, loadProcessor, type Model } from '../models/index.ts';
import type { OpenModel } from './work.ts';

export const openModel: OpenModel = async ({ path, dtype, device }) => {
  const processor = await loadProcessor(path);
  let model: Model | null = null;
  const load = async (): Promise<Model> => (model ??= await loadModel(path, { dtype: dtype ?? undefined, device: resolveDevice(device) }));
  return {
    answer: (ask, signal) => answer(processor, load, ask, signal),
    explain: (ask, signal) => explain(processor, load, ask, signal),
    [Symbol.dispose]: () => model?.dispose(),
  };
};
