/** Going back: a fork is a new run from a checkpoint of another, a roll-back the same run from an earlier checkpoint. */
import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { isActive } from '../protocol/run.ts';
import { verifyCheckpoint } from './checkpoints.ts';
import { completeConfig } from './config.ts';
import { errors } from './errors.ts';
import { newRunId, runDirectory, runsDirectory } from './home.ts';
import { isTraining } from './runs.ts';
import { RunStore } from './store.ts';

/** A new run with the parent's history up to `step` and its checkpoint there, made whole or not at all. */
export async function forkRun(
  home: string,
  parent: RunStore,
  step: number,
  changes: Record<string, unknown>,
  request_id: string | null = null,
): Promise<RunStore> {
  const row = parent.row();
  const checkpoint = await checkpointAt(parent, step);
  const run_name = changes.run_name ?? `${row.name.slice(0, 100)} · from ${step}`;
  const config = completeConfig({ ...row.config, ...changes, run_name });
  const id = newRunId();
  const making = join(runsDirectory(home), `.making-${randomBytes(4).toString('hex')}`);
  mkdirSync(making, { recursive: true, mode: 0o700 });
  try {
    parent.db.prepare('VACUUM INTO ?').run(join(making, 'run.db'));
    linkTree(checkpoint.path, join(making, 'checkpoints', checkpoint.path.split('/').at(-1)!));
    writeFileSync(join(making, 'config.yaml'), stringify(config));
    using fork = RunStore.open(making);
    fork.becomeFork({ id, name: config.run_name!, parent: row.id, config, request_id }, step);
    renameSync(making, runDirectory(home, id));
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    if (!existsSync(checkpoint.path)) throw noCheckpoint(parent, step); // pruned meanwhile by the run's worker
    throw error;
  }
  return RunStore.open(runDirectory(home, id));
}

/** Drops the steps after a checkpoint, and the reward edits made since. */
export async function rollbackRun(run: RunStore, step: number): Promise<void> {
  const { id, state } = run.row();
  if (isActive(state) || isTraining(run.directory)) throw errors.wrongState(id, 'be rolled back', state, 'Stop it first.');
  await checkpointAt(run, step);
  run.dropAfter(step, { revisions: 'drop' });
  run.setState('stopped');
}

async function checkpointAt(run: RunStore, step: number) {
  const checkpoint = run.checkpoints().find((each) => each.step === step);
  if (!checkpoint) throw noCheckpoint(run, step);
  await verifyCheckpoint(checkpoint.path);
  return checkpoint;
}

function noCheckpoint(run: RunStore, step: number) {
  const steps = run.checkpoints().map((each) => each.step);
  return errors.noCheckpoint(run.row().id, step, steps);
}

/** Hard links: a checkpoint's files are never written again, so both runs may share them. */
function linkTree(from: string, to: string): void {
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const target = join(to, join(entry.parentPath, entry.name).slice(from.length));
    mkdirSync(dirname(target), { recursive: true });
    linkSync(join(entry.parentPath, entry.name), target);
  }
}
