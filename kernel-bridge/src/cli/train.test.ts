import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { makeTiny } from '../rl/testing/tiny.ts';
import { prepareHome } from '../runs/home.ts';
import { tryLock } from '../log/lock.ts';
import { createRun, listRuns, lockFile } from '../runs/runs.ts';
import { fakeStep } from '../../../test/server/fake-trainer.ts';

const main = fileURLToPath(new URL('main.ts', import.meta.url));

it('goes on with a run that was killed together with what supervised it, and so still says that it trains', async () => {
  await using tiny = await makeTiny();
  const home = prepareHome(join(tiny.directory, 'home'));
  const loadItems = () => Promise.resolve({ root: tiny.directory, items: tiny.items, left_out: 0, hash: 'h' });
  const config = tiny.config({ max_steps: 1, model_name_or_path: tiny.model, dataset_name: join(tiny.directory, 'items.json') });
  let id: string;
  {
    using store = await createRun(home, config, { loadItems });
    store.setState('running');
    ({ id } = store.row());
  }
  const env = { ...process.env, MEDR1_HOME: home };
  const failed = await promisify(execFile)(process.execPath, [main, 'train', '--resume', id, '--json'], { env }).catch((error) => error);
  expect(String(failed.stderr)).not.toContain('RUN_CONFLICT');
  expect(String(failed.stderr)).toContain('items.json'); // it was tried: there is no such data
});

it('says why a run that failed before its first checkpoint fails again, and ends with 1', async () => {
  await using tiny = await makeTiny();
  const home = prepareHome(join(tiny.directory, 'home'));
  const loadItems = () => Promise.resolve({ root: tiny.directory, items: tiny.items, left_out: 0, hash: 'h' });
  const config = tiny.config({ max_steps: 3, model_name_or_path: tiny.model, dataset_name: join(tiny.directory, 'items.json') });
  let id: string;
  {
    using store = await createRun(home, config, { loadItems });
    for (const step of [1, 2]) store.commitStep(fakeStep(step, undefined, 2, 1));
    store.setState('failed', { code: 'X', message: 'before', remedy: 'none' });
    ({ id } = store.row());
  }
  const env = { ...process.env, MEDR1_HOME: home };
  const failed = await promisify(execFile)(process.execPath, [main, 'train', '--resume', id, '--json'], { env }).catch((error) => error);
  expect(failed.code).toBe(1);
  expect(JSON.parse(failed.stdout)).toMatchObject({ id, state: 'failed', step: 0 });
  expect(JSON.parse(failed.stderr)).toMatchObject({ error: { message: expect.stringContaining('items.json') } });
});

it('refuses to train a run by itself whose rewards a kernel gives, and leaves it as it was', async () => {
  await using tiny = await makeTiny();
  const home = prepareHome(join(tiny.directory, 'home'));
  const loadItems = () => Promise.resolve({ root: tiny.directory, items: tiny.items, left_out: 0, hash: 'h' });
  const config = tiny.config({
    max_steps: 3,
    model_name_or_path: tiny.model,
    dataset_name: tiny.directory,
    reward_funcs: ['accuracy', 'mine.py'],
  });
  const served = { mine: { file: 'mine.py', source: 'def mine(): ...', sha256: 'f00d', runtime: 'kernel' as const } };
  const askKernel = () => Promise.resolve({ values: [0, 0, 0, 0] });
  using store = await createRun(home, config, { loadItems, served, askKernel });
  store.setState('stopped');
  const { id } = store.row();
  const env = { ...process.env, MEDR1_HOME: home };
  const resumed = [main, 'train', '--resume', id, '--processes', '2', '--json'];
  const failed = await promisify(execFile)(process.execPath, resumed, { env }).catch((error) => error);
  expect(JSON.parse(failed.stderr).error).toMatchObject({
    code: 'REWARD_KERNEL_UNREACHABLE',
    message: expect.stringContaining(`Run ${id} is rewarded by mine of a notebook's kernel`),
    remedy: expect.stringContaining(`medr1 reward set ${id} --remove mine`),
  });
  expect(store.row().state).toBe('stopped');
});

it('a device that does not exist is refused by name, and no run is made', async () => {
  await using tiny = await makeTiny();
  const home = prepareHome(join(tiny.directory, 'home'));
  const file = join(tiny.directory, 'run.yaml');
  writeFileSync(file, JSON.stringify(tiny.config({ device: 'cuda:9', model_name_or_path: tiny.model, dataset_name: tiny.directory })));
  const env = { ...process.env, MEDR1_HOME: home, CUDA_VISIBLE_DEVICES: '' };
  const failed = await promisify(execFile)(process.execPath, [main, 'train', file, '--json'], { env }).catch((error) => error);
  expect(JSON.parse(failed.stderr).error).toMatchObject({
    code: 'DEVICE_MISSING',
    message: 'There is no device cuda:9 here; there is cpu:0.',
  });
  expect(listRuns(home)).toEqual([]);
});

it('says which process trains a run that is resumed a second time', async () => {
  await using tiny = await makeTiny();
  const home = prepareHome(join(tiny.directory, 'home'));
  const loadItems = () => Promise.resolve({ root: tiny.directory, items: tiny.items, left_out: 0, hash: 'h' });
  const config = tiny.config({ max_steps: 1, model_name_or_path: tiny.model, dataset_name: join(tiny.directory, 'items.json') });
  using store = await createRun(home, config, { loadItems });
  const { id } = store.row();
  store.setState('running');
  using _lock = tryLock(lockFile(store.directory));
  const env = { ...process.env, MEDR1_HOME: home };
  const failed = await promisify(execFile)(process.execPath, [main, 'train', '--resume', id, '--json'], { env }).catch((error) => error);
  expect(failed.code).toBe(1);
  expect(JSON.parse(failed.stderr).error).toMatchObject({
    code: 'RUN_CONFLICT',
    message: expect.stringContaining(`process ${process.pid}`),
  });
  expect(store.row().state).toBe('running');
});
