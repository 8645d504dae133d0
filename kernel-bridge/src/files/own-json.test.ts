import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Type from 'typebox';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readOwnJson, writeOwnJson } from './own-json.ts';

let home: string;
beforeEach(() => void (home = mkdtempSync(join(tmpdir(), 'medr1-own-'))));
afterEach(() => rmSync(home, { recursive: true }));

const Counts = Type.Record(Type.String(), Type.Integer());
const DAMAGED = ['', '{"a":', 'null', '[1]', '7', '{"a":"x"}', '{"a":null}'];

it('is read as it was written, and written over while it can be read', () => {
  const file = join(home, 'counts.json');
  expect(readOwnJson(file, Counts)).toBeNull();
  for (const text of ['{"a":1}', '{"a":2}']) writeOwnJson(file, Counts, text);
  expect(readOwnJson(file, Counts)).toEqual({ a: 2 });
  expect(readdirSync(home)).toEqual(['counts.json']);
});

it.each(DAMAGED)('one that holds %j is kept beside the new one', (text) => {
  const file = join(home, 'counts.json');
  writeFileSync(file, text);
  expect(readOwnJson(file, Counts)).toBeNull();
  writeOwnJson(file, Counts, '{"a":1}');
  expect(readFileSync(`${file}.damaged`, 'utf8')).toBe(text);
  expect(readOwnJson(file, Counts)).toEqual({ a: 1 });
});

it('a pipe in its place is not waited for', () => {
  const file = join(home, 'counts.json');
  execFileSync('mkfifo', [file]);
  expect(readOwnJson(file, Counts)).toBeNull();
});
