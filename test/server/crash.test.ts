/** kill -9 at random moments, of the worker and of everything: no acknowledged step is lost, and the run goes on to the same numbers. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { connectHome } from '../../kernel-bridge/src/server/connect.ts';
import type { Client } from '../../kernel-bridge/src/client/index.ts';
import type { RunEvent } from '../../kernel-bridge/src/protocol/run.ts';
import { tryLock } from '../../kernel-bridge/src/log/lock.ts';
import { runDirectory } from '../../kernel-bridge/src/runs/home.ts';
import { isTraining, lockFile, openRun } from '../../kernel-bridge/src/runs/runs.ts';
import { verifyCheckpoint } from '../../kernel-bridge/src/runs/checkpoints.ts';
import { COMPUTED, rewardAt } from './fake-trainer.ts';
import { ENDLESS, fakeConfig, isAlive, kill9, makeHome, reached, testServer, until, workerPid } from './harness.ts';

const STEPS = 60;
const slow = { max_steps: STEPS, learning_rate: 0.004, save_steps: 7 };

const acknowledged = (seen: RunEvent[]): number => Math.max(0, ...seen.filter(({ kind }) => kind === 'step').map(({ step }) => step));

/** Every number of the run is that of a run never stopped. */
async function expectWhole(client: Client, id: string): Promise<void> {
  const table = await client.metrics(id, { names: ['reward'] });
  expect(table.step).toEqual(Array.from({ length: STEPS }, (_, i) => i + 1));
  expect(table.metrics.reward).toEqual(table.step.map((step) => rewardAt(step, 1)));
  const { events } = await client.events(id);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
}

describe('kill -9 of the worker', () => {
  it('at ten random moments loses no step that a client was told of, and each resume goes on from a valid checkpoint', async () => {
    const t = await testServer();
    try {
      const { id } = await t.client.createRun(t.config(slow));
      for (let kill = 0; kill < 10; kill++) {
        await reached(t.client, id, 'running', 'finished');
        const seen: RunEvent[] = [];
        const stop = t.client.subscribe(`run:${id}`, {}, (event) => seen.push(event));
        await new Promise((go) => setTimeout(go, 20 + Math.random() * 180));
        if ((await t.client.run(id)).summary.state === 'finished') break;
        kill9(workerPid(t.home, id));
        const { error, step } = await reached(t.client, id, 'interrupted', 'finished');
        stop();
        if (error) {
          expect(error).toMatchObject({ code: 'WORKER_DIED', message: expect.stringContaining('SIGKILL') });
          expect(step).toBeGreaterThanOrEqual(acknowledged(seen));
          for (const { path } of (await t.client.run(id)).checkpoints) await verifyCheckpoint(path);
          await t.client.action(id, 'resume');
        }
      }
      await reached(t.client, id, 'finished');
      await expectWhole(t.client, id);
    } finally {
      await t.close();
    }
  });
});

