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
}

const [file, rank, size, store] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4]), process.argv[5]];
const { config, items, root, resumeFrom, steps, save, evaluate } = JSON.parse(readFileSync(file, 'utf8')) as RankTask;
setNumThreads(1);
const ranks =
  size === 1 ? alone : new ProcessGroup({ name: 'run', rank, size, timeout: 60, rendezvous: { file: store, host: '127.0.0.1' } });
const trainer = await createTrainer({ config, items, evalItems: items, root, resumeFrom, ranks });
const results = [];
for (let i = 0; i < steps; i++) results.push(await trainer.trainStep());
const held = evaluate ? await trainer.evaluate() : null;
await trainer.saveCheckpoint(save);
if (rank === 0) writeFileSync(`${file}.out`, JSON.stringify({ results, held }));
trainer.dispose();
process.exit(0);
