import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import type { Estimate } from '../protocol/index.ts';
import { makeTiny, type Tiny } from '../rl/testing/tiny.ts';
import { completeConfig } from '../runs/config.ts';
import { newRunId, runDirectory } from '../runs/home.ts';
import { editSettings } from '../runs/rewards.ts';
import { listRuns } from '../runs/runs.ts';
import { RunStore } from '../runs/store.ts';
import { register as registerRuns } from './runs.ts';
import { runJson, runText } from './testing/run-json.ts';
import { register } from './train.ts';

let tiny: Tiny;
let home: string;
beforeAll(async () => {
  tiny = await makeTiny();
  home = mkdtempSync(join(tmpdir(), 'medr1-plan-'));
  vi.stubEnv('MEDR1_HOME', home);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
  await tiny[Symbol.asyncDispose]();
});

it('says what a run would take, and starts nothing', async () => {
  const file = join(home, 'run.yaml');
  const data = join(home, 'items.jsonl');
  writeFileSync(data, tiny.items.map((item) => `${JSON.stringify({ ...item, image: join(tiny.directory, item.image) })}\n`).join(''));
  writeFileSync(
    file,
    stringify({ model_name_or_path: tiny.model, dataset_name: data, num_generations: 4, per_device_train_batch_size: 8, max_steps: 7 }),
  );
  const plan = (...more: string[]) => runJson([register], ['train', file, '--plan', ...more]) as Promise<Estimate>;
  const one = await plan();
  expect(one).toMatchObject({ processes: 1, fits: true, total_steps: 7, train_items: 6, seconds_per_step: null });
  const two = await plan('--processes', '2');
  expect(two.processes).toBe(2);
  expect(two.memory.optimizer).toBeLessThan(one.memory.optimizer);
  const said = await runText([register], ['train', file, '--plan', '--processes', '2']);
  expect(said).toMatch(/^memory +0\.\d GiB of [\d.]+ GiB, each of 2 processes: fits\nmost needed +in [a-z, ]+: (?!.* 0\.0 GiB)/);
  writeFileSync(file, stringify({ model_name_or_path: tiny.model, dataset_name: data, per_device_train_batch_size: 32, dp_shards: 4 }));
  await expect(plan('--processes', '8')).rejects.toMatchObject({
    message: '--processes 8: 8 processes cannot share dp_shards 4 equally', // the file's own number stays: another one would train to other bits
  });
  await expect(plan('--processes', '8', '--set', 'dp_shards=1')).rejects.toMatchObject({
    message: '--processes 8: 8 processes cannot share the 4 questions of a step equally',
  });
  expect((await plan('--processes', '2')).processes).toBe(2);
  expect(listRuns(home)).toEqual([]);
});

it('takes a configuration, not a run that is there', async () => {
  await expect(runJson([register], ['train', '--resume', 'some-run', '--plan'])).rejects.toMatchObject({
    message: expect.stringContaining('--plan'),
  });
});

it('holds what a run is set to against the plan where no server runs: lengths, and a revision that is brought back', async () => {
  const data = join(home, 'items.jsonl');
  writeFileSync(data, tiny.items.map((item) => `${JSON.stringify({ ...item, image: join(tiny.directory, item.image) })}\n`).join(''));
  const id = newRunId();
  mkdirSync(runDirectory(home, id), { recursive: true });
  const config = completeConfig({
    ...{ model_name_or_path: tiny.model, dataset_name: data, per_device_train_batch_size: 2048, max_completion_length: 8 },
  });
  {
    using run = RunStore.create(runDirectory(home, id), { id, name: id, parent: null, config, root: '/data', data_hash: 'h' });
    editSettings(run.db, { settings: { max_completion_length: 8192 }, reason: 'as an earlier version took it', author: '', time: 1 });
    editSettings(run.db, { settings: { max_completion_length: 8 }, reason: '', author: '', time: 2 });
  }
  const set = (...args: string[]) => runJson([registerRuns], ['runs', 'set', id, ...args]);
  const refused = { code: 'CONFIG_INVALID', message: expect.stringMatching(/max_completion_length.*by the memory plan/) };
  await expect(set('max_completion_length=8192')).rejects.toMatchObject(refused);
  await expect(set('--revert', '2')).rejects.toMatchObject(refused);
  expect(await set('max_completion_length=9', 'temperature=0.8')).toMatchObject({ settings: { max_completion_length: 9 } });
});
