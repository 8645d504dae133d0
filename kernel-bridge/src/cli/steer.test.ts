/** `medr1 runs set` and `medr1 reward set` where no server runs. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { completeConfig } from '../runs/config.ts';
import { newRunId, runDirectory } from '../runs/home.ts';
import { RunStore } from '../runs/store.ts';
import { register as registerReward } from './reward.ts';
import { register as registerRuns } from './runs.ts';
import { runJson } from './testing/run-json.ts';

let home: string;
let id: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'medr1-steer-'));
  vi.stubEnv('MEDR1_HOME', home);
  id = newRunId();
  mkdirSync(runDirectory(home, id), { recursive: true });
  const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd', reward_funcs: ['accuracy', 'format', 'length_band'] });
  using _ = RunStore.create(runDirectory(home, id), { id, name: id, parent: null, config, root: '/data', data_hash: 'h' });
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true });
});

const medr1 = (...args: string[]) => runJson([registerRuns, registerReward], args);

it('shows settings, changes them, and brings a revision back', async () => {
  expect(await medr1('runs', 'set', id)).toMatchObject({ revision: 1, settings: { beta: 0.04 }, fixed: {} });
  const made = await medr1('runs', 'set', id, 'learning_rate=5e-7', 'epsilon_high=null', 'beta=0.02', '--reason', 'KL climbs');
  expect(made).toMatchObject({ revision: 2, settings: { learning_rate: 5e-7, beta: 0.02 }, reason: 'KL climbs', author: 'command line' });
  expect(await medr1('runs', 'set', id, '--revert', '1')).toMatchObject({ revision: 3, settings: { beta: 0.04 } });
  await expect(medr1('runs', 'set', id, 'beta=1', '--revert', '1')).rejects.toThrow(/--revert goes without settings/);
  await expect(medr1('runs', 'set', id, '--revert', 'one')).rejects.toThrow(/"one" is no whole number/);
  await expect(medr1('runs', 'set', id, 'lora_r=4')).rejects.toMatchObject({ code: 'SETTING_FIXED' });
});

it('gives rewards parameters and schedules', async () => {
  const args = ['--parameter', 'length_band.low=8', '--parameter', 'length_band.high=90', '--schedule', 'format=cosine:1:0.1:50'];
  expect(await medr1('reward', 'set', id, ...args)).toMatchObject({
    weights: { accuracy: 1, format: 1, length_band: 1 },
    parameters: { length_band: { low: 8, high: 90 } },
    weight_schedules: { format: { schedule: 'cosine', from: 1, to: 0.1, start: 1, end: 51 } },
  });
  expect(await medr1('reward', 'set', id, '--parameter', 'length_band.low=null', '--weight', 'format=1')).toMatchObject({
    parameters: { length_band: { high: 90 } },
    weight_schedules: {},
  });
  await expect(medr1('reward', 'set', id, '--parameter', 'low=8')).rejects.toThrow(/"low" is not function\.parameter/);
  await expect(medr1('reward', 'set', id, '--schedule', 'format=round:1:0:5')).rejects.toThrow(/is not name=shape:from:to:steps/);
});

it('rewards are shown without a change; a weight is given as a setting is', async () => {
  expect(await medr1('reward', 'set', id)).toMatchObject({ revision: 1, weights: { accuracy: 1, format: 1, length_band: 1 } });
  expect(await medr1('reward', 'set', id, 'format=0.3')).toMatchObject({ revision: 2, weights: { accuracy: 1, format: 0.3 } });
  await expect(medr1('reward', 'set', id, 'format=much')).rejects.toThrow(/"format=much" is not name=number/);
  await expect(medr1('reward', 'set', id, 'none.ts')).rejects.toMatchObject({ code: 'REWARD_FILE' });
});

it('lists the built-in functions with their parameters', async () => {
  const { functions } = await medr1('reward', 'list');
  const band = functions.find(({ name }: { name: string }) => name === 'length_band');
  expect(band).toMatchObject({ formula: expect.stringContaining('slope'), parameters: { properties: { low: { default: 32 } } } });
});
