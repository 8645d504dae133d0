/** The fault matrix, its tests and the page about it tell of the same rows. */
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { ROWS, type Row } from '../faults/rows.ts';
import { root } from './graph.ts';

const rows: [string, Row][] = Object.entries(ROWS);
const read = (file: string): string => readFileSync(resolve(root, file), 'utf8');

it('every row has one test', () => {
  const tests = globSync('test/faults/**/*.test.ts', { cwd: root }).map(read).join('\n');
  const tested = [...tests.matchAll(/^\s*fault\('(\w+)'/gm)].map(([, id]) => id);
  expect(tested.toSorted()).toEqual(rows.map(([id]) => id).toSorted());
});

it('every count of the page is of a row that is there, by its words', () => {
  const page = read('docs/reliability.md');
  const told = [...page.matchAll(/^\| ([A-Z]\d+) \| ([^|]+) \|/gm)].map(([, id, promise]) => [id, promise]);
  expect(told.length).toBeGreaterThan(5);
  const known = new Map(rows.map(([id, { promise }]) => [id, promise]));
  expect(told.filter(([id, promise]) => known.get(id) !== promise)).toEqual([]);
});
