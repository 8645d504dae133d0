/** What pages look at: pages say it, notebooks read and move it. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { MoveView } from '../../kernel-bridge/src/protocol/view.ts';
import { NOTHING } from '../../kernel-bridge/src/protocol/selection.ts';
import { testServer, until, type TestServer } from './harness.ts';

let t: TestServer;
beforeEach(async () => {
  t = await testServer();
});
afterEach(() => t.close());

it('before any page was there it is nothing', async () => {
  expect(await t.client.view()).toEqual({ selection: NOTHING, data: { dataset: null, query: {}, chosen: {} } });
});

it('is what the page that was used last says', async () => {
  const shown = (runs: string[]): MoveView => ({
    by: 'page',
    selection: { ...NOTHING, runs },
    data: { dataset: 'omni', query: { q: 'x' }, chosen: { ids: ['1'] } },
  });
  await t.client.moveView(shown(['a']));
  await t.client.moveView(shown(['b']));
  expect(await t.client.view()).toMatchObject({ selection: { runs: ['b'] }, data: { dataset: 'omni', chosen: { ids: ['1'] } } });
});

it('is moved by a notebook in parts: what hangs on them is dropped', async () => {
  await t.client.moveView({ by: 'page', selection: { ...NOTHING, runs: ['a'], step: 3, group: 1 } });
  expect(await t.client.moveView({ by: 'notebook', selection: { step: 4 } })).toMatchObject({
    selection: { runs: ['a'], step: 4, group: null },
  });
  await t.client.moveView({ by: 'page', data: { dataset: 'omni', query: {}, chosen: { ids: ['1'] } } });
  const view = await t.client.moveView({ by: 'notebook', data: { dataset: 'other', query: { q: 'x' } } });
  expect(view).toMatchObject({
    selection: { dataset: 'other', item: null },
    data: { dataset: 'other', query: { q: 'x' }, chosen: { q: 'x' } },
  });
});

it('moved by a notebook to another group or step, it keeps no question of the one before', async () => {
  await t.client.moveView({ by: 'page', selection: { ...NOTHING, runs: ['a'], step: 3, group: 1, dataset: 'omni', item: 'q1' } });
  expect((await t.client.moveView({ by: 'notebook', selection: { group: 2 } })).selection).toMatchObject({ step: 3, group: 2, item: null });
  await t.client.moveView({ by: 'page', selection: { item: 'q2', group: 2 } });
  expect((await t.client.moveView({ by: 'notebook', selection: { step: 4 } })).selection).toMatchObject({
    step: 4,
    group: null,
    item: null,
  });
});

it('what a notebook asks for reaches every page once and in order; what a page says reaches none', async () => {
  const seen: MoveView[] = [];
  t.client.subscribe('view', { since: 0 }, (move) => seen.push(move)); // whenever the subscription gets there
  await t.client.moveView({ by: 'page', selection: { step: 1 } });
  await t.client.moveView({ by: 'notebook', selection: { step: 2 } });
  await t.client.moveView({ by: 'notebook', data: { query: { q: 'x' } } });
  await until(() => (seen.length >= 2 ? true : `${seen.length} of 2`));
  expect(seen).toEqual([
    { by: 'notebook', selection: { step: 2 } },
    { by: 'notebook', data: { query: { q: 'x' } } },
  ]);
});

it.each([
  ['nobody', { selection: { step: 1 } }],
  ['a stranger', { by: 'page2' }],
  ['a part that is none', { by: 'page', selection: { stepp: 1 } }],
  ['a step below 0', { by: 'page', selection: { step: -1 } }],
  ['a list of 101 runs', { by: 'page', selection: { runs: Array(101).fill('a') } }],
  ['a query that is none', { by: 'page', data: { query: { colour: 'red' } } }],
])('%s is refused and changes nothing', async (_, move) => {
  await expect(t.client.moveView(move as never)).rejects.toMatchObject({ code: 'REQUEST_INVALID', http: 400 });
  expect((await t.client.view()).selection).toEqual(NOTHING);
});
