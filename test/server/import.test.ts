/** Runs of other trainers on a server: how they come in, what rules see in them, and what is refused with them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { register } from '../../kernel-bridge/src/cli/runs.ts';
import { runJson } from '../../kernel-bridge/src/cli/testing/run-json.ts';
import type { Client } from '../../kernel-bridge/src/client/index.ts';
import { makeHome, testServer, until, type TestServer } from './harness.ts';

let t: TestServer;
let out: string;
let id: string;
beforeAll(async () => {
  t = await testServer({ alerts: true });
  vi.stubEnv('MEDR1_HOME', t.home);
  out = mkdtempSync(join(tmpdir(), 'medr1-output-'));
  mkdirSync(join(out, 'checkpoint-20'));
  const log_history = Array.from({ length: 20 }, (_, i) => ({ step: i + 1, reward: 1, 'completions/clipped_ratio': i < 5 ? 0 : 0.9 }));
  writeFileSync(join(out, 'checkpoint-20/trainer_state.json'), JSON.stringify({ max_steps: 20, log_history }));
  id = (await t.client.importRun({ path: out, name: 'From TRL' })).id;
});
afterAll(async () => {
  vi.unstubAllEnvs();
  rmSync(out, { recursive: true });
  await t.close();
});

it('is listed, finished, with its origin', async () => {
  const [run] = await t.client.runs();
  expect(run).toMatchObject({
    id,
    name: 'From TRL',
    state: 'finished',
    step: 20,
    imported: { from: join(out, 'checkpoint-20/trainer_state.json') },
  });
  expect((await t.client.metrics(id)).metrics.reward).toHaveLength(20);
});

it('rules see in it what the command sees, and its log keeps it', async () => {
  const { alerts } = await t.client.alerts(id);
  expect(alerts.map(({ rule, since, on }) => [rule, since, on])).toEqual([['truncated', 8, true]]);
  const checked = (await runJson([register], ['runs', 'check', id])) as { alerts: unknown };
  expect(checked.alerts).toEqual(alerts);
  await until(async () => {
    const { events } = await t.client.events(id, { kinds: ['alert'] });
    return events.length === 1 ? events : `${events.length} alerts in the log`;
  });
});

it('comes once, also when the request is sent again to a server that was started anew', async () => {
  const { home, remove } = makeHome();
  const body = { path: join(out, 'checkpoint-20'), name: 'Once', request_id: 'import-1' };
  const first = await testServer({ home });
  const { id: made } = await first.client.importRun(body);
  expect((await first.client.importRun(body)).id).toBe(made);
  await first.close();
  const anew = await testServer({ home });
  expect((await anew.client.importRun(body)).id).toBe(made);
  await expect(anew.client.importRun({ ...body, name: 'Twice' })).rejects.toMatchObject({ code: 'REQUEST_ID_USED', http: 409 });
  expect(await anew.client.runs()).toHaveLength(1);
  await anew.close();
  remove();
});

const REFUSED: [string, (client: Client, id: string) => Promise<unknown>][] = [
  ['be started, paused or stopped', (client, run) => client.action(run, 'resume')],
  ['be moved in a queue', (client, run) => client.moveInQueue(run, { held: true })],
  ['be forked', (client, run) => client.fork(run, { step: 20 })],
  ['be rolled back', (client, run) => client.rollback(run, { step: 20 })],
  ['take other rewards', (client, run) => client.editRewards(run, { weights: { format: 1 }, base_revision: 1 })],
  ['take other settings', (client, run) => client.editSettings(run, { settings: { beta: 1 } })],
  ['change its settings', (client, run) => client.settings(run)],
  ['go back to another revision', (client, run) => client.revert(run, { revision: 1 })],
  ['be asked', (client, run) => client.generate({ run, question: 'What is it?' })],
  ['be evaluated', (client, run) => client.evals.start({ run, dataset: out, split: 'test' } as never)],
];
it.each(REFUSED)('is refused by name: %s', async (what, call) => {
  await expect(call(t.client, id)).rejects.toMatchObject({
    code: 'RUN_IMPORTED',
    message: expect.stringMatching(new RegExp(`${id}.*cannot ${what}`)),
  });
});

it('what is no log is refused, by the server and by the command', async () => {
  await expect(t.client.importRun({ path: join(out, 'absent') })).rejects.toMatchObject({ code: 'IMPORT_NOT_FOUND', http: 404 });
  writeFileSync(join(out, 'trainer_state.json'), '{');
  await expect(t.client.importRun({ path: join(out, 'trainer_state.json') })).rejects.toMatchObject({
    code: 'IMPORT_UNREADABLE',
    http: 422,
  });
  await expect(runJson([register], ['runs', 'import', join(out, 'trainer_state.json')])).rejects.toMatchObject({
    code: 'IMPORT_UNREADABLE',
  });
});

it('one that the command imports comes into the list, and goes into the trash as any other', async () => {
  const made = (await runJson([register], ['runs', 'import', join(out, 'checkpoint-20')])) as { id: string };
  await until(async () => ((await t.client.runs()).some((run) => run.id === made.id) ? true : 'not in the list yet'));
  await t.client.deleteRun(made.id);
  expect((await t.client.runs()).map((run) => run.id)).toEqual([id]);
});
