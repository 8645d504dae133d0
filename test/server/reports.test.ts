/** A run that another machine trains and tells the server of, over a network that breaks: nothing lost, nothing twice, edits carried out once. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { makeBackend, type Backend } from '../../kernel-bridge/src/server/server.ts';
import { Reporter, workbenchAt } from '../../kernel-bridge/src/server/reporter.ts';
import { hasEnded, isActive } from '../../kernel-bridge/src/protocol/run.ts';
import { prepareHome } from '../../kernel-bridge/src/runs/home.ts';
import { createRun, openRun } from '../../kernel-bridge/src/runs/runs.ts';
import type { RunStore } from '../../kernel-bridge/src/runs/store.ts';
import { mulberry32 } from '../../kernel-bridge/src/stats/random.ts';
import { proxy, type Proxy } from '../faults/proxy.ts';
import { fakeLoadItems } from './fake-trainer.ts';
import { ENDLESS, fakeWorker, makeHome, reached, testServer, until, type TestServer } from './harness.ts';
import { rowsOf } from './whole-run.ts';

const SECRET = 'a'.repeat(64);
const sockets = mkdtempSync(join(tmpdir(), 'medr1-sock-'));
let t: TestServer;
let there: ReturnType<typeof makeHome>;
let backend: Backend;
let open: AsyncDisposableStack;
beforeAll(async () => {
  t = await testServer({ socket: join(sockets, 's'), secret: SECRET });
  there = makeHome();
  backend = makeBackend({ home: prepareHome(there.home), loadItems: fakeLoadItems, workerModule: fakeWorker, indexesData: false });
  open = new AsyncDisposableStack();
});
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});
afterAll(async () => {
  await backend.close();
  backend.hub.close();
  there.remove();
  await t.close();
  rmSync(sockets, { recursive: true, force: true });
});

let port = 40_000 + (process.pid % 20_000);

/** A way to the server which breaks after so many bytes at most. */
async function network(breaks_after: number): Promise<{ weather: Proxy; address: string }> {
  const weather = await proxy({ port: ++port }, { path: join(sockets, 's') }, mulberry32(1), { late_ms: 5, breaks_after });
  return { weather: open.use(weather), address: `http://127.0.0.1:${port}/api?token=${SECRET}` };
}

const WHOLE = 1e9;
/** A step in a tenth of a second: a run that the network keeps up with. */
const SLOW = { ...ENDLESS, learning_rate: 0.1 };

async function begin(changes: Record<string, unknown>): Promise<RunStore> {
  const config = { ...t.config(changes), model_name_or_path: there.model, dataset_name: there.model };
  const store = open.use(await createRun(there.home, config, { loadItems: fakeLoadItems }));
  const { id } = store.row();
  open.defer(async () => {
    if (!hasEnded(store.row().state)) store.command('stop');
    backend.supervisor.nudge(id);
    await until(() => (hasEnded(store.row().state) ? true : store.row().state));
  });
  backend.supervisor.startNow(id);
  return store;
}

function report(store: RunStore, address: string): Reporter {
  const app = backend.app(null);
  const headers = { host: 'localhost', authorization: `Bearer ${backend.secret}`, 'content-type': 'application/json' };
  const reporter = new Reporter({
    store,
    workbench: workbenchAt(address),
    carryOut: async ({ method, path, body }) =>
      app.request(`/api${path}`, { method, headers, ...(body === null ? {} : { body: JSON.stringify(body) }) }),
    note: () => undefined,
  });
  open.defer(async () => void (await reporter.end(1000)));
  return reporter;
}

