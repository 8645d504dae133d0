import { parquetReadObjects } from 'hyparquet';
import { mkdirSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createClient } from '../client/index.ts';
import { dicom, medr1, omni, picture, temporary, write } from '../data/fixtures.ts';
import { buildIndex } from '../data/index/build.ts';
import { loadItems } from '../data/load.ts';
import {
  Audit,
  DataPage,
  DataSample,
  DatasetSummary,
  Folder,
  IndexJob,
  ITEM_COLUMNS,
  ItemAnswers,
  type DataItem,
  type QuestionNote,
} from '../protocol/data.ts';
import { fakeStep } from '../../../test/server/fake-trainer.ts';
import { completeConfig } from '../runs/config.ts';
import { newRunId, runDirectory } from '../runs/home.ts';
import { RunStore } from '../runs/store.ts';
import { createApp } from './app.ts';
import { dataHandlers } from './data.ts';

const made = temporary();
const home = join(made.path, 'home');
const data = join(made.path, 'data sets', 'Retina & disc');
const app = createApp(dataHandlers({ home }), home, { secret: 's', port: null });
/** A path below /api/data, as one who knows the secret. */
const request = (path: string, init: RequestInit = {}) =>
  app.request(`/api/data${path}`, { ...init, headers: { ...init.headers, host: 'localhost', authorization: 'Bearer s' } });
const get = (path: string) => request(path);
const json = async <T>(path: string, init?: RequestInit) => (await (await request(path, init)).json()) as T;
const post = (path: string, body: unknown) =>
  request(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });

beforeAll(async () => {
  const records = Array.from({ length: 12 }, (_, n) =>
    omni(n, { image_path: `Images/${n % 5}.png`, modality_type: n % 2 ? 'X-Ray' : 'OCT (Optical Coherence Tomography' }),
  );
  records.push(omni(12, { image_path: 'Images/ct.dcm', modality_type: 'CT' }));
  const split = records.map((r) =>
    medr1(r['image_path'] as string, r['question'] as string, ['No finding', 'Glaucoma', 'Drusen', 'Myopia'], 'B'),
  );
  write(data, {
    'QA_information/Open-access/all.json': records,
    'Splits/modality/train/OCT_train.json': split.slice(0, 6),
    'Splits/modality/test/OCT_test.json': split.slice(6, 12),
    'Images/ct.dcm': dicom({ width: 8, height: 8, window: { level: 40, width: 400 } }),
  });
  for (let n = 0; n < 5; n++) write(data, { [`Images/${n}.png`]: await picture(n, 300) });
  await buildIndex(data, { name: 'retina', home });
});
afterAll(() => made[Symbol.dispose]());

it('lists, describes and pages with the shapes of the protocol', async () => {
  const { datasets } = await json<{ datasets: DatasetSummary[] }>('');
  expect(datasets).toMatchObject([{ name: 'retina', items: 13, usable: 13, images: 6, hashed: 6 }]);
  expect(Value.Check(DatasetSummary, datasets[0])).toBe(true);
  const page = await json<DataPage>('/retina/items?modality=OCT&limit=4');
  expect(Value.Check(DataPage, page)).toBe(true);
  expect(page).toMatchObject({ total: 6, facets: { modality: { OCT: 6, 'X-Ray': 6, CT: 1 } } });
  const next = await json<DataPage>(`/retina/items?modality=OCT&limit=4&cursor=${page.cursor}`);
  expect([...page.items, ...next.items].map((item) => item.id)).toHaveLength(6);
  expect(await json('/retina')).toMatchObject({
    splits: { 'modality/train/OCT': 6, 'modality/test/OCT': 6 },
    facets: { split: { 'modality/train/OCT': 6 } },
  });
});

