/**
 * One process of a run, for ranks.test.ts: `MEDR1_LAUNCH=... node rank.ts TASK.json`. Rank 0 trains and saves; the others follow. Each prints, as JSON,
 * the error that it ended with, or what the run gave.
 */
import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isDiskFull } from '../../log/disk-space.ts';
import type { TrainConfig, VqaItem } from '../../protocol/index.ts';
import { errorBody } from '../../protocol/errors.ts';
import type { CreateTrainer, Trainer } from '../../rl/index.ts';
import { createTrainer } from '../../rl/index.ts';
import { givenLaunch } from '../launch.ts';
import { follow, rankedTrainer } from '../ranks.ts';

export interface RankTask {
  config: TrainConfig;
  items: VqaItem[];
  root: string;
  /** The model that this rank loads in place of the configuration's. */
  models?: Record<number, string>;
  /** How often rank 0's disk refuses its checkpoint, when all ranks have given their parts. */
  refusals?: number;
  /** Where evidence of skipped steps goes. The first step finds its file leading to a disk that is full, and is then taken again. */
  evidenceDir?: string;
  save: string;
}

const { rank } = givenLaunch(process.env)!;
const { config, items, root, models = {}, refusals = 0, evidenceDir, save } = JSON.parse(readFileSync(process.argv[2], 'utf8')) as RankTask;

const create: CreateTrainer = async (init) => {
  const trainer = await createTrainer({
    ...init,
    config: { ...init.config, model_name_or_path: models[rank] ?? init.config.model_name_or_path },
  });
  let left = rank === 0 ? refusals : 0;
  const whole = trainer.saveCheckpoint.bind(trainer);
  trainer.saveCheckpoint = async (dir) => {
    await whole(dir);
    if (left-- > 0) throw new Error('ENOSPC: no space left on device, write');
  };
  return trainer;
};

/** The first step, whose evidence a full disk refuses. */
async function refusedEvidence(trainer: Trainer, directory: string): Promise<void> {
  mkdirSync(directory);
  const file = join(directory, 'step-1.json');
  symlinkSync('/dev/full', file);
  const error = await trainer.trainStep().then(
    () => null,
    (error: unknown) => error,
  );
  if (!isDiskFull(error)) throw error ?? new Error('the disk took the evidence');
  trainer.idle?.();
  rmSync(file);
}

/** The rank that waited least is the one that the others waited for. */
function requireSlowestNamed(metrics: Record<string, number | null>): void {
  const waits = [0, 1].map((one) => metrics[`time/rank_${one}_wait_s`]!);
  const slowest = metrics['time/slowest_rank'];
  if (waits[slowest!] !== Math.min(...waits))
    throw new Error(`rank ${slowest} is named as the slowest, and ranks waited ${waits.join(', ')} s`);
}

async function lead(): Promise<unknown> {
  const trainer = await rankedTrainer(create)({ config, items, evalItems: [], root, evidenceDir });
  if (evidenceDir !== undefined) await refusedEvidence(trainer, evidenceDir);
  const losses = [(await trainer.trainStep()).metrics.loss];
  for (let i = 0; i < refusals; i++) {
    const refused = await trainer.saveCheckpoint(`${save}-${i}`).then(
      () => false,
      () => true,
    );
    if (!refused) throw new Error('the disk took the checkpoint');
    trainer.idle?.();
  }
  const { metrics } = await trainer.trainStep();
  const { loss, skipped_steps } = metrics;
  losses.push(loss);
  requireSlowestNamed(metrics);
  await trainer.saveCheckpoint(save);
  trainer.dispose();
  return { losses, skipped_steps };
}

try {
  console.log(JSON.stringify((rank === 0 ? await lead() : await follow(create)) ?? 'followed'));
} catch (error) {
  console.log(JSON.stringify(errorBody(error)));
}
process.exit(0);
