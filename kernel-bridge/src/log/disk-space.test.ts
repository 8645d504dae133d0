import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { connect } from './database.ts';
import { isDiskError, isDiskFull } from './disk-space.ts';
import { machineRefusal } from './errors.ts';

const dir = mkdtempSync(join(tmpdir(), 'medr1-disk-'));
afterAll(() => rmSync(dir, { recursive: true }));

const sqlite = (errcode: number, message: string): Error => Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode });
const thrownBy = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
};

it.each([
  [Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' }), true, false],
  [new Error('disk I/O error'), true, false],
  [sqlite(10 | (19 << 8), 'x'), true, false],
  [new Error('no checkpoint', { cause: Object.assign(new Error('x'), { code: 'EIO' }) }), true, false],
  [Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }), false, true],
  [new Error('database or disk is full'), false, true],
  [sqlite(13, 'x'), false, true],
  [new Error('the trainer failed at step 3'), false, false],
  ['disk I/O error', false, false],
])('%s: a disk that fails %s, one that is full %s', (error, fails, full) => {
  expect([isDiskError(error), isDiskFull(error)]).toEqual([fails, full]);
});

describe('what the machine refuses', () => {
  it.each([
    [sqlite(13, 'database or disk is full'), 'DISK_FULL'],
    [sqlite(10, 'disk I/O error'), 'DISK_FAILED'],
    [sqlite(10 | (19 << 8), 'disk I/O error'), 'DISK_FAILED'],
    [sqlite(5, 'database is locked'), 'DATABASE_BUSY'],
    [sqlite(6, 'database table is locked'), 'DATABASE_BUSY'],
    [sqlite(14, 'unable to open database file'), 'NOT_WRITABLE'],
    [Object.assign(sqlite(14, 'unable to open database file'), { cause: new Error('ENOSPC: No space left on device') }), 'DISK_FULL'],
    [sqlite(11, 'database disk image is malformed'), undefined],
    [sqlite(26, 'file is not a database'), undefined],
    [sqlite(1, 'no such table: run'), undefined],
    [new Error('it is no run database'), undefined],
  ])('%s: %s', (error, code) => {
    expect(machineRefusal(join(dir, 'run.db'), error)?.code).toBe(code);
  });

  it('a database that is only to be read is refused by name where its folder is missing, and damaged where the file alone says so', () => {
    const file = join(dir, 'a.db');
    const db = new DatabaseSync(file);
    db.exec('CREATE TABLE a (b)');
    db.close();
    using reader = new DatabaseSync(file, { readOnly: true });
    const error = thrownBy(() => reader.exec('INSERT INTO a VALUES (1)'));
    expect(machineRefusal(file, error)).toBeNull(); // this user may write there
    expect(machineRefusal(join(dir, 'nowhere', 'a.db'), error)?.code).toBe('NOT_WRITABLE');
  });

  it('a folder in place of a database is no damage', () => {
    const file = join(dir, 'folder.db');
    mkdirSync(file);
    expect(
      machineRefusal(
        file,
        thrownBy(() => connect(file)),
      )?.code,
    ).toBe('NOT_WRITABLE');
  });
});
