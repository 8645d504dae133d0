/** A child process of memory.test.ts: trains two steps and prints its memory, in bytes. `node measure-memory.ts JOB.json` */
import { readFileSync } from 'node:fs';
import { createTrainer } from '../../kernel-bridge/src/rl/index.ts';
import type { TrainConfig, VqaItem } from '../../kernel-bridge/src/protocol/index.ts';
import { noGrad, scope, torch } from '../../kernel-bridge/src/torch/index.ts';

/** VmRSS or VmHWM (the most there was) of this process, Linux. */
const status = (key: string): number => 1024 * Number(new RegExp(`${key}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))![1]);

const { config, items, root } = JSON.parse(readFileSync(process.argv[2], 'utf8')) as {
  config: TrainConfig;
  items: VqaItem[];
  root: string;
};
// What the process has before there is a model: Node, libtorch and its thread pools.
scope(() => noGrad(() => torch.linear(torch.ones([256, 256]), torch.ones([256, 256]))));
const base = status('VmRSS');
const trainer = await createTrainer({ config, items, evalItems: [], root });
const step_times: (number | null)[] = [];
for (let step = 0; step < 2; step++) step_times.push((await trainer.trainStep()).metrics.step_time);
console.log(JSON.stringify({ base, peak: status('VmHWM'), step_times }));