it('a filter that there is not is refused by its name, with those that there are', async () => {
  for (const refused of [get('/retina/items?modalty=OCT'), post('/retina/items', { modalty: ['OCT'] })]) {
    const answer = await refused;
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as { message: string }).message).toMatch(/no "modalty"; there are .*\bsort\b/);
  }
  expect(await (await post('/retina/items', { facets: { colour: ['red'] } })).json()).toMatchObject({
    code: 'DATA_FACET',
    remedy: expect.stringContaining('modality') as string,
  });
  expect(await json('/retina/items?q=zzzznothing')).toMatchObject({ items: [], total: 0, cursor: null });
});

it('a facet may repeat, and a list of ids comes by POST', async () => {
  expect(await json('/retina/items?modality=OCT&modality=CT&answer=B')).toMatchObject({ total: 7 });
  expect(await (await post('/retina/items', { ids: ['ACRIMA_0001', 'ACRIMA_0003', 'none'] })).json()).toMatchObject({ total: 2 });
});

describe('all questions at once, column by column', () => {
  const lines = async (body: object) => {
    const answer = await post('/retina/columns', body);
    expect(answer.headers.get('content-type')).toContain('application/x-ndjson');
    return (await answer.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown[]>);
  };

  it('says what the pages say, in their order', async () => {
    const query = { facets: { modality: ['OCT', 'CT'] }, sort: 'id', descending: true };
    const { items } = (await (await post('/retina/items', query)).json()) as DataPage;
    const [head, block, last] = await lines(query);
    expect(head).toEqual({ total: 7 });
    expect(last).toEqual({ end: 7 });
    expect(block.id.map((_, at) => Object.fromEntries(ITEM_COLUMNS.map((name) => [name, block[name][at]])))).toEqual(
      items.map((item) => ({ tags: [], note: null, ...item })),
    );
  });

  it('has a head and an end where no question passes or none is wanted', async () => {
    expect(await lines({ q: 'zzzznothing' })).toEqual([{ total: 0 }, { end: 0 }]);
    expect(await lines({ limit: 0 })).toEqual([{ total: 13 }, { end: 0 }]);
    expect((await lines({ limit: 2 })).at(-1)).toEqual({ end: 2 });
    expect((await post('/retina/columns', { group: 'image' })).status).toBe(400);
  });

  it('lets go of the index, read to the end or not', async () => {
    const open = () => readdirSync('/proc/self/fd').filter((fd) => linkOf(fd).endsWith('retina/index.db')).length;
    await lines({});
    const before = open();
    await (await post('/retina/columns', {})).body!.cancel();
    await lines({ limit: 1 });
    expect(open()).toBe(before);
  });
});

/** What a file descriptor of this process is open on; empty for one that was closed meanwhile. */
function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

it('tags and notes questions, one or all of a filter, and tells them', async () => {
  expect(await (await post('/retina/notes', { query: { facets: { modality: ['OCT'] } }, add_tags: ['hard'] })).json()).toEqual({
    items: 6,
  });
  expect((await post('/retina/notes', { query: { ids: ['ACRIMA_0000'] }, note: 'glare', author: 'me' })).status).toBe(200);
  expect(await json<DataPage>('/retina/items?tag=hard&limit=1')).toMatchObject({ total: 6, facets: { tag: { hard: 6 } } });
  const { notes } = await json<{ notes: QuestionNote[] }>('/retina/notes');
  expect(notes).toHaveLength(6);
  expect(notes[0]).toMatchObject({ item: 'ACRIMA_0000', tags: ['hard'], note: 'glare', author: 'me' });
  expect(await json<DataSample>('/retina/items/ACRIMA_0000')).toMatchObject({ item: { tags: ['hard'], note: 'glare' } });
  expect((await post('/retina/notes', { query: {}, add_tags: [''] })).status).toBe(400);
  await post('/retina/notes', { query: {}, tags: [], note: '' });
  expect(await json('/retina/notes')).toEqual({ notes: [] });
});

it('a sample has its record and neighbours', async () => {
  const sample = await json<DataSample>('/retina/items/ACRIMA_0000');
  expect(Value.Check(DataSample, sample)).toBe(true);
  expect(sample).toMatchObject({ raw: { gt_answer: 'Glaucoma' }, same_image: [{ id: 'ACRIMA_0005' }, { id: 'ACRIMA_0010' }] });
});

