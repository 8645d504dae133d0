/** Runs as a table, and what people note of them: kept in the run's database, through forks, resumes, exports and restarts. */
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeConfig, makeHome, reached, testServer, until, type TestServer } from './harness.ts';

let t: TestServer;
let low: string;
let high: string;
let waiting: string;
beforeAll(async () => {
  t = await testServer();
  const made = async (config: Record<string, unknown>) => (await t.client.createRun(t.config({ save_steps: 2, ...config }))).id;
  low = await made({ run_name: 'low', learning_rate: 1e-6, max_steps: 4 });
  await reached(t.client, low, 'finished');
  high = await made({ run_name: 'high', learning_rate: 2e-5, max_steps: 6 });
  await reached(t.client, high, 'finished');
  ({ id: waiting } = await t.client.createRun(t.config({ run_name: 'waiting', beta: 0 }), { start: false }));
});
afterAll(() => t.close());

const ids = async (query: object) => (await t.client.runTable(query)).rows.map(({ id }) => id);

describe('the table of runs', () => {
  it('has facts, configuration and last, best and mean of metrics in the columns that were asked for', async () => {
    const reward = (await t.client.metrics(high)).metrics.reward as number[];
    const columns = ['name', 'step', 'learning_rate', 'config:beta', 'last:reward', 'best:reward', 'mean:reward', 'best:loss'];
    const { rows, total, metrics } = await t.client.runTable({ columns, last: 3, sort: '-learning_rate', q: 'state:finished' });
    expect(total).toBe(2);
    expect(metrics).toContain('reward');
    expect(rows[0]).toMatchObject({
      id: high,
      values: {
        name: 'high',
        step: 6,
        learning_rate: 2e-5,
        'config:beta': 0.04,
        'last:reward': reward[5],
        'best:reward': Math.max(...reward),
      },
    });
    expect(rows[0].values['mean:reward']).toBeCloseTo((reward[3] + reward[4] + reward[5]) / 3, 12);
    const losses = (await t.client.metrics(high)).metrics.loss as number[];
    expect(rows[0].values['best:loss']).toBe(Math.min(...losses));
  });

  it('is sorted by any column, a run without a value last either way', async () => {
    expect(await ids({ sort: 'last:reward' })).toEqual([low, high, waiting]);
    expect((await ids({ sort: '-step' })).slice(0, 2)).toEqual([high, low]);
    expect((await ids({ sort: '-last:reward' })).at(-1)).toBe(waiting);
    expect(await ids({})).toEqual([waiting, high, low]);
  });

  it('gives a page, and tells in what the runs that pass differ', async () => {
    const all = await t.client.runTable({ limit: 1, offset: 1 });
    expect(all.rows.map(({ id }) => id)).toEqual([high]);
    expect(all.total).toBe(3);
    expect(all.differing).toEqual(expect.arrayContaining(['learning_rate', 'beta', 'max_steps', 'run_name']));
    expect((await t.client.runTable({ q: 'step>=4' })).differing.sort()).toEqual(['learning_rate', 'max_steps', 'run_name']);
  });

  it('has columns of metrics before any run has logged one', async () => {
    const fresh = await testServer();
    const columns = ['last:reward', 'best:reward'];
    expect(await fresh.client.runTable({ columns, sort: '-last:reward' })).toMatchObject({ rows: [], total: 0 });
    const { id } = await fresh.client.createRun(fresh.config(), { start: false });
    expect((await fresh.client.runTable({ columns })).rows).toEqual([{ id, values: { 'last:reward': null, 'best:reward': null } }]);
    await expect(fresh.client.runTable({ columns: ['rewrd'] })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
    await fresh.close();
  });

  it('refuses a column that no run has and a comparison that means nothing, and says what there is', async () => {
    await expect(t.client.runTable({ columns: ['learning_rat'] })).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
      message: expect.stringContaining('did you mean learning_rate?'),
    });
    await expect(t.client.runTable({ q: 'best:rewrd>1' })).rejects.toMatchObject({ message: expect.stringContaining('best:reward?') });
    await expect(t.client.runTable({ q: 'step>many' })).rejects.toMatchObject({ message: expect.stringContaining('neither a number') });
  });

  it('shows what was trained since the last page', async () => {
    const { id } = await t.client.createRun(t.config({ max_steps: 3, run_name: 'later' }));
    await reached(t.client, id, 'finished');
    expect((await t.client.runTable({ q: 'name:later', columns: ['step'] })).rows).toEqual([{ id, values: { step: 3 } }]);
    await t.client.deleteRun(id);
    expect(await ids({ q: 'later' })).toEqual([]);
  });

  it('lists a damaged run as failed, and does not fail itself', async () => {
    const { home, model, remove } = makeHome();
    const first = await testServer({ home });
    const { id } = await first.client.createRun(fakeConfig(model), { start: false });
    await first.close();
    const db = new DatabaseSync(join(home, 'runs', id, 'run.db'));
    db.exec('PRAGMA user_version = 99');
    db.close();
    const second = await testServer({ home });
    const { rows } = await second.client.runTable({ columns: ['state', 'beta'] });
    expect(rows).toEqual([{ id, values: { state: 'failed', beta: null } }]);
    await second.close();
    remove();
  });
});