it('is the same rows on both machines, whatever broke on the way, and each event reaches followers once', async () => {
  const { weather, address } = await network(100_000);
  const store = await begin({ max_steps: 20, save_steps: 5 });
  const { id } = store.row();
  const reporter = report(store, address);
  await until(async () => ((await t.client.runs()).some((run) => run.id === id) ? true : 'the run is not there'));
  const seqs: number[] = [];
  open.defer(t.client.subscribe(`run:${id}`, { since: 0 }, ({ seq }) => seqs.push(seq)));
  await until(() => (store.row().state === 'finished' ? true : `${store.row().state} at ${store.step}`));
  expect(await reporter.end()).toBe(true);
  expect(weather.disturbed).toBeGreaterThan(0); // how often depends on how many rows go together
  expect(rowsOf(t.home, id)).toEqual(rowsOf(there.home, id));
  await until(() => (seqs.length === store.seq ? true : `${seqs.length} events`));
  expect(seqs).toEqual(seqs.map((_, at) => at + 1));
  const { summary } = await t.client.run(id);
  expect(summary).toMatchObject({ state: 'finished', step: 20, reported: { directory: store.directory } });
  expect((await t.client.search.find({ runs: [id], text: 'step' })).total).toBeGreaterThan(0);
});

it('takes edits, a pause, a checkpoint and a stop from the server, also where their answers are lost on the way', async () => {
  const { address } = await network(100_000);
  const store = await begin(SLOW);
  const { id } = store.row();
  report(store, address);
  await until(async () => ((await t.client.runs()).some((run) => run.id === id && run.step > 1) ? true : 'the run is not there'));
  const revision = await t.client.editRewards(id, { base_revision: 1, weights: { accuracy: 0.25 } });
  expect(revision).toMatchObject({ revision: 2, weights: { accuracy: 0.25 } });
  await expect(t.client.editRewards(id, { base_revision: 1, weights: { accuracy: 1 } })).rejects.toMatchObject({ code: 'REWARDS_STALE' });
  await until(async () => ((await t.client.rewards(id)).at(-1)?.step ? true : 'not in force here'));
  expect(store.db.prepare('SELECT count(*) AS n FROM reward_revision').get()).toEqual({ n: 2 });
  await t.client.action(id, 'pause');
  await reached(t.client, id, 'paused');
  await t.client.action(id, 'stop');
  await reached(t.client, id, 'stopped');
  expect(store.db.prepare("SELECT count(*) AS n FROM command WHERE action IN ('pause', 'stop')").get()).toEqual({ n: 2 });
  await expect(t.client.rollback(id, { step: 1 })).rejects.toMatchObject({
    code: 'RUN_CONFLICT',
    message: expect.stringContaining('is trained by'),
  });
});

it('goes on from where the copy stands when the run is resumed and reported again, with the steps that were dropped gone', async () => {
  const { address } = await network(WHOLE);
  const store = await begin({ ...SLOW, save_steps: 3 });
  const { id } = store.row();
  const first = report(store, address);
  await until(() => (store.step > 4 ? true : `step ${store.step}`));
  store.command('stop');
  backend.supervisor.nudge(id);
  await until(() => (store.row().state === 'stopped' ? true : store.row().state));
  await first.end();
  await backend.supervisor.settled(id);
  store.dropAfter(3, { revisions: 'repeat' }); // as a resume from an older checkpoint does
  const second = report(store, address);
  expect(await second.end()).toBe(true);
  expect(rowsOf(t.home, id)).toEqual(rowsOf(there.home, id));
  expect((await t.client.metrics(id)).step.at(-1)).toBe(3);
  store.db.exec('DELETE FROM change; UPDATE run SET name = name'); // what the copy lacks is not told of any more
  using copy = openRun(t.home, id);
  copy.db.exec('UPDATE report SET at = 1');
  expect(await report(store, address).end()).toBe(true);
  expect(rowsOf(t.home, id)).toEqual(rowsOf(there.home, id));
});