describe('images', () => {
  const item = async (id: string) => (await json<{ item: DataItem }>(`/retina/items/${id}`)).item;

  it('thumbnails are WebP under an address that never changes', async () => {
    const { sha256 } = await item('ACRIMA_0000');
    const answer = await get(`/retina/thumb/${sha256}?size=100`);
    expect(Object.fromEntries([...answer.headers])).toMatchObject({
      'content-type': 'image/webp',
      'cache-control': expect.stringContaining('immutable') as string,
      'x-content-type-options': 'nosniff',
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'webp', width: 192 });
    expect(Buffer.from(await (await get(`/retina/thumb/${sha256}?size=192`)).arrayBuffer()).equals(bytes)).toBe(true);
    expect((await get('/retina/thumb/..%2F..%2Fetc')).status).toBe(404);
  });

  it('DICOM is shown through its window or another', async () => {
    const answer = await get('/retina/image?path=Images/ct.dcm');
    expect(Object.fromEntries([...answer.headers])).toMatchObject({
      'x-image-size': '8x8',
      'x-image-window': '400',
      'x-image-level': '40',
      'x-image-range': expect.stringMatching(/^-?\d+(\.\d+)? -?\d+(\.\d+)?$/) as string,
      'content-security-policy': expect.stringContaining('sandbox') as string,
    });
    const wide = await get('/retina/image?path=Images/ct.dcm&window=6300&level=3150');
    const mean = async (from: Response) => (await sharp(Buffer.from(await from.arrayBuffer())).stats()).channels[0].mean;
    expect(await mean(wide)).toBeLessThan(await mean(answer));
  });

  it.each(['../all.json', '/etc/passwd', 'QA_information/Open-access/all.json', ''])('%j is no image of the data set', async (path) => {
    const answer = await get(`/retina/image?path=${encodeURIComponent(path)}`);
    expect([404, 422]).toContain(answer.status);
    expect(await answer.json()).toMatchObject({ code: 'DATA_IMAGE' });
  });

  it('a request that is given up before its turn is not decoded', async () => {
    const { sha256 } = await item('ACRIMA_0001');
    const answer = await request(`/retina/thumb/${sha256}?size=700`, { signal: AbortSignal.abort() });
    expect(answer.status).toBe(499);
  });
});

it('an audit, a split and an export are made in processes of their own', async () => {
  const audit = await json<Audit>('/retina/audit');
  expect(Value.Check(Audit, audit)).toBe(true);
  expect(audit.splits).toMatchObject([{ test_items: 6, image_overlap: 6 }]);

  const answer = await post('/retina/splits', { kind: 'leak-free', seed: 3, name: 'mine' });
  expect(answer.status).toBe(201);
  expect(await answer.json()).toMatchObject({ name: 'mine', seed: 3, train: expect.any(Number) as number });
  expect(await json('/retina/splits')).toMatchObject({ files: [{ name: 'mine' }] });

  const picked = await post('/retina/splits', { kind: 'selection', query: { facets: { modality: ['OCT'] } }, name: 'picked' });
  expect(await picked.json()).toMatchObject({ name: 'picked', kind: 'selection', train: 6, test: 0 });
  expect((await loadItems('retina', { home, split: 'picked/train' })).items.every((item) => item.modality === 'OCT')).toBe(true);
  expect((await json<Audit>('/retina/audit')).splits).toHaveLength(1);

  const parquet = await post('/retina/export', { format: 'parquet', query: { facets: { modality: ['CT'] } } });
  const file = await parquet.arrayBuffer();
  expect(await parquetReadObjects({ file })).toMatchObject([
    { id: 'ACRIMA_0012', answer: 'B', options: '["No finding","Glaucoma","Drusen","Myopia"]' },
  ]);
}, 120_000);

