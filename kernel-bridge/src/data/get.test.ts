import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { temporary, zip } from './fixtures.ts';
import { getDataset, type GetProgress } from './get.ts';

const BIG = Buffer.from(Array.from({ length: 2000 }, (_, i) => sha256(Buffer.from([i % 251, i >> 8]))).join(''), 'hex');
const FILES: Record<string, Buffer> = {
  'README.md': Buffer.from('a card'),
  'data/big.zip': zip({ 'set/a.bin': BIG, 'set/b.txt': 'b' }),
};
const SIZE = FILES['data/big.zip'].length;
function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** As much of the hub as a download meets: the tree, a file's facts, ranges. */
let server: Server;
let hubUrl: string;
let ranges: string[] = [];
let breakAfter = Infinity;
let wrong = false;
let tree = Object.keys(FILES);

beforeAll(async () => {
  server = createServer((request, answer) => {
    const url = new URL(request.url!, 'http://hub');
    if (url.pathname.startsWith('/api/datasets/org/set/tree/main')) {
      const list = tree.map((path) => ({
        type: 'file',
        path,
        size: FILES[path]?.length ?? 1e18,
        oid: 'x',
        ...(path in FILES && path.endsWith('.zip') && { lfs: { oid: sha256(FILES[path]), size: FILES[path].length, pointerSize: 130 } }),
      }));
      return answer.setHeader('content-type', 'application/json').end(JSON.stringify(list));
    }
    const path = decodeURIComponent(url.pathname.replace('/datasets/org/set/resolve/main/', ''));
    const bytes = FILES[path];
    if (!bytes) return answer.writeHead(404).end();
    answer.setHeader('etag', `"${sha256(bytes)}"`).setHeader('accept-ranges', 'bytes');
    const [from, to] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '')?.slice(1) ?? ['0', ''];
    const part = bytes.subarray(Number(from), to === '' ? undefined : Number(to) + 1);
    if (request.headers.range)
      answer.writeHead(206, {
        'content-range': `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}`,
        'content-length': part.length,
      });
    else answer.writeHead(200, { 'content-length': part.length });
    if (to === '' && path.endsWith('.zip')) {
      ranges.push(from);
      if (part.length > breakAfter) return answer.write(part.subarray(0, breakAfter), () => answer.destroy());
    }
    answer.end(request.method === 'HEAD' ? undefined : wrong ? Buffer.alloc(part.length) : part);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  hubUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());
beforeEach(() => {
  ranges = [];
  breakAfter = Infinity;
  wrong = false;
  tree = Object.keys(FILES);
});

it('fetches every file whole and unpacks the archives, and nothing a second time', async () => {
  using dir = temporary();
  const seen: GetProgress[] = [];
  const get = () => getDataset({ repo: 'org/set', dir: dir.path, hubUrl, progress: (progress) => seen.push(progress) });
  expect(await get()).toEqual(['README.md', 'data/big.zip']);
  for (const [path, bytes] of Object.entries(FILES)) expect(readFileSync(join(dir.path, path)).equals(bytes)).toBe(true);
  expect(readFileSync(join(dir.path, 'data/set/a.bin')).equals(BIG)).toBe(true);
  const last = (phase: GetProgress['phase']) => seen.findLast((progress) => progress.phase === phase);
  expect(last('download')).toMatchObject({ file: 'data/big.zip', done: SIZE, total: SIZE });
  expect(last('check')).toMatchObject({ file: 'data/big.zip', done: SIZE, total: SIZE });
  expect(last('unpack')).toMatchObject({ done: BIG.length + 1, total: BIG.length + 1 });
  const written = statSync(join(dir.path, 'data/set/a.bin')).ino;
  await get();
  expect(ranges).toHaveLength(1);
  expect(statSync(join(dir.path, 'data/set/a.bin')).ino).toBe(written);
});

it('takes the hub that HF_ENDPOINT names, as the libraries of the hub do', async () => {
  using dir = temporary();
  vi.stubEnv('HF_ENDPOINT', hubUrl);
  expect(await getDataset({ repo: 'org/set', dir: dir.path })).toHaveLength(2);
  vi.unstubAllEnvs();
});

it('a disk without room for archive and content is told before anything is fetched', async () => {
  using dir = temporary();
  tree = ['data/huge.zip'];
  const failed = getDataset({ repo: 'org/set', dir: dir.path, hubUrl });
  await expect(failed).rejects.toMatchObject({
    code: 'DISK_FULL',
    message: expect.stringMatching(/to download and unpack org\/set takes/) as string,
  });
  expect(readdirSync(dir.path)).toEqual([]);
});

it('goes on where a broken download ended', async () => {
  using dir = temporary();
  breakAfter = 20_000;
  await expect(getDataset({ repo: 'org/set', dir: dir.path, hubUrl })).rejects.toMatchObject({ code: 'DATA_DOWNLOAD' });
  expect(existsSync(join(dir.path, 'data/big.zip'))).toBe(false); // never half a file under its name
  breakAfter = Infinity;
  await getDataset({ repo: 'org/set', dir: dir.path, hubUrl });
  expect(Number(ranges.at(-1))).toBeGreaterThan(0);
  expect(readFileSync(join(dir.path, 'data/big.zip')).equals(FILES['data/big.zip'])).toBe(true);
});

it('sets a file aside whose content is not what the hub says', async () => {
  using dir = temporary();
  wrong = true;
  await expect(getDataset({ repo: 'org/set', dir: dir.path, hubUrl })).rejects.toMatchObject({
    message: expect.stringContaining('sha256') as string,
  });
  expect(readdirSync(join(dir.path, 'data'))).toEqual(['big.zip.damaged']);
});

it('refuses a name that leaves the folder', async () => {
  using dir = temporary();
  tree = ['../outside.md'];
  await expect(getDataset({ repo: 'org/set', dir: join(dir.path, 'in'), hubUrl })).rejects.toMatchObject({ code: 'DATA_DOWNLOAD' });
  expect(readdirSync(dir.path)).toEqual([]);
});

it('without a network says so, and which layout it expects', async () => {
  using dir = temporary();
  writeFileSync(join(dir.path, 'x'), '');
  const failed = getDataset({ repo: 'org/set', dir: dir.path, hubUrl: 'http://127.0.0.1:9' });
  await expect(failed).rejects.toMatchObject({
    code: 'DATA_DOWNLOAD',
    remedy: expect.stringContaining('QA_information/Open-access') as string,
  });
});
