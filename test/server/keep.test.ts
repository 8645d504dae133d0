/** What cleaners of /tmp remove under a living server. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { connectHome, connectTo } from '../../kernel-bridge/src/server/connect.ts';
import { keep, privateFolder } from '../../kernel-bridge/src/server/keep.ts';
import { serverFile } from '../../kernel-bridge/src/server/server-file.ts';
import { ENDLESS, testServer, type TestServer } from './harness.ts';

let place: string;
let t: TestServer;
beforeEach(async () => {
  place = mkdtempSync(join(tmpdir(), 'medr1-keep-'));
  t = await testServer({ socket: join(place, 'run', 's') }); // its folder is made, too
});
afterEach(async () => {
  await t.close();
  rmSync(place, { recursive: true, force: true });
});

const socket = () => join(place, 'run', 's');
const there = (path: string) => vi.waitFor(() => expect(existsSync(path)).toBe(true), { timeout: 20_000, interval: 20 });

it('a socket that was removed, with its folder or without, is there again for new clients, and those that are connected notice nothing', async () => {
  const seen: number[] = [];
  const run = await t.client.createRun(t.config(ENDLESS));
  t.client.subscribe(`run:${run.id}`, { since: 0 }, (_event, { seq }) => seen.push(seq));
  await vi.waitFor(() => expect(seen.length).toBeGreaterThan(3), { timeout: 20_000 });

  for (const removed of [socket(), join(place, 'run'), socket()]) {
    rmSync(removed, { recursive: true });
    await there(socket());
    expect(statSync(socket()).mode & 0o777).toBe(0o600);
    expect(statSync(join(place, 'run')).mode & 0o777).toBe(0o700);
    const fresh = connectTo({ socket: socket() }, t.server.secret);
    await vi.waitFor(async () => expect((await fresh.server()).pid).toBe(process.pid), { timeout: 20_000 });
    const told: number[] = [];
    fresh.subscribe(`run:${run.id}`, { since: 0 }, (_event, { seq }) => told.push(seq));
    const before = seen.length;
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(3), { timeout: 20_000 });
    await vi.waitFor(() => expect(seen.length).toBeGreaterThan(before + 1), { timeout: 20_000 });
    fresh.close();
  }
  expect(seen).toEqual(seen.map((_, index) => index + 1)); // each once and in order, over one connection
});

it('server.json is written again, so that commands find the server', async () => {
  const before = readFileSync(serverFile(t.home), 'utf8');
  rmSync(serverFile(t.home));
  await there(serverFile(t.home));
  expect(readFileSync(serverFile(t.home), 'utf8')).toBe(before);
  expect(statSync(serverFile(t.home)).mode & 0o777).toBe(0o600);
  const client = await connectHome(t.home);
  client.close();
});

it('a server that was closed makes nothing again', async () => {
  await t.server.close();
  expect(existsSync(socket())).toBe(false);
  expect(existsSync(serverFile(t.home))).toBe(false);
});

it('what cannot be made again is said once', async () => {
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  let tries = 0;
  const stop = keep(
    join(place, 'never'),
    () => {
      tries++;
      throw new Error('no room');
    },
    1,
  );
  await vi.waitFor(() => expect(tries).toBeGreaterThan(3));
  stop();
  const lines = said.mock.calls.map(([line]) => String(line)).filter((line) => line.includes('never'));
  said.mockRestore();
  expect(lines).toEqual([expect.stringContaining('cannot be made again: no room')]);
});

it.runIf(process.getuid?.() === 0)('a folder that somebody else has made is not listened in', async () => {
  const { chownSync } = await import('node:fs');
  const theirs = join(place, 'theirs');
  mkdirSync(theirs);
  chmodSync(theirs, 0o777);
  chownSync(theirs, 12345, 12345);
  expect(() => privateFolder(theirs)).toThrow('belongs to user 12345');
});
