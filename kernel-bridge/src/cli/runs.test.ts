/** `medr1 runs verify` and `export`, as users call them. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fakeStep } from '../../../test/server/fake-trainer.ts';
import { completeConfig } from '../runs/config.ts';
import { runDirectory } from '../runs/home.ts';
import { RunStore } from '../runs/store.ts';

const main = fileURLToPath(new URL('main.ts', import.meta.url));
const ID = '20260101-000000-aaaa';
let home: string;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'medr1-runs-'));
  mkdirSync(runDirectory(home, ID), { recursive: true });
  const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd', per_device_train_batch_size: 8 });
  using run = RunStore.create(runDirectory(home, ID), { id: ID, name: 'x', parent: null, config, root: '/data', data_hash: 'h' });
  for (const step of [1, 2, 3]) run.commitStep(fakeStep(step), run.dueRewards());
});
afterAll(() => rmSync(home, { recursive: true }));

const runs = (...args: string[]): Promise<{ code: number; out: string; error: string }> =>
  new Promise((done) => {
    execFile(process.execPath, [main, 'runs', ...args], { env: { ...process.env, MEDR1_HOME: home } }, (failed, out, error) =>
      done({ code: failed ? Number(failed.code) : 0, out, error }),
    );
  });

it('verify says that a run holds, and names the first bad step of one that does not', async () => {
  expect(await runs('verify', ID)).toMatchObject({
    code: 0,
    out: `${ID} holds what was written: 3 steps, 5 log entries, 0 checkpoints.\n`,
  });
  expect(JSON.parse((await runs('verify', ID, '--json')).out)).toMatchObject({ run: ID, digests: true, steps: 3 });
  {
    using run = RunStore.open(runDirectory(home, ID));
    run.db.exec('UPDATE completion SET advantage = 0 WHERE step = 2');
  }
  const { code, error } = await runs('verify', ID, '--json');
  expect(code).toBe(1);
  expect(JSON.parse(error).error).toMatchObject({ code: 'RUN_DAMAGED', message: expect.stringContaining('at step 2') });
});

it('rescue makes a run of the steps before the first bad one, and says what it can go on from', async () => {
  {
    using run = RunStore.open(runDirectory(home, ID));
    run.db.exec('UPDATE completion SET advantage = 0 WHERE step = 3');
  }
  expect(JSON.parse((await runs('verify', ID, '--json')).error).error.remedy).toContain(`medr1 runs rescue ${ID}`);
  const { code, out } = await runs('rescue', ID);
  expect(code).toBe(0);
  const [, id, steps] = /^(\S+): steps 1 to (\d) of /.exec(out)!;
  expect(out).toContain('It has no checkpoint');
  expect(await runs('verify', id)).toMatchObject({ code: 0, out: expect.stringContaining(`holds what was written: ${steps} steps`) });
  expect((await runs('rescue', id)).error).toContain('there is nothing to rescue');
});

it('export refuses a place that cannot be written, names it, and leaves nothing', async () => {
  for (const place of [join(home, 'absent/x.csv'), '/proc/x.csv']) {
    const { code, error } = await runs('export', ID, place, '--format', 'csv');
    expect(code).toBe(1);
    expect(error).toContain(`${place} cannot be written`);
    expect(error).toContain('Name a file in a folder that exists');
  }
  expect((await runs('export', ID, join(home, 'x.csv'), '--format', 'csv')).code).toBe(0);
  expect(readdirSync(home).sort()).toEqual(['runs', 'x.csv']);
});
