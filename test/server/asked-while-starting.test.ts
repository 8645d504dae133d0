/** What is asked of a run between the decision to start it and its worker's first look at it: a worker that comes late leaves it alone. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunState } from '../../kernel-bridge/src/protocol/run.ts';
import { openRun } from '../../kernel-bridge/src/runs/runs.ts';
import { ENDLESS, reached, testServer, until, type TestServer } from './harness.ts';

let t: TestServer;
beforeAll(async () => {
  t = await testServer();
});
afterAll(() => t.close());

function states(id: string): RunState[] {
  using run = openRun(t.home, id);
  return run.events(0).flatMap((event) => (event.kind === 'state' ? [event.state] : []));
}

/** Each of its workers has come and gone. */
const settled = (id: string) =>
  until(() => {
    const log = readFileSync(join(t.home, 'runs', id, 'worker.log'), 'utf8');
    const [came, left] = [/ pid \d+/g, / ended: /g].map((line) => log.match(line)?.length ?? 0);
    return came > 0 && came === left ? true : `${came} workers came, ${left} left`;
  });

it('a stop in the moment in which the queue starts it is kept', async () => {
  const { id } = await t.client.createRun(t.config(ENDLESS));
  await t.client.action(id, 'stop');
  await settled(id);
  const seen = states(id);
  expect(seen.at(-1)).toBe('stopped');
  if (!seen.includes('starting')) expect(seen).not.toContain('running');
});

it('the same at any moment after, and the run goes on when it is resumed', async () => {
  for (const ms of [0, 50, 150, 300, 600]) {
    const { id } = await t.client.createRun(t.config({ max_steps: 3 }), { start: false });
    await t.client.action(id, 'start');
    await wait(ms);
    await t.client.action(id, 'stop');
    await settled(id);
    const { state } = (await t.client.run(id)).summary;
    expect(['stopped', 'finished']).toContain(state);
    if (state === 'finished') continue;
    await t.client.action(id, 'resume');
    await reached(t.client, id, 'finished');
  }
});

it('a stop that the terminal asked for before the worker was there is kept', async () => {
  const { id } = await t.client.createRun(t.config(ENDLESS), { start: false });
  using run = openRun(t.home, id);
  run.enqueue();
  run.command('stop');
  expect(run.take()).toBe('stopped');
  expect(run.take()).toBe('stopped');
});

it('deleted or paused: refused while its worker is on its way, and each says what to do', async () => {
  const { id } = await t.client.createRun(t.config({ ...ENDLESS, save_steps: 1 }));
  for (const ask of [() => t.client.deleteRun(id), () => t.client.action(id, 'pause')])
    await expect(ask()).rejects.toMatchObject({ code: 'RUN_CONFLICT' });
  await reached(t.client, id, 'running');
  await t.client.action(id, 'stop');
  await reached(t.client, id, 'stopped');
  await t.client.deleteRun(id); // waits for the worker to leave
  await expect(t.client.run(id)).rejects.toMatchObject({ code: 'RUN_UNKNOWN' });
});
