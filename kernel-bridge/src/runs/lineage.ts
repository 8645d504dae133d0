/** Going back: a fork is a new run from a checkpoint of another, a roll-back the same run from an earlier checkpoint. */
import { existsSync, linkSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { Making } from '../log/making.ts';
import type { TrainConfig } from '../protocol/config.ts';
import { KEPT_BY_FORK, REWARD_KEYS, sourcesAt } from '../protocol/fork.ts';
import { LIVE_SETTINGS } from '../protocol/live-settings.ts';
import type { RewardFiles, RewardSet, RewardSource } from '../protocol/rewards.ts';
import { isActive, lastInherited } from '../protocol/run.ts';
import { checkRewards, configuredRewards, contextOf } from '../rewards/index.ts';
import { verifyCheckpoint } from './checkpoints.ts';
import { completeConfig } from './config.ts';
import { factsHold } from './digest.ts';
import { errors } from './errors.ts';
import { checkpointName, newRunId, runDirectory, runsDirectory } from './home.ts';
import { requireOwn } from './imported.ts';
import { keepForLater } from './requests.ts';
import { revisions } from './rewards.ts';
import { lockRun } from './runs.ts';
import type { RunRow } from './row.ts';
import { RunStore } from './store.ts';
import { checkRun } from './verify.ts';

/** A new run with the parent's history up to `step` and its checkpoint there, made whole or not at all. Options as of `CreateOptions`. */
export async function forkRun(
  home: string,
  parent: RunStore,
  step: number,
  changes: Record<string, unknown>,
  { request_id, start = true, reward_files }: { request_id?: string; start?: boolean; reward_files?: RewardFiles } = {},
): Promise<RunStore> {
  const row = parent.row();
  requireOwn(parent, 'be forked');
  if (!hasCheckpoint(parent, step)) throw noCheckpoint(parent, step);
  if (!factsHold(parent.db)) await checkRun(parent);
  const config = forkConfig(row, step, changes);
  for (const key of KEPT_BY_FORK) {
    if (config[key] !== row.config[key]) throw errors.keptByFork(key, config[key], row.config[key]);
  }
  const last = config.max_steps > 0 ? config.max_steps : lengthChanged(row.config, config) ? Infinity : row.total_steps || Infinity;
  if (last <= step) throw errors.nothingToTrain(step, last);
  const rewards = REWARD_KEYS.some((key) => key in changes) ? await rewardsOf(parent, step, config, reward_files) : null;
  const id = newRunId();
  using making = Making.in(runsDirectory(home));
  const { directory } = making;
  try {
    // Links first, then the log: what is looked at from here on is the fork's own, whatever becomes of the parent
    linkTree(parent.checkpointPath(step), join(directory, 'checkpoints', checkpointName(step)));
    parent.db.prepare('VACUUM INTO ?').run(join(directory, 'run.db'));
    writeFileSync(join(directory, 'config.yaml'), stringify(config));
    using fork = RunStore.open(directory);
    if (fork.epoch !== row.epoch) throw errors.runHeld(row.id, 'be forked'); // of another history than the checkpoint
    await checkpointAt(fork, step, parent.checkpointPath(step));
    const settings = Object.fromEntries(LIVE_SETTINGS.filter((key) => key in changes).map((key) => [key, config[key]]));
    fork.becomeFork(
      { id, name: config.run_name!, parent: row.id, config, request_id: request_id ?? null, total_steps: Number.isFinite(last) ? last : 0 },
      step,
      { rewards, settings },
    );
    if (request_id && !start) keepForLater(fork.db, request_id);
    await checkRun(fork, {}, parent);
    making.become(runDirectory(home, id));
  } catch (error) {
    if (!existsSync(parent.directory)) throw errors.runUnknown(row.id); // removed meanwhile
    if (!hasCheckpoint(parent, step)) throw noCheckpoint(parent, step); // pruned meanwhile by the run's worker, or rolled back
    const lost = !existsSync(parent.checkpointPath(step));
    throw lost ? errors.checkpointDamaged(parent.checkpointPath(step), 'the directory is missing') : error;
  }
  return RunStore.open(runDirectory(home, id));
}

/** Whether the run is what a request for this fork of `parent` makes. */
export function isForkOf(parent: RunStore, made: RunRow, step: number, changes: Record<string, unknown>): boolean {
  const row = parent.row();
  if (made.parent !== row.id || lastInherited(made.inherited) !== step) return false;
  const named = { run_name: made.config.run_name, ...changes }; // the parent may have another name by now
  return JSON.stringify(forkConfig(row, step, named)) === JSON.stringify(made.config);
}

/** The parent's configuration with what a fork changes of it. */
function forkConfig({ name, config }: RunRow, step: number, changes: Record<string, unknown>): TrainConfig {
  const run_name = changes.run_name ?? `${name.slice(0, 100)} · from ${step}`;
  return completeConfig({ ...config, ...changes, run_name });
}

/** Keys that decide how many steps a run takes where max_steps does not. */
const LENGTH = [
  'num_train_epochs',
  'per_device_train_batch_size',
  'gradient_accumulation_steps',
  'num_generations',
  'num_iterations',
  'dataset_name',
  'dataset_train_split',
  'modality',
  'question_type',
] as const satisfies (keyof TrainConfig)[];

const lengthChanged = (before: TrainConfig, after: TrainConfig): boolean =>
  LENGTH.some((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));

/** The rewards that a fork is told; functions of the parent's own are known by their names. */
async function rewardsOf(parent: RunStore, step: number, config: TrainConfig, reward_files: RewardFiles = {}): Promise<RewardSet | null> {
  if (config.trainer !== 'grpo') return null;
  const sources = Object.entries(sourcesAt(revisions(parent.db), step));
  const files = sources.filter((one) => !inKernel(one)).map(([, { file, source }]) => [file, source] as const);
  const given = { ...Object.fromEntries(files), ...reward_files };
  const rewards = configuredRewards(config, given, Object.fromEntries(sources.filter(inKernel)));
  const ofFiles = Object.fromEntries(Object.entries(rewards.sources).filter((one) => !inKernel(one)));
  await checkRewards({ ...rewards, sources: ofFiles }, contextOf(config)); // what a kernel serves was checked when the parent took it
  return rewards;
}

const inKernel = ([, source]: [string, RewardSource]): boolean => source.runtime === 'kernel';

/** Drops the steps after a checkpoint, and the reward edits made since. */
export async function rollbackRun(run: RunStore, step: number): Promise<void> {
  requireOwn(run, 'be rolled back');
  using lock = lockRun(run.directory); // a worker that was just started waits for it, and finds the run stopped
  const { id, state } = run.row();
  if (isActive(state)) throw errors.wrongState(id, 'be rolled back', state, 'Stop it first.');
  if (!lock) throw errors.runHeld(id, 'be rolled back');
  await checkpointAt(run, step);
  run.seal();
  await checkRun(run, { upTo: step, waiting: false });
  run.rollBack(step);
}

/** Throws CHECKPOINT_UNKNOWN or CHECKPOINT_DAMAGED; `named` is the path that the latter tells. */
async function checkpointAt(run: RunStore, step: number, named = run.checkpointPath(step)): Promise<void> {
  if (!hasCheckpoint(run, step)) throw noCheckpoint(run, step);
  await verifyCheckpoint(run.checkpointPath(step), step, named);
}

const hasCheckpoint = (run: RunStore, step: number): boolean => run.checkpoints().some((each) => each.step === step);

function noCheckpoint(run: RunStore, step: number) {
  const steps = run.checkpoints().map((each) => each.step);
  return errors.noCheckpoint(run.row().id, step, steps);
}

/** Hard links: a checkpoint's files are never written again, so both runs may share them. */
export function linkTree(from: string, to: string): void {
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const target = join(to, join(entry.parentPath, entry.name).slice(from.length));
    mkdirSync(dirname(target), { recursive: true });
    linkSync(join(entry.parentPath, entry.name), target);
  }
}
