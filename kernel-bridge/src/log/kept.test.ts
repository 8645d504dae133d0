import { mkdtempSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connect } from './database.ts';
import { Kept, stampOf } from './kept.ts';

const MINUTE_MS = 60_000;
let folder: string;
let file: string;
let db: DatabaseSync;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'medr1-kept-'));
  file = join(folder, 'a.db');
  db = connect(file);
  db.exec('CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (0)');
  db.exec('PRAGMA wal_checkpoint(FULL)'); // what follows is written over the start of the journal, whose length stays as it is
});
afterEach(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

const value = (): number => db.prepare('SELECT n FROM a').get()!.n as number;

/** Gives both files the time of `ago` before now. */
function written(ago: number): void {
  const then = new Date(Date.now() - ago);
  for (const one of [file, `${file}-wal`]) utimesSync(one, then, then);
}

/** As a commit is whose bytes stood in the journal already, with their time, while others could not read them yet. */
function commitThatWasOnItsWay(): void {
  const { atime, mtime, size } = statSync(`${file}-wal`);
  db.exec('UPDATE a SET n = n + 1');
  expect(statSync(`${file}-wal`).size).toBe(size);
  utimesSync(`${file}-wal`, atime, mtime);
}

it('reads once what stays as it is, and again after a commit', () => {
  written(MINUTE_MS);
  const kept = new Kept<{ n: number }>();
  const read = () => kept.of('a', file, () => ({ n: value() }));
  const first = read();
  expect(read()).toBe(first);
  db.exec('UPDATE a SET n = 5');
  expect(read()).toEqual({ n: 5 });
});

it('reads again while a commit may be on its way, whose bytes were there when it was read last', () => {
  written(MINUTE_MS);
  const kept = new Kept<number>();
  db.exec('UPDATE a SET n = 1');
  written(0);
  expect(kept.of('a', file, value)).toBe(1);
  const { text } = stampOf(file);
  commitThatWasOnItsWay();
  expect(stampOf(file).text).toBe(text);
  expect(kept.of('a', file, value)).toBe(2);
});

it('a stamp is another one once the last commit can be read for certain', () => {
  db.exec('UPDATE a SET n = 1');
  const now = Date.now();
  const [moving, settled, later] = [now, now + MINUTE_MS, now + 2 * MINUTE_MS].map((at) => stampOf(file, at));
  expect([moving.settled, settled.settled]).toEqual([false, true]);
  expect(settled.text).not.toBe(moving.text);
  expect(later).toEqual(settled);
});

it('what is forgotten is read again', () => {
  written(MINUTE_MS);
  const kept = new Kept<number>();
  expect(kept.of('a', file, value)).toBe(0);
  commitThatWasOnItsWay(); // longer than anybody waits: whoever is told of it says so
  expect(kept.of('a', file, value)).toBe(0);
  kept.forget('a');
  expect(kept.of('a', file, value)).toBe(1);
});
