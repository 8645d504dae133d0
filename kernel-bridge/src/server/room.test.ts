import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { TrainConfig } from '../protocol/config.ts';
import { completeConfig } from '../runs/config.ts';
import { editSettings } from '../runs/rewards.ts';
import { RunStore } from '../runs/store.ts';
import { requireRoom } from './room.ts';

const GIB = 2 ** 30;
const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd', per_device_train_batch_size: 16, max_completion_length: 100 });
let directory: string;
let run: RunStore;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'medr1-room-'));
  run = RunStore.create(directory, { id: 'x', name: 'x', parent: null, config, root: '/data', data_hash: 'h' }, 1000);
});
afterEach(() => {
  run[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});

/** A GiB for 100 tokens of a completion of each of 8. */
const asked: TrainConfig[] = [];
const plan = (free: number) => async (one: TrainConfig) => {
  asked.push(one);
  return { total_bytes: (one.max_completion_length / 100) * (one.num_generations / 8) * GIB, available_bytes: free * GIB };
};

it('counts what a run holds where it trains, and all of it where it does not yet', async () => {
  await expect(requireRoom(run, { max_completion_length: 250 }, plan(2))).rejects.toThrow(
    /takes 2\.5 GiB .* 2\.5 GiB more .* 2\.0 GiB are free/,
  );
  run.setState('running');
  await requireRoom(run, { max_completion_length: 250 }, plan(2));
  await expect(requireRoom(run, { max_completion_length: 350 }, plan(2))).rejects.toThrow(/2\.5 GiB more than the run holds/);
  await expect(requireRoom(run, { num_generations: 16, max_completion_length: 200 }, plan(2))).rejects.toThrow(/3\.0 GiB more/);
});

it('starts from the settings in force, and asks for no plan where nothing grows', async () => {
  run.setState('running');
  editSettings(run.db, { settings: { max_completion_length: 300 }, reason: '', author: '', time: 1 });
  await requireRoom(run, { max_completion_length: 400 }, plan(1));
  asked.length = 0;
  await requireRoom(run, { max_completion_length: 200, beta: 0.1 }, plan(0));
  expect(asked).toEqual([]);
});

it('refuses nothing where there is no plan, as of a model that is gone; a value that is none by its name', async () => {
  const none = () => Promise.reject(new Error('no model'));
  await requireRoom(run, { max_completion_length: 400 }, none);
  await expect(requireRoom(run, { max_completion_length: 1e9 }, plan(0))).rejects.toThrow(/must be <= 8192/);
});
