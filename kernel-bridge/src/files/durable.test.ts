import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { appendDurably, renameDurably, writeDurably } from './durable.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'medr1-durable-'))));
afterEach(() => rmSync(folder, { recursive: true }));

it('a file takes the place of the one that was there, and leaves no other', () => {
  const file = join(folder, 'a.json');
  for (const text of ['one', 'two']) writeDurably(file, text);
  expect(readFileSync(file, 'utf8')).toBe('two');
  expect(readdirSync(folder)).toEqual(['a.json']);
});

it('a file grows', () => {
  const file = join(folder, 'a.jsonl');
  for (const text of ['one\n', 'two\n']) appendDurably(file, text);
  expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n');
});

it('a folder appears with all that is in it', () => {
  mkdirSync(join(folder, 'making', 'deep', 'er'), { recursive: true });
  writeFileSync(join(folder, 'making', 'deep', 'er', 'file'), 'text');
  renameDurably(join(folder, 'making'), join(folder, 'made'));
  expect(readdirSync(folder)).toEqual(['made']);
  expect(readFileSync(join(folder, 'made', 'deep', 'er', 'file'), 'utf8')).toBe('text');
});
