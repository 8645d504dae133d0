/** One rank of a run, for ranks.test.ts: `node rank-member.ts TASK.json RANK SIZE STORE`. Rank 0 writes what its steps gave to TASK.json.out. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { LiveSettings, RewardSet, TrainConfig, VqaItem } from '../../protocol/index.ts';
import { liveOf } from '../../protocol/live-settings.ts';
import type { AskKernel } from '../../rewards/index.ts';
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
  rewards?: RewardSet;
  /** Edits that every rank hears of before it takes the step, by number of the step from 0. */
  edits?: Record<number, { rewards?: RewardSet; settings?: Partial<LiveSettings> }>;
  /** Calls that find the kernel of its reward functions dead, by number. The step is then taken again. */
  deaths?: number[];
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
  rewards,
  edits = {},
  deaths = [],
  device: wanted,
  throughHost,
  also = [],
} = JSON.parse(readFileSync(file, 'utf8')) as RankTask;
const config = { ...given, device: wanted ?? given.device };
setNumThreads(1);
const ranks =
  size === 1 ? alone : new ProcessGroup({ name: 'run', rank, size, timeout: 60, rendezvous: { file: store, host: '127.0.0.1' } });
const device = config.device.startsWith('testing') ? await import('../../torch/testing/test-device.ts') : null;
let calls = 0;
/** Rank 0 alone has it. */
const askKernel: AskKernel = async ({ completions, constants }) => {
  if (deaths.includes(++calls)) return { unanswered: 'absent', waited_s: 0 };
  const valueOf = (text: string): number => createHash('sha256').update(`${text} ${constants.step}`).digest()[0] / 255;
  return { values: completions.map(valueOf) };
};
const init = { config, items, evalItems: items, root, resumeFrom, ranks, localRank: rank, rewards };
const trainer = await createTrainer({ ...init, askKernel: rank === 0 ? askKernel : undefined });
const unlinked = ranks instanceof ProcessGroup && !throughHost ? ranks.useDevice(trainer.device) : null;
const results = [];
const refusals: string[] = [];
while (results.length < steps) {
  device?.crossings();
  const edit = edits[results.length];
  if (edit?.rewards) trainer.setRewards(edit.rewards);
  if (edit?.settings) trainer.setSettings({ ...liveOf(config), ...edit.settings });
  try {
    results.push(await trainer.trainStep());
  } catch (error) {
    refusals.push((error as Error).message);
    if (refusals.length > deaths.length) throw error;
  }
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
if (rank === 0) writeFileSync(`${file}.out`, JSON.stringify({ results, refusals, held, crossed, unlinked, also: others }));
process.exit(0);
