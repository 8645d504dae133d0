/**
 * A worker that trains a tiny model and makes no step after that whose number stands in the file `hold` of its home, as long as there is such a file:
 * whoever kills it comes in time, however fast the worker and however slow the one who kills.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createTrainer } from '../../kernel-bridge/src/rl/index.ts';
import type { CreateTrainer } from '../../kernel-bridge/src/rl/types.ts';
import { work } from '../../kernel-bridge/src/worker/frame.ts';
import { rankedTrainer } from '../../kernel-bridge/src/worker/ranks.ts';
import { training } from '../../kernel-bridge/src/worker/work.ts';
import { loadTinyItems } from '../server/tiny-items.ts';

const LOOK_MS = 10;

/** The file in a home, and the last step that is made while it is there. */
export const holdFile = (home: string): string => join(home, 'hold');

function lastStep(home: string): number {
  try {
    return Number(readFileSync(holdFile(home), 'utf8') || Infinity);
  } catch {
    return Infinity;
  }
}

const held =
  (create: CreateTrainer, home: string): CreateTrainer =>
  async (init) => {
    const trainer = await create(init);
    const trainStep = trainer.trainStep.bind(trainer);
    return Object.assign(trainer, {
      trainStep: async () => {
        while (trainer.step >= lastStep(home)) await wait(LOOK_MS);
        return trainStep();
      },
    });
  };

if (import.meta.main) {
  const [, , , , home] = process.argv; // node, this module, the kind of job, the run's directory, the home
  await work(training(held(rankedTrainer(createTrainer), home), loadTinyItems));
}
