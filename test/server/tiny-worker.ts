/** A real worker process that trains a real model, of a few thousand weights (kernel-bridge/src/rl/testing/tiny.ts). */
import { createTrainer } from '../../kernel-bridge/src/rl/index.ts';
import { work } from '../../kernel-bridge/src/worker/frame.ts';
import { rankedTrainer } from '../../kernel-bridge/src/worker/ranks.ts';
import { training } from '../../kernel-bridge/src/worker/work.ts';
import { loadTinyItems } from './tiny-items.ts';

await work(training(rankedTrainer(createTrainer), loadTinyItems));
