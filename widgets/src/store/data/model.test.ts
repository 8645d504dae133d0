import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeConnector, type FakeOptions } from '../../../testing/fake-connector.ts';
import { settled } from '../../../testing/until.ts';
import type { DataItem, DataPage, IndexJob } from '../../connector.ts';
import { SelectionModel } from '../../selection.ts';
import { DataModel } from './model.ts';
import { PAGE, Pages } from './pages.ts';
import { filterOf } from './query.ts';

const models: DataModel[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const model of models.splice(0)) model.dispose();
});

async function open(options: FakeOptions = {}) {
  const connector = new FakeConnector(options);
  const selection = new SelectionModel();
  const model = new DataModel(connector, selection);
  models.push(model);
  model.watch();
  await settled();
  const asked = () => connector.calls.filter(([name]) => name === 'data.page').map(([, , query]) => query);
  return { connector, selection, model, asked };
}

describe('a data set', () => {
  it('is opened by itself when there is one, and the shared selection goes along', async () => {
    const { model, selection } = await open();
    expect(model.state.value).toMatchObject({ dataset: 'omnimedvqa', status: 'ready', total: 5000 });
    expect(selection.value.dataset).toBe('omnimedvqa');
  });

  it('that is selected elsewhere is shown; one that is not indexed is not', async () => {
    const { model, selection } = await open({
      data: {
        datasets: [
          { name: 'a', items: 20 },
          { name: 'b', items: 30 },
        ],
      },
    });
    selection.move({ dataset: 'b' });
    await settled();
    expect(model.state.value).toMatchObject({ dataset: 'b', total: 30 });
    selection.move({ dataset: 'nowhere' });
    expect(model.state.value.dataset).toBe('b');
  });

  it('that is gone is left for another', async () => {
    const { model } = await open({
      data: {
        datasets: [
          { name: 'a', items: 20 },
          { name: 'b', items: 30 },
        ],
      },
    });
    await model.datasets.remove('a');
    await settled();
    expect(model.state.value.dataset).toBe('b');
  });

  it('that cannot be read says why, and can be read later', async () => {
    const { model, connector } = await open();
    connector.options.failure = { code: 'X', message: 'No answer.', remedy: 'Wait.' };
    await model.reload();
    expect(model.state.value).toMatchObject({ status: 'error', error: { message: 'No answer.' } });
    connector.options.failure = undefined;
    await model.reload();
    expect(model.state.value.status).toBe('ready');
  });

  it('asks for nothing while no view looks on', async () => {
    const connector = new FakeConnector();
    const model = new DataModel(connector, new SelectionModel());
    models.push(model);
    model.apply({ q: 'lung' }, 'omnimedvqa');
    await settled();
    expect(connector.calls).toEqual([]);
    model.watch();
    await settled();
    expect(model.state.value).toMatchObject({ status: 'ready', filter: { q: 'lung' } });
  });
});

