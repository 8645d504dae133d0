/** One rank of a run, for ranks.test.ts: `node rank-member.ts TASK.json RANK SIZE STORE`. Rank 0 writes what its steps gave to TASK.json.out. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { TrainConfig, VqaItem } from '../../protocol/index.ts';
import { ProcessGroup, setNumThreads } from '../../torch/index.ts';
import { createTrainer } from '../index.ts';
import { alone } from '../ranks.ts';

export interface RankTask {
  config: TrainConfig;
  items: VqaItem[];
  root: string;
  resumeFrom?: string;
  steps: number;
  /** Directory that the checkpoint after the last step goes to. */
  save: string;
  evaluate?: boolean;
  /** In place of the configuration's. */
  device?: string;
  /** Tensors of that device go through the host. */
  throughHost?: boolean;
  /** Trained after that, two steps and an evaluation each, in the same processes. */
  also?: TrainConfig[];
}

const [file, rank, size, store] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4]), process.argv[5]];
const {
  config: given,
  items,
  root,
  resumeFrom,
  steps,
  save,
  evaluate,
  device: wanted,
  throughHost,
  also = [],
} = JSON.parse(readFileSync(file, 'utf8')) as RankTask;
const config = { ...given, device: wanted ?? given.device };
setNumThreads(1);
const ranks =
  size === 1 ? alone : new ProcessGroup({ name: 'run', rank, size, timeout: 60, rendezvous: { file: store, host: '127.0.0.1' } });
const device = config.device.startsWith('testing') ? await import('../../torch/testing/test-device.ts') : null;
const trainer = await createTrainer({ config, items, evalItems: items, root, resumeFrom, ranks, localRank: rank });
const unlinked = ranks instanceof ProcessGroup && !throughHost ? ranks.useDevice(trainer.device) : null;
const results = [];
for (let i = 0; i < steps; i++) {
  device?.crossings();
  results.push(await trainer.trainStep());
}
const crossed = device?.crossings();
const held = evaluate ? await trainer.evaluate() : null;
await trainer.saveCheckpoint(save);
trainer.dispose();
const others = [];
for (const config of also) {
  const other = await createTrainer({ config, items, evalItems: items, root, ranks });
  const results = [await other.trainStep(), await other.trainStep()];
  others.push({ results, held: await other.evaluate(), weights: other.checksum() });
  other.dispose();
}
if (rank === 0) writeFileSync(`${file}.out`, JSON.stringify({ results, held, crossed, unlinked, also: others }));
process.exit(0);
