/** `medr1 runs` beside a running server, and beside a run that no server trains. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { register } from '../../kernel-bridge/src/cli/runs.ts';
import { runJson } from '../../kernel-bridge/src/cli/testing/run-json.ts';
import { createRun, lockRun, openRun } from '../../kernel-bridge/src/runs/runs.ts';
import type { RunStore } from '../../kernel-bridge/src/runs/store.ts';
import { Command } from 'commander';
import { fakeLoadItems } from './fake-trainer.ts';
import { ENDLESS, fakeConfig, makeHome, reached, testServer, until, type TestServer } from './harness.ts';

let t: TestServer;
beforeEach(async () => {
  t = await testServer();
  vi.stubEnv('MEDR1_HOME', t.home);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await t.close();
});
const asked = (run: RunStore): string[] => run.pending().map(({ action }) => action);
const runs = (...args: string[]) => runJson([register], ['runs', ...args]);

it('a run is paused, resumed, stopped, resumed again and deleted', async () => {
  const { id } = await t.client.createRun(t.config(ENDLESS));
  await reached(t.client, id, 'running');
  await runs('pause', id);
  await reached(t.client, id, 'paused');
  await runs('resume', id);
  await reached(t.client, id, 'running');
  await runs('stop', id);
  await reached(t.client, id, 'stopped');
  await expect(runs('stop', id)).rejects.toMatchObject({ http: 409 });
  await runs('resume', id);
  await reached(t.client, id, 'running');
  await expect(runs('delete', id)).rejects.toMatchObject({ http: 409 });
  await runs('stop', id);
  await reached(t.client, id, 'stopped');
  const { removed } = await until(() => runs('delete', id).catch((error: Error) => error.message));
  expect(removed).toBe(id);
  await expect(runs('pause', id)).rejects.toMatchObject({ code: 'RUN_UNKNOWN' });
});

it('the queue is listed with its reasons, put into another order, held and released', async () => {
  const { id: first } = await t.client.createRun(t.config({ ...ENDLESS, run_name: 'first' }));
  await reached(t.client, first, 'running');
  const [a, b, c] = await Promise.all(
    ['a', 'b', 'c'].map(async (run_name) => (await t.client.createRun(t.config({ ...ENDLESS, run_name }))).id),
  );
  const queue = async (...args: string[]): Promise<string[]> => (await runs('queue', ...args)).queue.map(({ id }: { id: string }) => id);
  expect((await queue()).toSorted()).toEqual([a, b, c].toSorted());
  const [, middle, last] = await queue();
  expect((await queue(last, '--first'))[0]).toBe(last);
  expect((await queue(last, '--first'))[0]).toBe(last); // where it is already
  expect((await queue(last, '--last')).at(-1)).toBe(last);
  expect((await queue(last, '--before', middle)).slice(1)).toEqual([last, middle]);
  const heldOf = async (id: string, ...args: string[]) =>
    (await runs('queue', id, ...args)).queue.find((one: { id: string }) => one.id === id);
  expect(await heldOf(middle, '--hold')).toMatchObject({ held: true, kind: 'train', reason: expect.stringMatching(/\w/) });
  expect(await heldOf(middle, '--release')).toMatchObject({ held: false });
  await expect(queue(first, '--hold')).rejects.toThrow(/does not wait for a device/);
  await expect(queue('--hold')).rejects.toThrow(/--hold needs a run/);
  await expect(queue(middle, '--hold', '--last')).rejects.toThrow(/goes without/);
});

it('what the server refuses is not asked of the run either: one that is being stopped is not resumed', async () => {
  const { id } = await t.client.createRun(t.config({ ...ENDLESS, learning_rate: 2 })); // a step of 2 s, in which the stop waits
  await reached(t.client, id, 'running');
  await runs('stop', id);
  await expect(runs('resume', id)).rejects.toMatchObject({ code: 'RUN_CONFLICT', message: expect.stringContaining('stopping') });
  using run = openRun(t.home, id);
  expect(asked(run)).not.toContain('resume');
  await reached(t.client, id, 'stopped');
});

it('without a server a run is asked itself while a process trains it, and not to go on once it is to stop', async () => {
  const { home, model, remove } = makeHome();
  vi.stubEnv('MEDR1_HOME', home);
  {
    using run = await createRun(home, fakeConfig(model), { loadItems: fakeLoadItems });
    const { id } = run.row();
    await expect(runs('pause', id)).rejects.toMatchObject({ code: 'SERVER_ABSENT' });
    using _ = lockRun(run.directory);
    run.setState('running');
    await runs('pause', id);
    await runs('stop', id);
    await expect(runs('resume', id)).rejects.toMatchObject({ code: 'RUN_CONFLICT', message: expect.stringContaining('stopping') });
    expect(asked(run)).toEqual(['pause', 'stop']);
  }
  remove();
});

it('a fork is started at once where asked', async () => {
  const { id } = await t.client.createRun(t.config({ max_steps: 2, save_steps: 1 }));
  await reached(t.client, id, 'finished');
  const shelf = await runs('fork', id, '1', '--set', 'max_steps=4');
  expect(shelf.started_at).toBeNull();
  const fork = await runs('fork', id, '1', '--set', 'max_steps=4', '--start');
  await reached(t.client, fork.id, 'finished');
  expect((await t.client.run(fork.id)).summary.step).toBe(4);
});

it('metrics go to standard output or into a file', async () => {
  const { id } = await t.client.createRun(t.config({ max_steps: 3 }));
  await reached(t.client, id, 'finished');
  const out: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean(out.push(String(text))));
  const program = new Command();
  register(program);
  try {
    await program.parseAsync(['runs', 'metrics', id, '--csv', '-'], { from: 'user' });
  } finally {
    write.mockRestore();
  }
  const lines = out.join('').trim().split('\n');
  expect(lines).toHaveLength(4);
  expect(lines[0]).toMatch(/^step,/);
  const file = join(t.home, 'metrics.csv');
  await program.parseAsync(['runs', 'metrics', id, '--csv', file], { from: 'user' });
  expect(readFileSync(file, 'utf8')).toBe(out.join(''));
  await expect(program.parseAsync(['runs', 'metrics', id, '--csv', file], { from: 'user' })).rejects.toMatchObject({ exit: 2 });
});
