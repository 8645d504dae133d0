/** What is removed through the server can be put back, deleted for good, and never over something that came since. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ENDLESS, fakeConfig, makeHome, reached, testServer, until, type TestServer } from './harness.ts';

let t: TestServer;
beforeAll(async () => {
  t = await testServer();
});
afterAll(() => t.close());

it('a run that was removed comes back as it was, and every page is told', async () => {
  const { id } = await t.client.createRun(t.config({ max_steps: 3 }));
  await reached(t.client, id, 'finished');
  const { summary: before } = await t.client.run(id);
  const { id: entry, trash } = await t.client.deleteRun(id);
  expect(basename(trash)).toBe(entry);
  expect(await t.client.runs()).toEqual([]);
  expect(await t.client.trash()).toMatchObject([{ id: entry, kind: 'run', of: id, name: before.name }]);
  const told: string[] = [];
  const stop = t.client.subscribe('runs', {}, (event) => 'summary' in event && told.push(event.summary.id));
  await t.client.restoreTrash(entry);
  await until(() => (told.includes(id) ? true : 'not told'));
  stop();
  expect((await t.client.run(id)).summary).toEqual(before);
  expect(existsSync(join(t.home, 'runs', id, 'trashed.json'))).toBe(false);
  expect(await t.client.trash()).toEqual([]);
});

it('deleted for good, it is gone; what is no entry is refused', async () => {
  const { id } = await t.client.createRun(t.config({ max_steps: 3 }), { start: false });
  const { id: entry } = await t.client.deleteRun(id);
  await t.client.emptyTrash(entry);
  expect(await t.client.trash()).toEqual([]);
  for (const wrong of [entry, '..', 'runs'])
    await expect(t.client.restoreTrash(wrong)).rejects.toMatchObject({ code: expect.stringMatching(/TRASH_UNKNOWN|ROUTE_UNKNOWN/) });
});

it('a queued run starts when the run before it is paused, and the one that is asked for again goes first', async () => {
  const slow = { max_steps: 5000, learning_rate: 0.1 };
  const { id: holder } = await t.client.createRun(t.config(slow));
  await until(async () => ((await t.client.run(holder)).summary.step > 0 ? true : 'no step yet'));
  const { id: second } = await t.client.createRun(t.config({ max_steps: 3 }));
  const { id: third } = await t.client.createRun(t.config({ max_steps: 3 }));
  const waits = async (id: string) => (await t.client.run(id)).summary;
  expect(await waits(third)).toMatchObject({ state: 'queued', total_steps: 3 });
  expect((await waits(third)).waits_since!).toBeGreaterThanOrEqual((await waits(second)).waits_since!);
  await t.client.action(third, 'start');
  expect((await waits(third)).waits_since!).toBeLessThan((await waits(second)).waits_since!);
  await t.client.action(holder, 'pause');
  await reached(t.client, third, 'finished');
  await reached(t.client, second, 'finished');
  expect((await waits(third)).started_at!).toBeLessThan((await waits(second)).started_at!);
  await t.client.action(holder, 'stop');
  await reached(t.client, holder, 'stopped');
});

it('a run that waits and is removed waits no more when it is put back', async () => {
  const { id: holder } = await t.client.createRun(t.config(ENDLESS));
  await reached(t.client, holder, 'running');
  const { id } = await t.client.createRun(t.config({ max_steps: 3 }));
  const both = await Promise.allSettled([t.client.deleteRun(id), t.client.deleteRun(id)]);
  const refused = both.filter((one) => one.status === 'rejected');
  expect(refused.map(({ reason }) => (reason as { code: string }).code)).toEqual(['RUN_UNKNOWN']);
  const [{ id: entry }] = await t.client.trash();
  await t.client.restoreTrash(entry);
  await t.client.action(holder, 'stop');
  await reached(t.client, holder, 'stopped');
  expect((await t.client.run(id)).summary).toMatchObject({ state: 'stopped', waits_since: null });
});

it('a pause that is taken back at once does not pause; a run that is being stopped cannot be resumed', async () => {
  const { id } = await t.client.createRun(t.config({ max_steps: 5000, learning_rate: 4 })); // what is asked waits for the end of a step
  const stepsOn = async () => {
    const { step } = (await t.client.run(id)).summary;
    await until(async () => ((await t.client.run(id)).summary.step > step ? true : 'it stands still'));
  };
  await stepsOn();
  await t.client.action(id, 'pause');
  await t.client.action(id, 'resume');
  await stepsOn();
  await t.client.action(id, 'stop');
  await expect(t.client.action(id, 'resume')).rejects.toMatchObject({ code: 'RUN_CONFLICT', message: expect.stringContaining('stopping') });
  await reached(t.client, id, 'stopped');
});

it('a request whose run lies in the trash is known to a server that is started later; once that is emptied, the id is free', async () => {
  const { home, model, remove } = makeHome();
  const restarted = () => testServer({ home });
  const config = fakeConfig(model);
  const asked = (start: boolean): object => ({ request_id: 'r', start }); // the client draws an id for each request of its own
  let other = await restarted();
  const { id } = await other.client.createRun(config, asked(false));
  const { id: entry } = await other.client.deleteRun(id);
  await other.close();
  other = await restarted();
  expect((await other.client.createRun(config, asked(true))).id).toBe(id);
  expect(await other.client.runs()).toEqual([]);
  const changed = { ...config, max_steps: 7 };
  await expect(other.client.createRun(changed, asked(true))).rejects.toMatchObject({ code: 'REQUEST_ID_USED' });
  await other.client.emptyTrash(entry);
  await other.close();
  other = await restarted();
  const made = await other.client.createRun(changed, asked(false));
  expect((await other.client.runs()).map((run) => run.id)).toEqual([made.id]);
  await other.close();
  remove();
});
