import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Downloads } from './downloads.ts';
import { omni, picture, temporary, write, zip } from './fixtures.ts';
import { checkName, nameOf } from './index/add.ts';
import { IndexJobs } from './index/jobs.ts';
import { summary } from './index/list.ts';

/** Laid out as OmniMedVQA.zip. */
const BYTES = zip({
  'OmniMedVQA/QA_information/Open-access/ACRIMA.json': JSON.stringify([omni(1), omni(2)]),
  'OmniMedVQA/Images/ACRIMA/1.png': await picture(1, 128),
  'OmniMedVQA/Images/ACRIMA/2.png': await picture(2, 128),
});
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
let made: ReturnType<typeof temporary>;
let hub: Server;
let downloads: Downloads;
let index: IndexJobs;
let held: ServerResponse[];
/** The archive that the hub has. */
let served: Buffer;
/** Whether the hub keeps the rest of a file back. */
let holds: boolean;
let down: boolean;

/** As much of the hub as a download meets: the list of files, a file's facts, its bytes. */
beforeEach(async () => {
  made = temporary();
  [held, holds, down, served] = [[], false, false, BYTES];
  hub = createServer((request, answer) => {
    if (down) return answer.writeHead(503).end();
    if (request.url!.startsWith('/api/datasets/foreverbeliever/OmniMedVQA/tree/main')) {
      const file = {
        type: 'file',
        path: 'OmniMedVQA.zip',
        size: served.length,
        oid: 'x',
        lfs: { oid: sha256(served), size: served.length, pointerSize: 130 },
      };
      return answer.setHeader('content-type', 'application/json').end(JSON.stringify([file]));
    }
    const [from, to] = /bytes=(\d+)-(\d*)/
      .exec(request.headers.range ?? '')
      ?.slice(1)
      .map(Number) ?? [0, 0];
    const part = served.subarray(from, to > 0 ? to + 1 : undefined);
    answer.setHeader('etag', `"${sha256(served)}"`);
    answer.writeHead(request.headers.range ? 206 : 200, {
      'content-length': part.length,
      ...(request.headers.range && { 'content-range': `bytes ${from}-${from + part.length - 1}/${served.length}` }),
    });
    if (!holds || part.length < 10_000) return answer.end(part);
    held.push(answer);
    answer.write(part.subarray(0, 5000));
  });
  await new Promise<void>((ready) => hub.listen(0, '127.0.0.1', ready));
  index = new IndexJobs(made.path);
  const start = (dir: string, name: string) => index.start(dir, { name, images: false });
  downloads = new Downloads(made.path, start, `http://127.0.0.1:${(hub.address() as AddressInfo).port}`);
});
afterEach(() => {
  hub.closeAllConnections();
  hub.close();
  made[Symbol.dispose]();
});

it('shows the licence first, and starts only when it was accepted', () => {
  const [known] = downloads.known();
  expect(known).toMatchObject({ name: 'omnimedvqa', repo: 'foreverbeliever/OmniMedVQA', dir: join(made.path, 'downloads', 'omnimedvqa') });
  expect(known.licence).toContain('research only');
  expect(() => downloads.start('omnimedvqa', { accept_licence: false })).toThrow(/licence of omnimedvqa was not accepted/);
  expect(() => downloads.start('constructor', { accept_licence: true })).toThrow(/no download "constructor"/);
  expect(() => downloads.start('omnimedvqa', { accept_licence: true, dir: 'here' })).toThrow(/"here" is no absolute path/);
  expect(downloads.all()).toEqual([]);
  expect(() => downloads.get('omnimedvqa')).toThrow(/not being downloaded/);
});

it('fetches every file whole, unpacks it and has it indexed', async () => {
  const dir = join(made.path, 'my data');
  const job = downloads.start('omnimedvqa', { accept_licence: true, dir });
  expect(downloads.start('omnimedvqa', { accept_licence: true })).toBe(job);
  await vi.waitFor(() => expect(job.state).toBe('done'), { timeout: 20_000 });
  expect(readFileSync(join(dir, 'OmniMedVQA.zip')).equals(BYTES)).toBe(true);
  expect(job).toMatchObject({ files: ['OmniMedVQA.zip'], error: null, phase: 'unpack', dataset: 'omnimedvqa' });
  await vi.waitFor(() => expect(index.get('omnimedvqa')).toMatchObject({ state: 'done', dir }), { timeout: 20_000 });
  expect(summary('omnimedvqa', made.path)).toMatchObject({ kind: 'omnimedvqa', items: 2, usable: 2 });
});

it('an archive that cannot be unpacked is a failure, and nothing is indexed', async () => {
  served = zip({ '../QA_information/Open-access/a.json': '[]' });
  const job = downloads.start('omnimedvqa', { accept_licence: true });
  await vi.waitFor(() => expect(job.state).toBe('failed'), { timeout: 20_000 });
  expect(job).toMatchObject({ dataset: null, error: { code: 'DATA_ARCHIVE' } });
  expect(index.all()).toEqual([]);
});

it('a name that another folder has is a failure that says so; what was fetched stays', async () => {
  const other = write(join(made.path, 'other'), { 'QA_information/Open-access/a.json': [omni(1)] });
  await index.start(other, { name: 'omnimedvqa' });
  await vi.waitFor(() => expect(index.get('omnimedvqa')?.state).toBe('done'), { timeout: 20_000 });
  const job = downloads.start('omnimedvqa', { accept_licence: true });
  await vi.waitFor(() => expect(job.state).toBe('failed'), { timeout: 20_000 });
  expect(job.error).toMatchObject({ code: 'DATA_NAME_TAKEN' });
  expect(existsSync(join(job.dir, 'OmniMedVQA/Images/ACRIMA/1.png'))).toBe(true);
});

it('can be stopped, and goes on from what is there', async () => {
  holds = true;
  const job = downloads.start('omnimedvqa', { accept_licence: true });
  await vi.waitFor(() => expect(job).toMatchObject({ file: 'OmniMedVQA.zip', done: 5000, total: BYTES.length }), { timeout: 20_000 });
  expect(await downloads.stop('omnimedvqa')).toMatchObject({ state: 'stopped', error: null });
  expect(existsSync(join(job.dir, 'OmniMedVQA.zip'))).toBe(false);
  holds = false;
  const again = downloads.start('omnimedvqa', { accept_licence: true });
  await vi.waitFor(() => expect(again.state).toBe('done'), { timeout: 20_000 });
  expect(readFileSync(join(job.dir, 'OmniMedVQA.zip')).equals(BYTES)).toBe(true);
});

it('a hub that does not answer is an error with the layout to bring the data in', async () => {
  down = true;
  const job = downloads.start('omnimedvqa', { accept_licence: true });
  await vi.waitFor(() => expect(job.state).toBe('failed'), { timeout: 20_000 });
  expect(job.error).toMatchObject({ code: 'DATA_DOWNLOAD', remedy: expect.stringContaining('QA_information/Open-access') as string });
});

it('no data set takes a name that an address has for something else', () => {
  expect(() => checkName('downloads')).toThrow(/no name for a data set/);
  expect(['/home/a/downloads', '/home/a/browse', '/home/a/OmniMedVQA'].map(nameOf)).toEqual([
    'downloads-data',
    'browse-data',
    'OmniMedVQA',
  ]);
});