it('says that the machine is away, lets the run be ended here, and takes it anew when it is back', async () => {
  const { weather, address } = await network(WHOLE);
  const store = await begin(SLOW);
  const { id } = store.row();
  const reporter = report(store, address);
  await until(async () => ((await t.client.runs()).some((run) => run.id === id && run.state === 'running') ? true : 'not there'));
  await weather[Symbol.asyncDispose]();
  await until(async () => ((await t.client.run(id)).summary.reported?.away ? true : 'not away'));
  await expect(t.client.editSettings(id, { settings: { learning_rate: 1e-4 } })).rejects.toMatchObject({ code: 'REPORT_AWAY' });
  expect(isActive((await t.client.run(id)).summary.state)).toBe(true); // nobody but that machine knows
  expect((await t.client.action(id, 'stop')).state).toBe('interrupted');
  store.command('stop');
  backend.supervisor.nudge(id);
  await until(() => (store.row().state === 'stopped' ? true : store.row().state));
  open.use(await proxy({ port }, { path: join(sockets, 's') }, mulberry32(1), { late_ms: 1, breaks_after: WHOLE }));
  expect(await reporter.end()).toBe(true);
  expect(rowsOf(t.home, id)).toEqual(rowsOf(there.home, id));
});

it('hands on a stop that comes after the first rows and before the first poll, as when this server was started anew', async () => {
  const { address } = await network(WHOLE);
  const store = await begin(SLOW);
  const { id } = store.row();
  const rows = new Reporter({ store, workbench: workbenchAt(address), note: () => undefined }); // it asks for nothing
  await until(async () => ((await t.client.runs()).some((run) => run.id === id && run.state === 'running') ? true : 'not there'));
  const stopped = t.client.action(id, 'stop');
  const requests = await t.client.reports.poll(id, { answers: [], wait_s: 10 });
  expect(requests).toMatchObject([{ method: 'POST', body: { action: 'stop' } }]);
  const { summary } = await t.client.run(id);
  const body = Buffer.from(JSON.stringify(summary)).toString('base64');
  await t.client.reports.poll(id, { answers: [{ key: requests[0].key, status: 200, headers: {}, body }], wait_s: 0 });
  expect(await stopped).toMatchObject({ id, state: 'running' });
  store.command('stop');
  backend.supervisor.nudge(id);
  await until(() => (store.row().state === 'stopped' ? true : store.row().state));
  expect(await rows.end()).toBe(true);
});

it('has nothing to send to the workbench of its own home, and says so once', async () => {
  const { address } = await network(WHOLE);
  const { id } = await t.client.createRun(t.config({ max_steps: 2 }));
  const store = open.use(openRun(t.home, id));
  const notes: string[] = [];
  const reporter = new Reporter({ store, workbench: workbenchAt(address), note: (line) => notes.push(line) });
  expect(await reporter.end()).toBe(true);
  expect(notes).toEqual([
    expect.stringMatching(/^the workbench needs no report: Run .* lies in the home of this workbench.* Leave --report out\.$/),
  ]);
});

it('is refused by name where the run is one of this home, where the token is wrong, and where the versions differ', async () => {
  const { address } = await network(WHOLE);
  const here = await t.client.createRun(t.config({ max_steps: 1 }));
  const rows = { source: 's', host: 'h', directory: '/d', since: 0, to: 1, anew: true, tables: [] };
  await expect(t.client.reports.take(here.id, rows)).rejects.toMatchObject({ code: 'REPORT_HOME' });
  const id = '20261129-120000-aaaa';
  const strange = { table: 'no_table', columns: [], rows: [], gone: [[1]] };
  await expect(t.client.reports.take(id, { ...rows, tables: [strange] })).rejects.toMatchObject({ code: 'REPORT_FORMAT' });
  await expect(workbenchAt(address.replace(SECRET, 'no')).server()).rejects.toMatchObject({ code: 'AUTH_REFUSED' });
  expect(() => workbenchAt('file:///etc')).toThrow(expect.objectContaining({ code: 'REPORT_ADDRESS' }));
  expect(await t.client.runs()).not.toContainEqual(expect.objectContaining({ id }));
});