describe('what is noted of a run', () => {
  it('is shown to every page at once, found in searches, and comes after the log of the run', async () => {
    const told: unknown[] = [];
    const stop = t.client.subscribe('runs', {}, (event) => 'summary' in event && event.summary.id === low && told.push(event.summary));
    const before = (await t.client.run(low)).summary;
    const annotations = { tags: ['baseline', 'seed 1'], notes: 'The first that\nlearnt.', pinned: true, archived: false, colour: 3 };
    const answer = await t.client.annotateRun(low, { name: 'renamed', ...annotations });
    expect(answer).toEqual({ ...before, name: 'renamed', annotations });
    await until(() => (told.length > 0 ? true : 'not told'));
    stop();
    expect(told.at(-1)).toEqual(answer);
    expect(await ids({ q: 'tag:"seed 1"' })).toEqual([low]);
    expect(await ids({ q: 'learnt renamed' })).toEqual([low]);
    expect((await ids({ sort: '-step' }))[0]).toBe(low); // pinned
    await t.client.annotateRun(low, { pinned: false });
  });

  it('changes only what is named; tags are added and taken away without a look at the others', async () => {
    await t.client.annotateRun(high, { tags: ['a'], notes: 'kept' });
    const { annotations } = await t.client.annotateRun(high, { add_tags: ['b', 'a'], remove_tags: ['nothing'] });
    expect(annotations).toMatchObject({ tags: ['a', 'b'], notes: 'kept' });
    expect((await t.client.annotateRun(high, { remove_tags: ['a'] })).annotations.tags).toEqual(['b']);
  });

  it('hides what is archived until it is asked for', async () => {
    await t.client.annotateRun(waiting, { archived: true });
    expect(await ids({})).not.toContain(waiting);
    expect((await t.client.runTable({})).archived).toBe(1);
    expect(await ids({ archived: true })).toContain(waiting);
    expect(await ids({ q: 'archived:yes' })).toEqual([waiting]);
    await t.client.annotateRun(waiting, { archived: false });
  });

  it('a request that is sent again changes nothing, also for the next server; its id is for nothing else', async () => {
    const { home, model, remove } = makeHome();
    const first = await testServer({ home });
    const { id } = await first.client.createRun(fakeConfig(model), { start: false });
    await first.client.annotateRun(id, { add_tags: ['once'], request_id: 'n1' });
    await first.client.annotateRun(id, { remove_tags: ['once'] });
    await first.client.annotateRun(id, { add_tags: ['once'], request_id: 'n1' });
    await expect(first.client.annotateRun(id, { add_tags: ['other'], request_id: 'n1' })).rejects.toMatchObject({
      code: 'REQUEST_ID_USED',
    });
    await first.close();
    const second = await testServer({ home });
    expect((await second.client.annotateRun(id, { add_tags: ['once'], request_id: 'n1' })).annotations.tags).toEqual([]);
    await second.close();
    remove();
  });

  it('stays through a resume and goes to a fork, which is neither pinned nor archived nor of the same colour', async () => {
    await t.client.annotateRun(high, { tags: ['b'], notes: 'of the parent', pinned: true, archived: true, colour: 2 });
    const fork = await t.client.fork(high, { step: 4, config: { max_steps: 8 } });
    expect(fork.annotations).toEqual({ tags: ['b'], notes: 'of the parent', pinned: false, archived: false, colour: null });
    await reached(t.client, fork.id, 'finished');
    expect((await t.client.run(fork.id)).summary.annotations.notes).toBe('of the parent');
    const { rows } = await t.client.runTable({ q: `id:${fork.id}`, columns: ['mean:reward'], last: 100 });
    const own = (await t.client.metrics(fork.id, { from: 5 })).metrics.reward as number[];
    expect(rows[0].values['mean:reward']).toBeCloseTo(own.reduce((a, b) => a + b) / own.length, 12);
    await t.client.annotateRun(high, { pinned: false, archived: false });
  });

  it.each([
    [{ name: '' }, 'name'],
    [{ name: ' spaced' }, 'name'],
    [{ name: 'two\nlines' }, 'name'],
    [{ name: 'n'.repeat(201) }, 'name'],
    [{ tags: ['a,b'] }, 'tags'],
    [{ tags: [' a'] }, 'tags'],
    [{ add_tags: Array.from({ length: 51 }, (_, i) => `t${i}`) }, 'add_tags'],
    [{ colour: 7 }, 'colour'],
    [{ starred: true }, 'starred'],
  ])('%j is refused and names the place', async (change, place) => {
    const before = (await t.client.run(low)).summary;
    await expect(t.client.annotateRun(low, change as object)).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
      message: expect.stringContaining(place),
    });
    expect((await t.client.run(low)).summary).toEqual(before);
  });
});

describe('a configuration as text', () => {
  it('gives its keys, and says which it does not know', async () => {
    expect(await t.client.readConfig({ text: 'learning_rate: 2.0e-6\nmodality: [CT, MRI]\nscale_rewards: false\n' })).toEqual({
      learning_rate: 2e-6,
      modality: ['CT', 'MRI'],
      scale_rewards: 'none',
    });
    await expect(t.client.readConfig({ text: 'lerning_rate: 1' })).rejects.toMatchObject({ code: 'CONFIG_UNKNOWN_KEY' });
    await expect(t.client.readConfig({ text: 'a: [1' })).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' });
    await expect(t.client.readConfig({ text: '- 1' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
