/** A child process of memory.test.ts: trains two steps and prints its memory, in bytes. `node measure-memory.ts JOB.json RANK` */
import { readFileSync } from 'node:fs';
import { createTrainer } from '../../kernel-bridge/src/rl/index.ts';
import type { TrainConfig, VqaItem } from '../../kernel-bridge/src/protocol/index.ts';
import { alone } from '../../kernel-bridge/src/rl/ranks.ts';
import { noGrad, ProcessGroup, scope, torch } from '../../kernel-bridge/src/torch/index.ts';

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
const [rank, size] = [Number(process.argv[3]), config.processes ?? 1];
const rendezvous = { file: `${process.argv[2]}-store`, host: '127.0.0.1' };
const ranks = size === 1 ? alone : new ProcessGroup({ name: 'run', rank, size, timeout: 300, rendezvous });
const trainer = await createTrainer({ config, items, evalItems: [], root, ranks, localRank: rank });
const step_times: (number | null)[] = [];
for (let step = 0; step < 2; step++) step_times.push((await trainer.trainStep()).metrics.step_time);
console.log(JSON.stringify({ base, peak: status('VmHWM'), step_times }));
process.exit(0); // of a group threads are left