describe('filters', () => {
  it('and pages show every question that passes exactly once', async () => {
    const { model, connector } = await open({ data: { datasets: [{ name: 'omnimedvqa', items: 730 }] } });
    const all = connector.data.all('omnimedvqa');
    const value = (of: (item: DataItem) => string) => fc.subarray([...new Set(all.map(of))], { maxLength: 3 });
    const filters = fc.record({ modality: value((item) => item.modality), question_type: value((item) => item.question_type) });
    await fc.assert(
      fc.asyncProperty(filters, fc.boolean(), fc.constantFrom('file', 'id', 'question'), async (facets, descending, sort) => {
        model.apply({ facets, descending, sort });
        await model.reload();
        const { pages, total } = model.state.value;
        const passes = (item: DataItem): boolean =>
          (facets.modality.length === 0 || facets.modality.includes(item.modality)) &&
          (facets.question_type.length === 0 || facets.question_type.includes(item.question_type));
        const expected = all.filter(passes).map(({ id }) => id);
        expect(total).toBe(expected.length);
        const shown = total > 0 ? await pages!.range(0, pages!.count - 1) : [];
        expect(shown.map(({ id }) => id).toSorted()).toEqual(expected.toSorted());
      }),
      { numRuns: 25 },
    );
  });

  it('grouped by image show every image once and every question in one group', async () => {
    const { model, connector } = await open({ data: { datasets: [{ name: 'omnimedvqa', items: 730 }] } });
    model.apply({ group: 'image' });
    await settled();
    const { pages, total } = model.state.value;
    const shown = await pages!.range(0, pages!.count - 1);
    expect(total).toBe(730);
    expect(new Set(shown.map(({ image }) => image)).size).toBe(pages!.count);
    expect(shown.flatMap(({ group }) => group!).toSorted()).toEqual(
      connector.data
        .all('omnimedvqa')
        .map(({ id }) => id)
        .toSorted(),
    );
  });

  it('ask for the answers of the selected runs and of those they speak of, four at most', async () => {
    const { model, selection, asked } = await open();
    selection.move({ runs: ['a', 'b'] });
    await settled();
    expect(asked().at(-1)).toMatchObject({ runs: ['a', 'b'] });
    model.apply({ facets: { 'run:z': ['wrong'] } });
    selection.move({ runs: ['a', 'b', 'c', 'd'] });
    await settled();
    expect(asked().at(-1)).toMatchObject({ runs: ['z', 'a', 'b', 'c'] });
  });

  it('the last one asked for is shown, whatever answers last', async () => {
    const { model, connector } = await open();
    const slow = Promise.withResolvers<DataPage>();
    const { page } = connector.data;
    connector.data.page = (name, query, signal) => (query?.q === 'slow' ? slow.promise : page(name, query, signal));
    model.apply({ q: 'slow' });
    model.apply({ q: 'abnormality' });
    await settled();
    const { total } = model.state.value;
    slow.resolve(await page('omnimedvqa', {}));
    await settled();
    expect(model.state.value).toMatchObject({ filter: { q: 'abnormality' }, total });
  });

  it('take the keyboard from a place that another question has now, and leave it where the question is the same', async () => {
    const { model } = await open();
    await model.pick(3);
    await model.reload();
    expect(model.state.value.active).toBe(3);
    const slow = model.reload();
    model.apply({ descending: true });
    model.go(3); // before the answer
    await slow;
    await settled();
    expect(model.state.value.active).toBeNull();
  });

  it('what is shown stays until the next filter is answered', async () => {
    const { model } = await open();
    const before = model.state.value.pages;
    model.apply({ q: 'lesion' });
    expect(model.state.value).toMatchObject({ status: 'ready', stale: true, pages: before });
    await settled();
    expect(model.state.value.stale).toBe(false);
    expect(model.state.value.pages).not.toBe(before);
  });
});

describe('picking', () => {
  it('takes one, adds another, and a range through pages that are not here yet', async () => {
    const { model, connector } = await open();
    const ids = connector.data.all('omnimedvqa').map(({ id }) => id);
    await model.pick(3);
    await model.pick(7, 'toggle');
    expect(model.chosen).toEqual({ ids: [ids[3], ids[7]] });
    await model.pick(3, 'toggle');
    expect(model.chosenCount).toBe(1);
    await model.pick(5);
    await model.pick(432, 'extend');
    expect(model.chosen).toEqual({ ids: ids.slice(5, 433) });
    await model.pick(2, 'extend'); // the range still begins at 5
    expect(model.chosen).toEqual({ ids: ids.slice(2, 6) });
  });

  it('all is kept as the rule; nothing picked means all that is shown', async () => {
    const { model, connector } = await open();
    model.apply({ facets: { modality: ['X-Ray'] }, group: 'image' });
    await settled();
    expect(model.chosen).toEqual({ facets: { modality: ['X-Ray'] } });
    model.pickAll();
    expect(model.chosen).toEqual({ facets: { modality: ['X-Ray'] } });
    expect(model.chosenCount).toBe(connector.data.all('omnimedvqa').filter(({ modality }) => modality === 'X-Ray').length);
  });

  it('an image picks all its questions', async () => {
    const { model } = await open();
    model.apply({ group: 'image' });
    await settled();
    const at = (await model.state.value.pages!.range(0, 50)).findIndex(({ group }) => group!.length > 1);
    await model.pick(at);
    expect(model.chosenCount).toBeGreaterThan(1);
  });

  it('moves the shared selection', async () => {
    const { model, selection, connector } = await open();
    await model.pick(4);
    expect(selection.value).toMatchObject({ dataset: 'omnimedvqa', item: connector.data.all('omnimedvqa')[4].id });
  });

  it('a range of more questions than one picks by hand is refused with a way out', async () => {
    const { model } = await open({ data: { datasets: [{ name: 'omnimedvqa', items: 12_000 }] } });
    await model.pick(0);
    await model.pick(11_999, 'extend');
    expect(model.state.value.refusal).toMatchObject({ code: 'DATA_PICKS' });
    expect(model.chosenCount).toBe(1);
  });
});