describe('kill -9 of the server', () => {
  const entry = resolve(import.meta.dirname, 'fake-serve.ts');

  function serve(home: string): Promise<{ child: ChildProcess; client: Client }> {
    const child = spawn(process.execPath, [entry, home], { stdio: ['pipe', 'pipe', 'inherit'] });
    return new Promise((ready, reject) => {
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
      createInterface(child.stdout!).once('line', () => void connectHome(home).then((client) => ready({ child, client }), reject));
    });
  }

  const stopped = (child: ChildProcess): Promise<unknown> => {
    child.removeAllListeners('exit');
    child.kill('SIGTERM');
    return once(child, 'exit');
  };

  it('lets the worker checkpoint and end as interrupted; a new server resumes it', async () => {
    const { home, model, remove } = makeHome();
    const first = await serve(home);
    const { id } = await first.client.createRun(fakeConfig(model, { ...slow, learning_rate: 0.05 }));
    const before = await until(async () => {
      const { summary } = await first.client.run(id);
      return summary.step >= 3 ? summary : 'no step yet';
    });
    first.child.kill('SIGKILL');
    await until(() => (isTraining(join(home, 'runs', id)) ? 'the worker still runs' : true));

    const second = await serve(home);
    const { summary, checkpoints } = await second.client.run(id);
    expect(summary).toMatchObject({ state: 'interrupted', error: { code: 'SERVER_STOPPED' } });
    expect(summary.step).toBeGreaterThanOrEqual(before.step);
    expect(checkpoints.at(-1)).toMatchObject({ step: summary.step, reason: 'interrupted' });
    await second.client.action(id, 'resume');
    await reached(second.client, id, 'finished');
    await expectWhole(second.client, id);
    await stopped(second.child);
    remove();
  });

  it('together with its worker leaves a run that the next server marks interrupted, with a checkpoint to go on from', async () => {
    const { home, model, remove } = makeHome();
    const first = await serve(home);
    const { id } = await first.client.createRun(fakeConfig(model, { ...slow, learning_rate: 0.05 }));
    await until(async () => ((await first.client.run(id)).summary.step >= 10 ? true : 'no step yet'));
    const pid = workerPid(home, id);
    first.child.kill('SIGKILL');
    process.kill(pid, 'SIGKILL');
    await until(() => (isTraining(join(home, 'runs', id)) ? 'locked' : true));

    const second = await serve(home);
    expect((await second.client.run(id)).summary).toMatchObject({ state: 'interrupted', error: { code: 'WORKER_DIED' } });
    await second.client.action(id, 'resume');
    await reached(second.client, id, 'finished');
    await expectWhole(second.client, id);
    await stopped(second.child);
    remove();
  });
});

it('a damaged newest checkpoint is passed over for the one before, and the log says so', async () => {
  const t = await testServer();
  const { id } = await t.client.createRun(t.config({ ...ENDLESS, save_steps: 7 }));
  await until(async () => ((await t.client.run(id)).summary.step >= 16 ? true : 'no step yet'));
  await t.client.action(id, 'stop');
  await reached(t.client, id, 'stopped');
  const { checkpoints } = await t.client.run(id);
  const [older, newest] = checkpoints.slice(-2);
  writeFileSync(join(newest.path, 'model.safetensors'), 'damaged');
  const { epoch } = await t.client.metrics(id);
  await t.client.action(id, 'resume');
  await reached(t.client, id, 'running');
  await t.client.action(id, 'stop');
  await reached(t.client, id, 'stopped');
  const { events, epoch: after } = await t.client.events(id);
  expect(after).not.toBe(epoch);
  expect(events.find((event) => event.kind === 'alert' && event.code === 'STEPS_DROPPED')).toMatchObject({ step: older.step });
  expect(events.find((event) => event.kind === 'alert' && event.code === 'CHECKPOINT_DAMAGED')).toBeTruthy();
  await t.close();
});

it('a run whose directory is removed ends its worker, makes nothing anew, and keeps no other run waiting', async () => {
  const t = await testServer();
  const { id } = await t.client.createRun(t.config({ ...slow, max_steps: 10_000 }));
  await until(async () => ((await t.client.run(id)).summary.step >= 2 ? true : 'no step yet'));
  const [pid, removed] = [workerPid(t.home, id), [] as unknown[]];
  let told = 0;
  t.client.subscribe('runs', {}, (event) => ++told && 'removed' in event && removed.push(event.removed));
  await until(() => (told > 0 ? true : 'the subscription has not begun'));
  const next = (await t.client.createRun(t.config())).id;
  // A file that the worker takes away meanwhile ends the removal early.
  await until(() => {
    rmSync(join(t.home, 'runs', id), { recursive: true, force: true, maxRetries: 10 });
    return existsSync(join(t.home, 'runs', id)) ? 'its directory is still there' : true;
  });
  await reached(t.client, next, 'finished');
  await until(() => (isAlive(pid) ? 'the worker lives' : true));
  expect((await t.client.runs()).map((run) => run.id)).toEqual([next]);
  expect(readdirSync(join(t.home, 'runs'))).toEqual([next]);
  await until(() => (removed.includes(id) ? true : 'not told that it is gone'));
  await t.close();
});

