import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPlain, openPlainSync, readPlain, readPlainSync, readTailSync, readText, readTextSync } from './plain.ts';

const dir = mkdtempSync(join(tmpdir(), 'plain-'));
const at = (name: string): string => join(dir, name);
const socket = createServer();

beforeAll(async () => {
  execFileSync('mkfifo', [at('pipe')]);
  mkdirSync(at('folder'));
  symlinkSync('/dev/zero', at('zeros'));
  symlinkSync('pipe', at('link-to-pipe'));
  writeFileSync(at('text'), 'één\n');
  symlinkSync('text', at('link-to-text'));
  writeFileSync(at('empty'), '');
  writeFileSync(at('sparse'), '');
  truncateSync(at('sparse'), 2 ** 40);
  await new Promise<void>((done) => socket.listen(at('socket'), done));
});
afterAll(() => {
  socket.close();
  rmSync(dir, { recursive: true });
});

describe('a plain file', () => {
  it.each([
    ['pipe', /named pipe, not a file/],
    ['link-to-pipe', /named pipe, not a file/],
    ['zeros', /a device, not a file/],
    ['folder', /a folder, not a file/],
    ['socket', /a socket, not a file/],
    ['nowhere', /ENOENT/],
  ])('is not %s', async (name, message) => {
    for (const refused of [() => openPlainSync(at(name)), () => readPlainSync(at(name), 100), () => readTextSync(at(name), 100)])
      expect(refused).toThrow(message);
    for (const refused of [() => openPlain(at(name)), () => readPlain(at(name), 100), () => readText(at(name), 100)])
      await expect(refused()).rejects.toThrow(message);
  });

  it('is read whole, through links too', async () => {
    for (const name of ['text', 'link-to-text']) {
      expect(readTextSync(at(name), 100)).toBe('één\n');
      expect(await readText(at(name), 100)).toBe('één\n');
    }
    expect(await readText(at('empty'), 0)).toBe('');
  });

  it('is refused above its limit before it is read', async () => {
    expect(readPlainSync(at('text'), 6)).toHaveLength(6);
    for (const name of ['text', 'sparse']) {
      expect(() => readPlainSync(at(name), 5)).toThrow(/bytes or more, at most 5 are read/);
      await expect(readPlain(at(name), 5)).rejects.toThrow(/bytes or more, at most 5 are read/);
    }
  });

  it('is read to its end where its size is not told', async () => {
    const limits = readTextSync('/proc/self/limits', 1 << 16);
    expect(limits).toContain('Max open files');
    expect(await readText('/proc/self/limits', 1 << 16)).toBe(limits);
    expect(() => readTextSync('/proc/self/limits', 10)).toThrow(/at most 10 are read/);
  });
});

describe('the tail of a log', () => {
  it('has whole lines only', () => {
    writeFileSync(at('log'), 'first line\nsecond\nthird\n');
    expect(readTailSync(at('log'), 1000)).toEqual(['first line', 'second', 'third', '']);
    expect(readTailSync(at('log'), 12)).toEqual(['third', '']);
    expect(readTailSync(at('empty'), 10)).toEqual(['']);
  });
});