describe('a run on what is chosen', () => {
  it('is configured by keys where they can say it', async () => {
    const { model, connector } = await open();
    model.apply({ facets: { modality: ['X-Ray'], split: ['modality/train/X-Ray'] }, sort: 'id' });
    expect(await model.runConfig()).toEqual({
      dataset_name: 'omnimedvqa',
      dataset_train_split: 'modality/train/X-Ray',
      modality: ['X-Ray'],
      question_type: null,
    });
    expect(connector.calls.some(([name]) => name === 'data.makeSplit')).toBe(false);
  });

  it.each([
    ['a search', { q: 'lung' }],
    ['two splits', { facets: { split: ['a', 'b'] } }],
    ['answers of a run', { facets: { 'run:a': ['wrong'] } }],
  ])('%s becomes a split file', async (_what, filter) => {
    const { model, connector } = await open();
    model.apply(filter);
    const config = await model.runConfig();
    const [, , made] = connector.calls.find(([name]) => name === 'data.makeSplit')!;
    expect(made).toMatchObject({ kind: 'selection', query: filter });
    expect(config!.dataset_train_split).toMatch(/\/train$/);
  });

  it('that the backend refuses says why', async () => {
    const { model, connector } = await open();
    connector.data.makeSplit = () => Promise.reject({ code: 'DATA_EMPTY', message: 'None can be used.', remedy: 'Choose others.' });
    model.apply({ q: 'lung' });
    expect(await model.runConfig()).toBeNull();
    expect(model.state.value.refusal).toMatchObject({ message: 'None can be used.' });
  });
});

describe('what is kept with the workspace', () => {
  it('comes back: data set, filter and saved views', async () => {
    const first = await open();
    first.model.apply({ q: 'lesion', facets: { modality: ['X-Ray'] } });
    first.model.saveView(' Mine ');
    const json = JSON.parse(JSON.stringify(first.model.toJSON())) as unknown;

    const connector = new FakeConnector();
    const model = new DataModel(connector, new SelectionModel());
    models.push(model);
    model.restore(json);
    model.watch();
    await settled();
    expect(model.state.value).toMatchObject({ status: 'ready', filter: { q: 'lesion', facets: { modality: ['X-Ray'] } } });
    expect(model.state.value.views).toEqual([{ name: 'Mine', dataset: 'omnimedvqa', filter: model.state.value.filter }]);
    model.saveView('Mine');
    expect(model.state.value.views).toHaveLength(1);
    model.deleteView('Mine');
    expect(model.state.value.views).toEqual([]);
  });

  it('may be anything: what is not well formed is left out', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        const model = new DataModel(new FakeConnector(), new SelectionModel());
        model.restore(json);
        model.restore({ dataset: 'a', filter: json, views: json });
        expect(filterOf(model.state.value.filter)).toEqual(model.state.value.filter);
      }),
    );
  });
});

