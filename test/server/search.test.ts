/** Searches through the server: what runs said while they trained, runs of before, an expression that never ends, and who waits. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RunStore } from '../../kernel-bridge/src/runs/store.ts';
import { runDirectory } from '../../kernel-bridge/src/runs/home.ts';
import { SavedSearches } from '../../kernel-bridge/src/server/saved-searches.ts';
import { Searches } from '../../kernel-bridge/src/server/searches.ts';
import { reached, testServer, until, type TestServer } from './harness.ts';

let t: TestServer;
beforeAll(async () => {
  t = await testServer();
});
afterAll(() => t.close());

async function trained(changes: Record<string, unknown> = {}): Promise<string> {
  const { id } = await t.client.createRun(t.config({ max_steps: 5, ...changes }));
  await reached(t.client, id, 'finished');
  return id;
}

it('finds what a run said as soon as the step is there, page by page', async () => {
  const id = await trained();
  const first = await t.client.search.find({ runs: [id], text: 'think', limit: 30 });
  expect(first).toMatchObject({ total: 40, runs: [{ run: id, steps: 5, indexed: 5 }] });
  const second = await t.client.search.find({ runs: [id], text: 'think', limit: 30, cursor: first.next! });
  expect(second.next).toBeNull();
  expect(new Set([...first.hits, ...second.hits].map(({ step, group, index }) => `${step} ${group} ${index}`)).size).toBe(40);
  await expect(t.client.search.find({ runs: ['20200101-000000-aaaa'] })).rejects.toMatchObject({ code: 'RUN_UNKNOWN' });
  await expect(t.client.search.find({ runs: [id], text: '(', mode: 'regexp' })).rejects.toMatchObject({ code: 'SEARCH_REGEXP', http: 422 });
});

it('tells what the rollouts were like through the steps, and goes on with the run', async () => {
  const { id } = await t.client.createRun(t.config({ max_steps: 3, save_steps: 3 }));
  await reached(t.client, id, 'finished');
  const complete = (): Promise<Awaited<ReturnType<typeof t.client.search.statistics>>> =>
    until(async () => {
      const found = await t.client.search.statistics(id, { columns: 2 });
      return found.complete ? found : 'still being read';
    });
  const { run, columns, completions, distributions, facets } = await complete();
  expect({ run, columns, completions }).toEqual({
    run: id,
    columns: [
      [1, 2],
      [3, 3],
    ],
    completions: [16, 8],
  });
  for (const name of ['reward', 'advantage', 'length'])
    expect(
      distributions[name].counts.map((bins) => bins.reduce((sum, count) => sum + count, 0)),
      name,
    ).toEqual([16, 8]);
  expect(Object.keys(facets)).toEqual(['modality', 'question_type', 'answer']);
  await expect(t.client.search.statistics('20200101-000000-aaaa')).rejects.toMatchObject({ code: 'RUN_UNKNOWN' });
  await expect(t.client.search.statistics(id, { columns: 0 })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
});

it('a run of before is indexed in the background, and says how far that is', async () => {
  const id = await trained();
  {
    using store = RunStore.open(runDirectory(t.home, id));
    store.db.exec('DELETE FROM search_step');
  }
  expect((await t.client.search.find({ runs: [id] })).runs[0].steps).toBe(5);
  await until(async () => {
    const { runs, total } = await t.client.search.find({ runs: [id], text: 'think' });
    return runs[0].indexed === 5 && total === 40 ? true : JSON.stringify(runs);
  });
});

it('notes go along into a fork as far as its history does', async () => {
  const { id } = await t.client.createRun(t.config({ max_steps: 4, save_steps: 2 }));
  await reached(t.client, id, 'finished');
  for (const step of [1, 4]) await t.client.search.note(id, { step, group: 0, index: 1, tags: ['odd'], note: `at ${step}` });
  const fork = await t.client.fork(id, { step: 2, start: false, config: { max_steps: 6 } });
  expect((await t.client.search.notes(fork.id)).map(({ note }) => note)).toEqual(['at 1']);
  expect((await t.client.search.notes(id)).map(({ step, state }) => [step, state])).toEqual([
    [1, 'still'],
    [4, 'still'],
  ]);
  const both = await t.client.search.find({ runs: [id, fork.id], tags: ['odd'] });
  expect(both.hits.map(({ run, step }) => [run, step])).toEqual([
    [id, 4],
    [id, 1],
  ]);
});

it('an expression that would run for ever is stopped and named, and the next search is answered', async () => {
  await using searches = Object.assign(new Searches({ text_ms: 300 }), {
    async [Symbol.asyncDispose](this: Searches) {
      await this.close();
    },
  });
  const id = await trained();
  const directory = runDirectory(t.home, id);
  const endless = { runs: [id], mode: 'regexp' as const, text: '^([^]+)+([^]+)+\\1+\\2+zzz$' };
  const first = searches.ask('find', [directory], { query: endless, nearText: null });
  const second = searches.ask('find', [directory], { query: { runs: [id], text: 'think' }, nearText: null });
  await expect(first).rejects.toMatchObject({
    code: 'SEARCH_REGEXP_ENDLESS',
    message: expect.stringMatching(new RegExp(`step 5 of run ${id}`)),
  });
  expect((await second).total).toBe(40);
});

it('a run that is removed while a search of it waits for its turn is said to be unknown', async () => {
  await using searches = Object.assign(new Searches(), {
    async [Symbol.asyncDispose](this: Searches) {
      await this.close();
    },
  });
  const gone = runDirectory(t.home, '20260101-000000-gone');
  await expect(searches.ask('statistics', [gone], { columns: 2 })).rejects.toMatchObject({ code: 'RUN_UNKNOWN', http: 404 });
});

it('one that is withdrawn is stopped, one too many is refused', async () => {
  const searches = new Searches();
  const id = await trained();
  const directories = [runDirectory(t.home, id)];
  const endless = { query: { runs: [id], mode: 'regexp' as const, text: '^([^]+)+([^]+)+\\1+\\2+zzz$' }, nearText: null };
  const [now, later] = [new AbortController(), new AbortController()];
  const running = searches.ask('find', directories, endless, now.signal);
  const waiting = searches.ask('find', directories, endless, later.signal);
  const others = Array.from({ length: 19 }, () => searches.ask('find', directories, { query: { runs: [id] }, nearText: null }));
  await expect(searches.ask('find', directories, endless)).rejects.toMatchObject({ code: 'SEARCH_BUSY', http: 429 });
  later.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'SEARCH_STOPPED' });
  now.abort();
  await expect(running).rejects.toMatchObject({ code: 'SEARCH_STOPPED' });
  expect((await Promise.all(others)).map(({ total }) => total)).toEqual(Array(19).fill(40));
  await searches.close();
  await expect(searches.ask('find', directories, endless)).rejects.toMatchObject({ code: 'SEARCH_STOPPED' });
});

it('follows a question, tells phrases of two stretches of steps, and gathers families', async () => {
  const id = await trained();
  const { hits } = await t.client.search.find({ runs: [id], limit: 1000 });
  const { item_id } = hits[0];
  const curve = await t.client.search.question(id, { item: item_id });
  expect(curve.points.reduce((sum, { completions }) => sum + completions, 0)).toBe(hits.filter((hit) => hit.item_id === item_id).length);
  expect(curve.points.map(({ step }) => step)).toEqual(curve.points.map(({ step }) => step).toSorted((a, b) => a - b));
  for (const { right, judged, step, group } of curve.points) {
    const told = hits.filter((hit) => hit.step === step && hit.group === group && hit.correct !== null);
    expect([right, judged]).toEqual([told.filter(({ correct }) => correct).length, told.length]);
  }
  await expect(t.client.search.question(id, { item: 'none' })).rejects.toMatchObject({ code: 'QUESTION_UNKNOWN', http: 404 });
  const phrases = await t.client.search.phrases({ run: id, before: { from: 1, to: 2 }, after: { from: 4, to: 5 } });
  expect(phrases).toMatchObject({ before: { steps: 2, completions: 16 }, after: { steps: 2, completions: 16 } });
  expect(phrases.tested).toBeGreaterThan(0);
  await expect(t.client.search.phrases({ run: id, before: { from: 1, to: 2 }, after: { from: 4 } } as never)).rejects.toMatchObject({
    code: 'REQUEST_INVALID',
  });
  const families = await t.client.search.families({ run: id });
  expect(families.completions).toBe(hits.length);
  expect(families.families.reduce((sum, { completions }) => sum + completions, 0) + families.alone).toBe(hits.length);
  await expect(t.client.search.families({ run: '20200101-000000-aaaa' })).rejects.toMatchObject({ code: 'RUN_UNKNOWN' });
});

it('searches are saved, renamed, changed and removed; they are there after a restart, and a damaged file is named', async () => {
  const { search } = t.client;
  const made = await search.save({ name: ' Cysts ', query: { text: 'cyst', verdict: ['wrong'] } });
  expect(made).toMatchObject({ name: 'Cysts', query: { text: 'cyst', verdict: ['wrong'] } });
  await expect(search.save({ name: 'Cysts', query: {} })).rejects.toMatchObject({ code: 'SEARCH_NAME', http: 409 });
  for (const name of ['', '  ', 'x'.repeat(121)])
    await expect(search.save({ name, query: {} })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  const other = await search.save({ name: 'Another', query: {} });
  expect((await search.saved()).map(({ name }) => name)).toEqual(['Another', 'Cysts']);
  await expect(search.change(other.id, { name: 'Cysts' })).rejects.toMatchObject({ code: 'SEARCH_NAME' });
  expect(await search.change(other.id, { name: '<b>\u202E', query: { text: 'x' } })).toMatchObject({
    id: other.id,
    name: '<b>\u202E',
    query: { text: 'x' },
  });
  expect(await search.forget(made.id)).toMatchObject({ id: made.id });
  await expect(search.forget(made.id)).rejects.toMatchObject({ code: 'SEARCH_UNKNOWN', http: 404 });
  const file = join(t.home, 'searches.json');
  expect(new SavedSearches(t.home).list()).toEqual(await search.saved());
  const before = readFileSync(file, 'utf8');
  writeFileSync(file, before.slice(0, 40));
  await expect(search.saved()).rejects.toMatchObject({ code: 'SEARCH_SAVED' });
  await expect(search.save({ name: 'y', query: {} })).rejects.toMatchObject({ code: 'SEARCH_SAVED' }); // nothing is written over
  expect(readFileSync(file, 'utf8')).toBe(before.slice(0, 40));
});
