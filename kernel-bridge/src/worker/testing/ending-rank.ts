/**
 * One process of a run, for bench/ranks.ts: `MEDR1_LAUNCH=... node ending-rank.ts TASK.json`. It says `loaded` when its code is there, waits for `go`, says
 * `step` after each step, and tells the error that it ended with.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { TrainConfig, VqaItem } from '../../protocol/index.ts';
import { errorBody } from '../../protocol/errors.ts';
import { createTrainer } from '../../rl/index.ts';
import { givenLaunch } from '../launch.ts';
import { follow, rankedTrainer } from '../ranks.ts';

export interface EndingTask {
  config: TrainConfig;
  items: VqaItem[];
  root: string;
}

const { config, items, root } = JSON.parse(readFileSync(process.argv[2], 'utf8')) as EndingTask;
const tell = (message: unknown): Promise<void> => new Promise((resolve) => void process.send!(message, () => resolve()));

await tell('loaded');
await once(process, 'message');
try {
  if (givenLaunch(process.env)!.rank > 0) await follow(createTrainer);
  else {
    const trainer = await rankedTrainer(createTrainer)({ config, items, evalItems: [], root });
    for (;;) {
      await trainer.trainStep();
      void tell('step');
    }
  }
} catch (error) {
  await tell(errorBody(error));
}
process.exit(0);