it('a program that holds the database keeps the run waiting, and it goes on', async () => {
  const t = await testServer();
  const { id } = await t.client.createRun(t.config({ max_steps: 40, learning_rate: 0.1, run_name: 'tells-steps' }));
  await until(async () => ((await t.client.run(id)).summary.step >= 2 ? true : 'no step yet'));
  const other = new DatabaseSync(join(t.home, 'runs', id, 'run.db'), { timeout: 5000 });
  other.exec('BEGIN IMMEDIATE');
  const { step } = (await t.client.run(id)).summary;
  const log = join(t.home, 'runs', id, 'worker.log');
  await until(() => (readFileSync(log, 'utf8').includes(`${COMPUTED} ${step + 1}\n`) ? true : 'the next step is not computed yet'));
  expect((await t.client.run(id)).summary).toMatchObject({ state: 'running', error: null, step });
  other.exec('ROLLBACK'); // how long the worker would wait: kernel-bridge/src/worker/worker.test.ts
  other.close();
  await reached(t.client, id, 'finished');
  await t.close();
});

it('a run that cannot be read keeps nobody from making another', async () => {
  const t = await testServer();
  const { id } = await t.client.createRun(t.config());
  await reached(t.client, id, 'finished');
  const broken = id.replace(/^\d{4}/, '2020');
  mkdirSync(join(t.home, 'runs', broken));
  writeFileSync(join(t.home, 'runs', broken, 'run.db'), 'no database');
  const again = await t.client.createRun(t.config(), { start: false });
  expect(again.state).toBe('queued');
  await t.close();
});

it('two workers never train one run', async () => {
  const t = await testServer();
  const { id } = await t.client.createRun(t.config(ENDLESS));
  await reached(t.client, id, 'running');
  const second = spawn(process.execPath, [resolve(import.meta.dirname, 'fake-worker.ts'), 'train', join(t.home, 'runs', id), t.home], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  second.stderr!.on('data', (text) => (said += text));
  const code = await new Promise((done) => second.once('exit', done));
  expect(code).not.toBe(0);
  expect(said).toContain('is already being trained by');
  expect((await t.client.run(id)).summary.state).toBe('running');
  await t.close();
});

it('runs wait for the device in the order they came', async () => {
  const t = await testServer();
  const ids: string[] = [];
  for (const changes of [ENDLESS, ENDLESS, { max_steps: 30 }]) ids.push((await t.client.createRun(t.config(changes))).id);
  await reached(t.client, ids[0], 'running');
  expect((await t.client.run(ids[2])).summary.state).toBe('queued');
  expect((await t.client.run(ids[1])).summary.state).toBe('queued');
  await t.client.action(ids[1], 'stop');
  await t.client.action(ids[0], 'stop');
  await reached(t.client, ids[2], 'finished');
  const [first, last] = await Promise.all([t.client.run(ids[0]), t.client.run(ids[2])]);
  expect(first.summary.state).toBe('stopped');
  expect(last.summary.started_at!).toBeGreaterThanOrEqual(first.summary.ended_at!);
  expect((await t.client.run(ids[1])).summary.state).toBe('stopped');
  using store = openRun(t.home, ids[1]);
  expect(store.step).toBe(0);
  await t.close();
});

it('a resume waits for a process that has written its end and is about to leave', async () => {
  const t = await testServer();
  try {
    const { id } = await t.client.createRun(t.config({ max_steps: 40, learning_rate: 0.02 }));
    await reached(t.client, id, 'running');
    await t.client.action(id, 'stop');
    await reached(t.client, id, 'stopped');
    const directory = runDirectory(t.home, id);
    const lock = await until(() => tryLock(lockFile(directory)) ?? 'the worker is still there'); // as a worker of a killed server has it
    const resumed = t.client.action(id, 'resume');
    await expect(Promise.race([resumed, wait(300, 'waits')])).resolves.toBe('waits');
    lock.release();
    await resumed;
    await reached(t.client, id, 'finished');
  } finally {
    await t.close();
  }
});