describe('indexing from the browser', () => {
  it('goes on in the background and ends with a data set', async () => {
    const answer = await post('', { dir: data, name: 'second', images: false });
    expect(answer.status).toBe(202);
    expect(Value.Check(IndexJob, await answer.json())).toBe(true);
    const ended = async () => {
      const job = await json<IndexJob>('/second/job');
      expect(job.state).not.toBe('running');
      return job;
    };
    const job = await vi.waitFor(ended, { timeout: 60_000, interval: 100 });
    expect(job).toMatchObject({ state: 'done', done: 13, error: null });
    const rename = (name: string, to: string) =>
      json(`/${name}`, { method: 'PATCH', body: JSON.stringify({ name: to }), headers: { 'content-type': 'application/json' } });
    expect(await rename('second', '../x')).toMatchObject({ code: 'DATA_NAME' });
    expect(await rename('second', 'third')).toMatchObject({ name: 'third', items: 13 });
    expect(await rename('third', 'second')).toMatchObject({ name: 'second' });
    expect(await json('/second', { method: 'DELETE' })).toMatchObject({ removed: 'second', trash: expect.stringContaining('trash') });
    expect((await get('/second')).status).toBe(404);
  }, 120_000);

  it('shows the images that were asked for before their data set was removed', async () => {
    await buildIndex(data, { name: 'leaving', home });
    const images = Array.from({ length: 8 }, (_, n) => get(`/leaving/image?path=Images/${n % 5}.png&size=${100 + n}`));
    expect((await request('/leaving', { method: 'DELETE' })).status).toBe(200);
    const answers = await Promise.all(images);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(await (await get('/leaving/image?path=Images/0.png')).json()).toMatchObject({ code: 'DATA_UNKNOWN' });
  });

  it('refuses a folder without questions, a taken name, and a name that is a path, and leaves nothing', async () => {
    const refused = async (body: unknown) => {
      const answer = await post('', body);
      return [answer.status, ((await answer.json()) as { code: string }).code];
    };
    expect(await refused({ dir: join(home, 'cache') })).toEqual([422, 'DATA_LAYOUT_UNKNOWN']);
    expect(await refused({ dir: join(data, 'Splits/modality/test/OCT_test.json'), name: 'retina' })).toEqual([409, 'DATA_NAME_TAKEN']);
    expect(await refused({ dir: data, name: '../x' })).toEqual([422, 'DATA_NAME']);
    for (const body of [{ dir: 3 }, [], { dir: data, nam: 'x' }]) expect(await refused(body)).toEqual([400, 'REQUEST_INVALID']);
    expect(await json('')).toMatchObject({ datasets: [{ name: 'retina' }] });
  });

  it('the folder picker shows folders, and which look like data', async () => {
    const folder = await json<Folder>(`/browse?dir=${encodeURIComponent(join(made.path, 'data sets'))}`);
    expect(Value.Check(Folder, folder)).toBe(true);
    expect(folder.folders).toEqual([{ name: 'Retina & disc', dir: data, layout: 'omnimedvqa' }]);
    expect((await get('/browse?dir=/no/such/folder')).status).toBe(404);
  });
});

