/** A real worker process that trains a real model, of a few thousand weights (kernel-bridge/src/rl/testing/tiny.ts). */
import { createTrainer } from '../../kernel-bridge/src/rl/index.ts';
import { rankedTrainer } from '../../kernel-bridge/src/worker/ranks.ts';
import { workerProcess } from '../../kernel-bridge/src/worker/process.ts';
import { loadTinyItems } from './tiny-items.ts';

await workerProcess(rankedTrainer(createTrainer), loadTinyItems);
