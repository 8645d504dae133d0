/** The worker process: the only one that loads libtorch. */
import { loadItems } from '../data/load.ts';
import { createTrainer } from '../rl/index.ts';
import { rankedTrainer } from './ranks.ts';
import { workerProcess } from './process.ts';

await workerProcess(rankedTrainer(createTrainer), loadItems);
