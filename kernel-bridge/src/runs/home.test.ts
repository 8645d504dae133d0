import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isRunId, newRunId, prepareHome } from './home.ts';

it('ids sort in the order in which they were made, within a millisecond too', () => {
  const ids = Array.from({ length: 2000 }, newRunId);
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every(isRunId)).toBe(true);
});

it('a home that cannot be made is named with the remedy', () => {
  const place = mkdtempSync(join(tmpdir(), 'medr1-home-'));
  const home = join(place, 'a file');
  writeFileSync(home, '');
  expect(() => prepareHome(home)).toThrow(expect.objectContaining({ code: 'NOT_WRITABLE', message: expect.stringContaining(home) }));
  rmSync(place, { recursive: true });
});

it('a home where none can be, in a folder that is there, is told too', () => {
  expect(() => prepareHome('/proc/home')).toThrow(expect.objectContaining({ code: 'NOT_WRITABLE' }));
});

it('a home is its owner’s alone, whoever made it before', () => {
  const home = mkdtempSync(join(tmpdir(), 'medr1-home-'));
  chmodSync(home, 0o755);
  prepareHome(home);
  expect(statSync(home).mode & 0o777).toBe(0o700);
  rmSync(home, { recursive: true });
});
