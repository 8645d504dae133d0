/** A disk that is full to its last byte at random moments: the run is paused with a clear state and comes to the bits of a run that never met it. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TrainConfig } from '../../kernel-bridge/src/protocol/index.ts';
import { reached, until, workerPid } from './harness.ts';
import { tinyServer, type TinyServer } from './tiny-server.ts';
import { everythingOf } from './whole-run.ts';

const disk = mkdtempSync(join(tmpdir(), 'medr1-disk-'));
const home = join(disk, 'home');
const filler = join(disk, 'filler');

/** A file system of 96 MB in memory, which takes the rights of root. */
function mounted(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'tmpfs', disk], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function fill(): void {
  const file = openSync(filler, 'w');
  for (const size of [1 << 20, 4096, 1]) {
    const zeros = Buffer.alloc(size);
    try {
      while (writeSync(file, zeros) === size);
    } catch {
      // no more of this size fits
    }
  }
  closeSync(file);
}
const makeRoom = (): void => rmSync(filler, { force: true });

describe.skipIf(!mounted())('a full disk (skipped where tmpfs cannot be mounted)', () => {
  let made: TinyServer;
  let tiny: TinyServer['tiny'];
  let t: TinyServer['server'];
  beforeAll(async () => {
    mkdirSync(home);
    made = await tinyServer({ home });
    ({ tiny, server: t } = made);
  });
  afterEach(makeRoom);
  afterAll(async () => {
    await made[Symbol.asyncDispose]();
    execFileSync('umount', ['-l', disk]);
    rmSync(disk, { recursive: true });
  });

  const STEPS = 30;
  const create = async (changes: Partial<TrainConfig> = {}, start = true): Promise<string> => {
    const settings = { max_steps: STEPS, save_steps: 3, eval_steps: 2, eval_samples: 4, per_device_train_batch_size: 16 };
    return (await t.client.createRun({ ...tiny.config({ ...settings, dataset_test_split: 'test', ...changes }) }, { start })).id;
  };
  const stepOf = async (id: string): Promise<number> => (await t.client.run(id)).summary.step;
  const stepped = (id: string, step: number) => until(async () => ((await stepOf(id)) >= step ? true : `not at step ${step}`), 300_000);
  const pausedFull = (id: string) =>
    until(async () => {
      const { state, error } = (await t.client.run(id)).summary;
      return state === 'paused' && error?.code === 'DISK_FULL' ? true : `the run is ${state} ${error?.message}`;
    });

  /** The disk is full for a while, some time after each of these steps. */
  async function filled(id: string, steps: number[]): Promise<void> {
    for (const step of steps) {
      await stepped(id, step);
      await wait(Math.random() * 100);
      fill();
      await pausedFull(id);
      makeRoom();
      await until(async () => ((await t.client.run(id)).summary.state === 'paused' ? 'still paused' : true));
    }
  }

  it.each([1, 2])('pauses a run of %i processes, and its bits are those of a run that never met it', async (processes) => {
    const straight = await create({ dp_shards: processes });
    await stepped(straight, STEPS);
    await reached(t.client, straight, 'finished');
    const id = await create({ dp_shards: processes, processes });
    await filled(id, [1, 9, 17]);
    await stepped(id, STEPS);
    await reached(t.client, id, 'finished');
    const [got, expected] = await Promise.all([id, straight].map((each) => everythingOf(t.client, each)));
    expect(got).toEqual(expected);
    const { checkpoints } = await t.client.run(id);
    expect(readdirSync(join(home, 'runs', id, 'checkpoints'))).toEqual(checkpoints.map(({ path }) => path.split('/').at(-1)));
    expect(readdirSync(join(home, 'runs', id))).not.toContain('reserve');
  });

  it('pauses a run of two processes that skips its steps, and all of its evidence is kept in the end', async () => {
    const long = { per_device_train_batch_size: 128, max_completion_length: 32 }; // five skipped steps end the run: long ones, so that one is met
    const id = await create({ ...long, dp_shards: 2, processes: 2, scale_rewards: 'none', reward_weights: [1e30, 1e30] });
    await reached(t.client, id, 'starting', 'running');
    await t.client.action(id, 'pause');
    await reached(t.client, id, 'paused');
    await t.client.action(id, 'resume');
    fill();
    await pausedFull(id);
    makeRoom();
    expect((await reached(t.client, id, 'failed', 'finished', 'interrupted')).error).toMatchObject({ code: 'TRAIN_NOT_FINITE' });
    const kept = readdirSync(join(home, 'runs', id, 'evidence')).sort();
    expect(kept).toEqual(['state-before-step-5', ...[1, 2, 3, 4, 5].map((step) => `step-${step}.json`)]);
  });

  it('keeps no stop waiting: the run ends as interrupted, and resumes from its checkpoint', async () => {
    const id = await create({ max_steps: 1000 });
    await stepped(id, 5);
    fill();
    await pausedFull(id);
    await t.client.action(id, 'stop');
    const { error } = await reached(t.client, id, 'interrupted', 'stopped', 'failed');
    expect(error).toMatchObject({ code: 'DISK_FULL', remedy: expect.stringContaining('then resume') });
    makeRoom();
    await t.client.action(id, 'resume');
    await reached(t.client, id, 'running');
    await t.client.action(id, 'stop');
    await reached(t.client, id, 'stopped');
  });

  it('refuses a new run by name and leaves nothing of it; one that was to start waits, and the server lives', async () => {
    const id = await create({ max_steps: 4 }, false);
    const before = readdirSync(join(home, 'runs'));
    fill();
    await expect(t.client.createRun({ ...tiny.config() })).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringContaining('is full'),
    });
    expect(readdirSync(join(home, 'runs'))).toEqual(before);
    await expect(t.client.action(id, 'start')).rejects.toMatchObject({ code: 'DISK_FULL' });
    makeRoom();
    await t.client.action(id, 'start');
    await reached(t.client, id, 'finished');
  });

  it('a worker that is killed on a full disk is marked as soon as there is room', async () => {
    const id = await create({ max_steps: 1000 });
    await stepped(id, 4);
    fill();
    await pausedFull(id);
    fill(); // what the run had kept for its own words too
    const said = vi.spyOn(process.stderr, 'write');
    process.kill(workerPid(home, id), 'SIGKILL');
    const refused = () => said.mock.calls.some(([text]) => String(text).startsWith(`${id}: `) && String(text).includes('is full'));
    await until(() => (refused() ? true : 'the server has not tried to mark it yet'));
    said.mockRestore();
    makeRoom();
    expect((await reached(t.client, id, 'interrupted')).error).toMatchObject({ code: 'WORKER_DIED' });
  });
});