it('the client reaches each route with types of the protocol', async () => {
  const fetch = async (url: string, init?: RequestInit) => {
    init?.signal?.throwIfAborted();
    return request(url.replace(/^http:\/\/backend\/api\/data/, ''), init);
  };
  const { data: client } = createClient({ baseUrl: 'http://backend/api/', fetch });
  expect((await client.list()).datasets.map((set) => set.name)).toEqual(['retina']);
  expect((await client.get('retina')).facets['answer']).toMatchObject({ B: 13 });
  expect((await Array.fromAsync(client.items('retina', { limit: 5 }))).map((item) => item.id)).toHaveLength(13);
  const { item } = await client.sample('retina', 'ACRIMA_0012');
  for (const url of [client.thumbUrl('retina', item.sha256!, 96), client.imageUrl('retina', item.image, { window: 100 })]) {
    expect([url, (await fetch(url)).status]).toEqual([url, 200]);
  }
  const ct = await client.picture('retina', item.image, { window: 100 });
  expect(ct).toMatchObject({ width: 8, height: 8, grey: { window: 100, level: 40 }, blob: expect.any(Blob) as Blob });
  expect(ct.grey!.low).toBeLessThan(ct.grey!.high);
  expect((await client.picture('retina', 'Images/0.png')).grey).toBeNull();
  await expect(client.picture('retina', 'Images/none.png')).rejects.toMatchObject({ code: 'DATA_IMAGE' });
  expect(await client.place('retina', 'ACRIMA_0002', { facets: { modality: ['OCT'] } })).toEqual({
    index: 1,
    total: 6,
    previous: 'ACRIMA_0000',
    next: 'ACRIMA_0004',
  });
  expect((await client.browse({ dir: made.path })).folders.map((folder) => folder.name)).toContain('data sets');
  expect((await client.splits('retina')).splits).toMatchObject({ 'modality/test/OCT': 6 });
  await expect(client.sample('retina', 'nobody')).rejects.toMatchObject({ code: 'DATA_ITEM_UNKNOWN', http: 404 });
  await expect(client.page('retina', {}, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
});

it.each([
  ['/retina/items?limit=0', 400],
  ['/retina/items?limit=9999', 400],
  ['/retina/items?limit=x', 400],
  ['/retina/items?sort=evil', 422],
  ['/retina/items?group=dataset', 400],
  ['/retina/items?cursor=zzz', 409],
  ['/retina/items/nobody', 404],
  ['/nobody/items', 404],
  ['/nobody/audit', 404],
  ['/retina/splits/nobody', 422],
  ['/retina/splits/..%2F..%2Findex', 422],
])('%s is refused with %i and a remedy', async (path, status) => {
  const answer = await get(path);
  expect(answer.status).toBe(status);
  expect(await answer.json()).toMatchObject({ code: expect.any(String) as string, remedy: expect.stringMatching(/./) as string });
});

it('answers of a run are filters, badges and what it said, also for exports and selections', async () => {
  const config = completeConfig({ model_name_or_path: 'm', dataset_name: data });
  const id = newRunId();
  mkdirSync(runDirectory(home, id), { recursive: true });
  using run = RunStore.create(runDirectory(home, id), { id, name: 'r', parent: null, config, root: data, data_hash: '' });
  const step = fakeStep(1, undefined, 2, 2);
  step.groups.forEach((group, g) => {
    group.item_id = `ACRIMA_000${g}`;
    group.completions.forEach((completion) => (completion.correct = g === 0));
  });
  run.commitStep(step);

  const page = await json<DataPage>(`/retina/items?runs=${id}&limit=1`);
  expect(page.facets[`run:${id}`]).toEqual({ right: 1, wrong: 1, mixed: 0, unasked: 11 });
  expect(page.items[0]).toMatchObject({ id: 'ACRIMA_0000', answers: { [id]: 'right' } });
  expect(Value.Check(DataPage, page)).toBe(true);
  const wrong = await json<DataPage>(`/retina/items?run:${id}=wrong`);
  expect(wrong.items.map((item) => item.id)).toEqual(['ACRIMA_0001']);

  const query = { facets: { [`run:${id}`]: ['wrong'] } };
  const exported = await (await post('/retina/export', { format: 'jsonl', query })).text();
  expect(
    exported
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: string }).id),
  ).toEqual(['ACRIMA_0001']);
  expect(await (await post('/retina/splits', { kind: 'selection', name: 'wrong-ones', query })).json()).toMatchObject({ train: 1 });

  const { answers } = await json<{ answers: ItemAnswers[] }>(`/retina/items/ACRIMA_0001/answers?runs=${id}`);
  expect(answers).toMatchObject([{ run: id, step: 1, group: 1, completions: [{ correct: false }, { correct: false }] }]);
  expect(Value.Check(ItemAnswers, answers[0])).toBe(true);
  expect((await get('/retina/items/none/answers')).status).toBe(404);
  expect((await get('/retina/items?runs=20260101-000000-aaaa')).status).toBe(404);
});
