/** One run over several processes: the same bits, edits at one step on all of them, and a named end when one is gone. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrainConfig } from '../../kernel-bridge/src/protocol/index.ts';
import { ENDLESS, reached, until, workerPid } from './harness.ts';
import { tinyServer, type TinyServer } from './tiny-server.ts';
import { everythingOf } from './whole-run.ts';

let made: TinyServer;
let tiny: TinyServer['tiny'];
let t: TinyServer['server'];
beforeAll(async () => {
  made = await tinyServer();
  ({ tiny, server: t } = made);
});
afterAll(() => made[Symbol.asyncDispose]());

const SETTINGS: Partial<TrainConfig> = {
  dp_shards: 2,
  max_steps: 6,
  save_steps: 2,
  eval_steps: 3,
  eval_samples: 6,
  dataset_test_split: 'test',
};
const create = async (changes: Partial<TrainConfig>): Promise<string> =>
  (await t.client.createRun({ ...tiny.config({ ...SETTINGS, ...changes }) })).id;

/** Processes that a worker started beside itself. */
async function followers(id: string): Promise<number[]> {
  return until(() => {
    const log = join(t.home, 'runs', id, 'worker.log');
    if (!existsSync(log) || !readFileSync(log, 'utf8').includes('pid ')) return 'no worker';
    const worker = workerPid(t.home, id);
    const file = `/proc/${worker}/task/${worker}/children`;
    const pids = existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number) : [];
    return pids.length > 0 ? pids : 'no follower';
  });
}

/** Not a process any more, or one that has ended and waits to be collected. */
const isGone = (pid: number): boolean => {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
};

describe('a run of two processes', () => {
  it('is the run of one process, to the bit, and goes on from the kill of any of its processes', async () => {
    const one = await create({ processes: 1 });
    await reached(t.client, one, 'finished');
    const two = await create({ processes: 2, max_steps: 6 });
    const [follower] = await followers(two);
    await until(async () => ((await t.client.run(two)).summary.step >= 2 ? true : 'not at step 2'));
    process.kill(follower, 'SIGKILL');
    const { state, error } = await reached(t.client, two, 'failed', 'finished');
    if (state === 'failed')
      expect(error).toMatchObject({ code: 'RANK_LOST', message: expect.stringMatching(/^Rank 0 of 2 lost another process/) });
    if (state === 'failed') await t.client.action(two, 'resume');
    await reached(t.client, two, 'finished');
    const [got, expected] = await Promise.all([two, one].map((id) => everythingOf(t.client, id)));
    expect(got).toEqual(expected);
  });

  it('takes an edit of the rewards, and one of the settings, at one step on all processes, pauses and stops', async () => {
    const id = await create({ ...ENDLESS, processes: 2 });
    await until(async () => ((await t.client.run(id)).summary.step >= 1 ? true : 'no step'));
    await t.client.editRewards(id, { base_revision: 1, weights: { accuracy_tolerant: 0.5, soft_overlong_punishment: 2 } });
    const edited = await until(
      async () => (await t.client.rewards(id)).find(({ revision, step }) => revision === 2 && step !== null) ?? 'no edit',
    );
    // Weights are compared after every step: an edit that one process took later would end the run.
    await until(async () => ((await t.client.run(id)).summary.step > edited.step! + 2 ? true : 'no step under the edit'));
    await t.client.editSettings(id, { settings: { learning_rate: 5e-4, num_generations: 2, max_completion_length: 6 } });
    const settled = await until(
      async () => (await t.client.rewards(id)).find(({ revision, step }) => revision === 3 && step !== null) ?? 'no edit of the settings',
    );
    await until(async () => ((await t.client.run(id)).summary.step > settled.step! + 2 ? true : 'no step under the settings'));
    const { groups } = await t.client.groups(id, { step: settled.step! });
    expect(groups.map(({ completions }) => completions.length)).toEqual([2, 2, 2, 2]);
    await t.client.action(id, 'pause');
    await reached(t.client, id, 'paused');
    const [follower] = await followers(id);
    await t.client.action(id, 'stop');
    await reached(t.client, id, 'stopped');
    await until(() => (isGone(follower) ? true : 'the follower is still there'));
  });

  it('leaves no process behind when its worker is killed', async () => {
    const id = await create({ ...ENDLESS, processes: 2 });
    const [follower] = await followers(id);
    await until(async () => ((await t.client.run(id)).summary.step >= 1 ? true : 'no step'));
    process.kill(workerPid(t.home, id), 'SIGKILL');
    await reached(t.client, id, 'interrupted');
    await until(() => (isGone(follower) ? true : 'the follower is still there'));
  });

  it('is refused where processes cannot share the shards', async () => {
    await expect(create({ processes: 3 })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('processes is 3; it must divide dp_shards (2)') as string,
    });
  });
});
