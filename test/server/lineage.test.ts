/** Forks and roll-backs, by REST and by the command. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRun } from '../../kernel-bridge/src/runs/runs.ts';
import { rewardAt } from './fake-trainer.ts';
import { ENDLESS, fakeConfig, makeHome, reached, testServer, until, type TestServer } from './harness.ts';

let t: TestServer;
let id: string;
beforeAll(async () => {
  t = await testServer();
  ({ id } = await t.client.createRun(t.config({ max_steps: 10, save_steps: 4, save_total_limit: 5 })));
  await reached(t.client, id, 'finished');
});
afterAll(() => t.close());

const main = resolve(import.meta.dirname, '../../kernel-bridge/src/cli/main.ts');
async function medr1(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { ...process.env, MEDR1_HOME: t.home };
  return promisify(execFile)(process.execPath, [main, ...args], { env }).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({ code: error.code, out: error.stdout, err: error.stderr }),
  );
}

describe('a fork', () => {
  it('has the parent’s history up to its checkpoint and goes on from there under its own configuration', async () => {
    const fork = await t.client.fork(id, { step: 4, config: { reward_weights: [5, 1], max_steps: 12, run_name: 'child' } });
    const parent = (await t.client.run(id)).summary;
    expect(fork).toMatchObject({ parent: id, name: 'child', step: 4, total_steps: 12, alert: null });
    expect(fork.inherited).toEqual([{ run: id, name: parent.name, variant: parent.variant, to: 4 }]);
    await reached(t.client, fork.id, 'finished');
    const table = await t.client.metrics(fork.id, { names: ['reward'] });
    expect(table.step).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(table.metrics.reward).toEqual(table.step.map((step) => rewardAt(step, step > 4 ? 5 : 1)));
    expect((await t.client.metrics(id)).epoch).not.toBe(table.epoch);
    expect((await t.client.run(id)).summary.step).toBe(10);
  });

  it('begins with the settings in force at its step; those that it is given take their place', async () => {
    const parent = await t.client.createRun(t.config({ max_steps: 8, save_steps: 4, save_total_limit: 5 }), { start: false });
    await t.client.editSettings(parent.id, { settings: { beta: 0.01 } });
    await t.client.editRewards(parent.id, { base_revision: 2, weights: { format: 0.3 } });
    await t.client.action(parent.id, 'start');
    await reached(t.client, parent.id, 'finished');
    const same = await t.client.fork(parent.id, { step: 4, start: false });
    expect((await t.client.settings(same.id)).settings).toMatchObject({ beta: 0.01 });
    const other = await t.client.fork(parent.id, { step: 4, config: { temperature: 0.7 }, start: false });
    expect((await t.client.settings(other.id)).settings).toMatchObject({ beta: 0.01, temperature: 0.7 });
    expect((await t.client.rewards(other.id)).map(({ step }) => step)).toEqual([1, 1, 1, null]);

    const weightsOf = async (config: Record<string, unknown>, reward_files = {}) => {
      const fork = await t.client.fork(parent.id, { step: 4, config, reward_files, start: false });
      return (await t.client.rewards(fork.id)).at(-1)!.weights;
    };
    expect(await weightsOf({})).toEqual({ accuracy: 1, format: 0.3 });
    expect(await weightsOf({ reward_weights: null })).toEqual({ accuracy: 1, format: 1 }); // what the parent began with, and left
    const mine = { 'mine.ts': 'export default (completions) => completions.map(() => 0);' };
    expect(await weightsOf({ reward_funcs: ['accuracy', 'mine.ts'] }, mine)).toEqual({ accuracy: 1, mine: 1 });
  });

  it('that could train no step is refused, and says what would let it', async () => {
    const before = readdirSync(join(t.home, 'runs'));
    await expect(t.client.fork(id, { step: 10 })).rejects.toMatchObject({
      code: 'FORK_ENDED',
      remedy: expect.stringContaining('max_steps'),
    });
    await expect(t.client.fork(id, { step: 8, config: { max_steps: 6 } })).rejects.toMatchObject({ code: 'FORK_ENDED' });
    expect(readdirSync(join(t.home, 'runs'))).toEqual(before);
  });

  it.each([{ model_name_or_path: '/elsewhere' }, { use_peft: true }, { trainer: 'sft' }])(
    'with other weights to train than its checkpoint has, %j, is refused',
    async (config) => {
      const before = readdirSync(join(t.home, 'runs'));
      await expect(t.client.fork(id, { step: 4, config })).rejects.toMatchObject({ code: 'CONFIG_INVALID', http: 422 });
      expect(readdirSync(join(t.home, 'runs'))).toEqual(before);
    },
  );

  it('of a step without a checkpoint, or with a bad key, is refused and leaves nothing', async () => {
    const before = readdirSync(join(t.home, 'runs'));
    await expect(t.client.fork(id, { step: 5 })).rejects.toMatchObject({ code: 'CHECKPOINT_UNKNOWN', remedy: 'It has: 4, 8, 10.' });
    await expect(t.client.fork(id, { step: 4, config: { bta: 1 } })).rejects.toMatchObject({ code: 'CONFIG_UNKNOWN_KEY' });
    expect(readdirSync(join(t.home, 'runs'))).toEqual(before);
  });
});

describe('a request that is sent again', () => {
  type Sent = { id: string; state: string };
  async function send(server: TestServer, path: string, body: object): Promise<Sent> {
    const { port } = server.server.address as { port: number };
    const headers = { authorization: `Bearer ${server.server.secret}`, 'content-type': 'application/json' };
    const answer = await fetch(`http://127.0.0.1:${port}/api${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return (await answer.json()) as Sent;
  }

  it('changes nothing, though another server than the first gets it', async () => {
    const { home, model, remove } = makeHome();
    const first = await testServer({ home });
    const { id: run } = await first.client.createRun(fakeConfig(model, { ...ENDLESS, save_steps: 2, save_total_limit: 100_000 }));
    await until(async () => ((await first.client.run(run)).checkpoints.length > 0 ? true : 'no checkpoint'));
    await first.client.action(run, 'pause');
    await reached(first.client, run, 'paused');
    const resume = { action: 'resume', request_id: 'r1' };
    await send(first, `/runs/${run}/actions`, resume);
    await reached(first.client, run, 'running');
    const fork = { step: 2, start: false, request_id: 'f1' };
    const forked = await send(first, `/runs/${run}/fork`, fork);
    await first.client.action(run, 'stop');
    await reached(first.client, run, 'stopped');
    await first.close();

    const second = await testServer({ home });
    expect(await send(second, `/runs/${run}/actions`, resume)).toMatchObject({ id: run, state: 'stopped' });
    expect((await send(second, `/runs/${run}/fork`, fork)).id).toBe(forked.id);
    expect(await second.client.runs()).toHaveLength(2);
    expect((await second.client.run(run)).summary.state).toBe('stopped');
    expect(await send(second, `/runs/${forked.id}/actions`, resume)).toMatchObject({ id: forked.id }); // the fork has no request of its parent
    await reached(second.client, forked.id, 'running');
    await second.close();
    remove();
  });

  it('leaves a run, a pair and a fork unstarted that it made for later, though it is sent again to start them', async () => {
    const { home, model, remove } = makeHome();
    const first = await testServer({ home });
    const config = fakeConfig(model, { max_steps: 8, save_steps: 4, save_total_limit: 5 });
    const { id: parent } = await first.client.createRun(config);
    await reached(first.client, parent, 'finished');
    const asked = [
      ['/runs', { config, request_id: 'c1' }],
      ['/pairs', { config, request_id: 'p1' }],
      [`/runs/${parent}/fork`, { step: 4, request_id: 'f1' }],
    ] as const;
    for (const [path, body] of asked) await send(first, path, { ...body, start: false });
    const made = await first.client.runs();
    expect(made).toHaveLength(5);
    await first.close();

    const second = await testServer({ home });
    for (const [path, body] of asked) await send(second, path, { ...body, start: true });
    const state = ({ id, state }: { id: string; state: string }) => [id, state];
    expect((await second.client.runs()).map(state)).toEqual(made.map(state));
    for (const { id } of made) {
      using run = openRun(home, id);
      expect(run.pending()).toEqual([]); // none waits for a device either
    }
    await second.close();
    remove();
  });
});

describe('medr1 runs', () => {
  it('list --json is one document, and list a table', async () => {
    const { out } = await medr1('runs', 'list', '--json');
    expect(JSON.parse(out).runs.map((run: { id: string }) => run.id)).toContain(id);
    expect((await medr1('runs', 'list')).out).toMatch(new RegExp(`${id} +finished +10/10 +1.900`));
  });

  it('a run that nobody has started is told from one that waits for a device', async () => {
    const { id: made } = await t.client.createRun(t.config(), { start: false });
    expect((await medr1('runs', 'list')).out).toMatch(new RegExp(`${made} +not started +0/`));
    expect((await medr1('runs', 'show', made)).out).toMatch(/^state +not started, step 0 /m);
    expect(JSON.parse((await medr1('runs', 'show', made, '--json')).out).summary.state).toBe('queued');
    await t.client.deleteRun(made);
  });

  it('show and export write what the store holds, whole files only', async () => {
    expect(JSON.parse((await medr1('runs', 'show', id, '--json')).out).summary.step).toBe(10);
    const out = join(t.home, 'exported');
    expect((await medr1('runs', 'export', id, out)).code).toBe(0);
    expect(readdirSync(out).sort()).toEqual(['config.yaml', 'events.jsonl', 'metrics.csv', 'notes.jsonl', 'rollouts.jsonl', 'run.json']);
    const rows = readFileSync(join(out, 'metrics.csv'), 'utf8').trim().split('\n');
    expect(rows[0]).toBe('step,time_ms,"reward","loss","rewards/accuracy/mean","kl"');
    expect(rows).toHaveLength(11);
    const groups = readFileSync(join(out, 'rollouts.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(groups).toHaveLength(20);
    expect(groups[19]).toMatchObject({ step: 10, group: 1 });
    const again = await medr1('runs', 'export', id, out);
    expect([again.code, again.err]).toEqual([2, expect.stringContaining('exists already')]);
  });

  it('rollback drops the steps after the checkpoint and the server shows it', async () => {
    const { code } = await medr1('runs', 'rollback', id, '8');
    expect(code).toBe(0);
    await until(async () => ((await t.client.run(id)).summary.step === 8 ? true : 'still at 10'));
    await t.client.action(id, 'resume');
    await reached(t.client, id, 'finished');
    expect((await t.client.metrics(id)).step).toHaveLength(10);
  });

  it('names an unknown run, with exit code 1 and the remedy on standard error alone', async () => {
    const { code, out, err } = await medr1('runs', 'show', '20260101-000000-aaaa', '--json');
    expect([code, out, JSON.parse(err).error.code]).toEqual([1, '', 'RUN_UNKNOWN']);
  });

  it('wrong usage is exit code 2', async () => {
    expect((await medr1('runs', 'show')).code).toBe(2);
    expect((await medr1('nonsense')).code).toBe(2);
    expect((await medr1('train')).code).toBe(2);
  });
});