describe('pages', () => {
  const item = (at: number): DataItem => ({ id: `${at}` }) as DataItem;
  const pageOf = (offset: number, limit: number): DataPage => ({
    items: Array.from({ length: limit }, (_, at) => item(offset + at)),
    total: 100_000,
    facets: {},
    revision: 1,
    cursor: null,
  });

  it('that are scrolled past before they came are given up, those in sight are fetched', async () => {
    vi.useFakeTimers();
    const asked: { page: number; signal: AbortSignal; answer: () => void }[] = [];
    const fetch = (offset: number, limit: number, signal: AbortSignal): Promise<DataPage> =>
      new Promise((resolve) => asked.push({ page: offset / PAGE, signal, answer: () => resolve(pageOf(offset, limit)) }));
    const pages = new Pages(pageOf(0, PAGE), 100_000, fetch, () => {});
    for (let page = 0; page < 500; page += 5) {
      pages.want(page, page + 1);
      await vi.advanceTimersByTimeAsync(16); // a frame of a fling
    }
    await vi.advanceTimersByTimeAsync(200);
    expect(asked.length).toBeLessThan(40);
    const open = asked.filter(({ signal }) => !signal.aborted);
    expect(open.every(({ page }) => page >= 492 && page <= 498)).toBe(true);
    for (const one of open) one.answer();
    await vi.advanceTimersByTimeAsync(300);
    for (const one of asked) one.answer();
    await vi.advanceTimersByTimeAsync(300);
    expect(pages.item(49_512)).toEqual(item(49_512));
    expect(pages.item(20_000)).toBeUndefined();
  });

  it('are kept to a bounded number, and come again', async () => {
    vi.useFakeTimers();
    const pages = new Pages(
      pageOf(0, PAGE),
      100_000,
      (offset, limit) => Promise.resolve(pageOf(offset, limit)),
      () => {},
    );
    for (let page = 0; page < 200; page++) {
      pages.want(page, page);
      await vi.advanceTimersByTimeAsync(200);
    }
    expect(pages.page(0)).toBeUndefined();
    pages.want(0, 0);
    await vi.advanceTimersByTimeAsync(200);
    expect(pages.item(99)).toEqual(item(99));
  });

  it('a page that fails is said and tried again', async () => {
    vi.useFakeTimers();
    let fail = true;
    const fetch = (offset: number, limit: number): Promise<DataPage> =>
      fail ? Promise.reject({ code: 'X', message: 'No answer.', remedy: '' }) : Promise.resolve(pageOf(offset, limit));
    const pages = new Pages(pageOf(0, PAGE), 1000, fetch, () => {});
    pages.want(2, 2);
    await vi.advanceTimersByTimeAsync(10);
    expect(pages.error).toMatchObject({ message: 'No answer.' });
    fail = false;
    await vi.advanceTimersByTimeAsync(4000);
    expect(pages.error).toBeNull();
    expect(pages.page(2)).toHaveLength(PAGE);
  });

  it('of an index that changed meanwhile are not mixed with those before', async () => {
    vi.useFakeTimers();
    const stale = vi.fn();
    const pages = new Pages(pageOf(0, PAGE), 1000, (offset, limit) => Promise.resolve({ ...pageOf(offset, limit), revision: 2 }), stale);
    pages.want(3, 3);
    await vi.advanceTimersByTimeAsync(10);
    expect(stale).toHaveBeenCalledOnce();
    expect(pages.page(3)).toBeUndefined();
    expect(await pages.range(0, 250)).toHaveLength(PAGE); // of the revision that was here
    expect(stale).toHaveBeenCalledTimes(2);
  });
});

describe('indexing', () => {
  const job: IndexJob = {
    name: 'new',
    dir: '/data/new',
    state: 'running',
    phase: 'questions',
    done: 10,
    total: 100,
    started_at: 1,
    seconds_left: 9,
    error: null,
  };

  it('is followed while somebody looks, and its data set is opened when it is there', async () => {
    vi.useFakeTimers();
    const connector = new FakeConnector({ data: { datasets: [], jobs: [job] } });
    const model = new DataModel(connector, new SelectionModel());
    models.push(model);
    model.watch();
    await vi.advanceTimersByTimeAsync(10);
    expect(model.datasets.state.value.jobs).toMatchObject([{ done: 10 }]);
    connector.data.tellJob('new', { done: 60 });
    await vi.advanceTimersByTimeAsync(1000);
    expect(model.datasets.state.value.jobs).toMatchObject([{ done: 60 }]);
    connector.data.tellJob('new', { state: 'done' });
    await vi.advanceTimersByTimeAsync(1000);
    expect(model.datasets.state.value.jobs).toEqual([]);
    const calls = connector.calls.length;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(connector.calls).toHaveLength(calls);
  });

  it('of several ends on the one that was added last, whichever is done first', async () => {
    vi.useFakeTimers();
    const connector = new FakeConnector({ data: { datasets: ['other', 'long', 'short'].map((name) => ({ name, items: 5 })) } });
    const model = new DataModel(connector, new SelectionModel());
    models.push(model);
    model.watch();
    await vi.advanceTimersByTimeAsync(10);
    await model.add('/data/long');
    await model.add('/data/short');
    for (const done of ['short', 'long']) {
      connector.data.tellJob(done, { state: 'done' });
      await vi.advanceTimersByTimeAsync(1000);
      expect(model.state.value.dataset).toBe('short');
    }
  });

  it('that is refused says why and changes nothing', async () => {
    const { model, connector } = await open();
    connector.data.add = () => Promise.reject({ code: 'DATA_LAYOUT_UNKNOWN', message: 'Nothing here.', remedy: 'Choose another folder.' });
    expect(await model.datasets.add('/tmp')).toBeNull();
    expect(model.datasets.state.value.refusal).toMatchObject({ message: 'Nothing here.' });
    expect(model.datasets.state.value.datasets).toHaveLength(1);
  });
});
