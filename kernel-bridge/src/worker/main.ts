/** The process that holds a model, and the only one that loads libtorch. Its first argument is what it does. */
import { loadItems } from '../data/load.ts';
import { work, type Work } from './frame.ts';
import { answering, evaluating, training } from './work.ts';

const JOBS: Record<string, () => Promise<Work>> = {
  async train() {
    const [{ createTrainer }, { rankedTrainer }] = await Promise.all([import('../rl/index.ts'), import('./ranks.ts')]);
    return training(rankedTrainer(createTrainer), loadItems);
  },
  async evaluate() {
    return evaluating((await import('./answerer.ts')).openAnswerer, loadItems);
  },
  async answer() {
    return answering((await import('./generate.ts')).openModel);
  },
};

await work(await JOBS[process.argv[2]]());
