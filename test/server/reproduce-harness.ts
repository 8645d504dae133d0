/** A plan of two checkpoints, with a trainer that takes 0.1 s a step and a model that answers A. */
import { resolve } from 'node:path';
import { makePlan, type Plan } from '../../kernel-bridge/src/reproduce/plan.ts';
import { completeRecipe, type Recipe } from '../../kernel-bridge/src/reproduce/recipe.ts';
import { work, type WorkOptions, type Worked } from '../../kernel-bridge/src/reproduce/work.ts';
import { fakeLoadItems } from './fake-trainer.ts';
import { fakeWorker } from './harness.ts';

export const evaluationModule = resolve(import.meta.dirname, 'fake-evaluation.ts');
const splits = ['CT', 'MRI'].flatMap((unit) => [`modality/train/${unit}`, `modality/test/${unit}`]);

export function fakePlan(model: string, changes: Partial<Recipe> = {}): Plan {
  const recipe = completeRecipe(
    {
      name: 'made',
      model_name_or_path: model,
      dataset_name: model,
      approaches: ['think'],
      kinds: ['modality'],
      common: { max_steps: 8, save_steps: 2, num_generations: 4, per_device_train_batch_size: 8, learning_rate: 0.1 },
      evaluation: { batch_size: 1 },
      ...changes,
    },
    'made.yaml',
  );
  return makePlan(recipe, splits);
}

export const reproduceFake = (home: string, model: string, changes: Partial<WorkOptions> = {}): Promise<Worked> =>
  work({
    home,
    plan: fakePlan(model),
    loadItems: fakeLoadItems,
    signal: new AbortController().signal,
    progress: () => {},
    workerModule: fakeWorker,
    evaluationModule,
    ...changes,
  });
