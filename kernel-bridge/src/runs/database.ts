/** Opens a run's database by the rules that made it survive every simulated power cut: WAL, synchronous=FULL, one transaction a step. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { WorkbenchError } from '../protocol/errors.ts';
import { hasRoom, isBusy, isDiskFull } from './room.ts';
import { errors } from './errors.ts';

/** One row per fact; everything a view shows comes from here. Steps count from 1. JSON columns hold what is only ever read whole. */
const SCHEMA = `
CREATE TABLE run (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  id TEXT NOT NULL, name TEXT NOT NULL, parent TEXT, epoch TEXT NOT NULL,
  state TEXT NOT NULL, error TEXT, config TEXT NOT NULL,
  root TEXT NOT NULL, data_hash TEXT NOT NULL, request_id TEXT,
  created_at REAL NOT NULL, started_at REAL, ended_at REAL,
  total_steps INTEGER NOT NULL DEFAULT 0, device TEXT, eval_split TEXT, eval_hash TEXT
) STRICT;
CREATE TABLE step (step INTEGER PRIMARY KEY, time REAL NOT NULL, groups INTEGER NOT NULL) STRICT;
CREATE TABLE metric_name (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
-- value NULL with special NULL: no valid value at that step; special: NaN, Infinity or -Infinity, which SQLite cannot hold.
CREATE TABLE metric (
  name_id INTEGER NOT NULL REFERENCES metric_name, step INTEGER NOT NULL REFERENCES step ON DELETE CASCADE,
  value REAL, special TEXT, PRIMARY KEY (name_id, step)
) STRICT, WITHOUT ROWID;
CREATE INDEX metric_by_step ON metric (step);
CREATE TABLE rollout_group (
  step INTEGER NOT NULL REFERENCES step ON DELETE CASCADE, "group" INTEGER NOT NULL,
  item_id TEXT NOT NULL, dataset TEXT NOT NULL, image TEXT, question TEXT NOT NULL, options TEXT NOT NULL, answer TEXT,
  modality TEXT NOT NULL, question_type TEXT NOT NULL, prompt TEXT NOT NULL, reward_mean REAL, reward_std REAL,
  PRIMARY KEY (step, "group")
) STRICT;
CREATE TABLE completion (
  step INTEGER NOT NULL, "group" INTEGER NOT NULL, "index" INTEGER NOT NULL,
  text TEXT NOT NULL, token_ids BLOB NOT NULL, logprobs BLOB NOT NULL, entropy BLOB, kl BLOB, finish_reason TEXT NOT NULL,
  rewards TEXT NOT NULL, reward REAL, advantage REAL, prediction TEXT, correct INTEGER,
  PRIMARY KEY (step, "group", "index"),
  FOREIGN KEY (step, "group") REFERENCES rollout_group ON DELETE CASCADE
) STRICT;
-- step: first step scored with it; due: the step at which a resumed run must take it up again.
CREATE TABLE reward_revision (
  revision INTEGER PRIMARY KEY, step INTEGER, due INTEGER, weights TEXT NOT NULL,
  reason TEXT NOT NULL, author TEXT NOT NULL, created_at REAL NOT NULL, request_id TEXT UNIQUE,
  sources TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE TABLE checkpoint (
  step INTEGER PRIMARY KEY, created_at REAL NOT NULL, reason TEXT NOT NULL, pinned INTEGER NOT NULL, bytes INTEGER NOT NULL
) STRICT;
CREATE TABLE command (id INTEGER PRIMARY KEY, action TEXT NOT NULL, created_at REAL NOT NULL, done_at REAL) STRICT;
CREATE TABLE event (seq INTEGER PRIMARY KEY, time REAL NOT NULL, step INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL) STRICT;
`;

/** What came later: runs made before get it when they are opened. */
const ADDED = `
CREATE INDEX IF NOT EXISTS rollout_group_by_item ON rollout_group (item_id, step);
-- requests that were carried out, so that one sent again is not
CREATE TABLE IF NOT EXISTS request (id TEXT PRIMARY KEY, time REAL NOT NULL) STRICT, WITHOUT ROWID;
-- of rollouts that were used again: as the update of step "at" saw them, the last one so far
CREATE TABLE IF NOT EXISTS token_ratio (
  step INTEGER NOT NULL, "group" INTEGER NOT NULL, "index" INTEGER NOT NULL, at INTEGER NOT NULL, ratio BLOB NOT NULL, clipped BLOB,
  PRIMARY KEY (step, "group", "index"),
  FOREIGN KEY (step, "group", "index") REFERENCES completion ON DELETE CASCADE
) STRICT;
`;

/** Columns that came later, with what makes them. */
const COLUMNS = [
  ['reward_revision', 'sources', "TEXT NOT NULL DEFAULT '{}'"],
  ['completion', 'entropy', 'BLOB'],
  ['completion', 'kl', 'BLOB'],
  ['run', 'eval_split', 'TEXT'],
  ['run', 'eval_hash', 'TEXT'],
] as const;

const RUN: DatabaseKind = {
  applicationId: 0x4d_52_31_77, // "MR1w"
  version: 1,
  stranger: 'it is no run database',
  damaged: errors.runDamaged,
  format: errors.runFormat,
  later: { columns: COLUMNS, names: ['rollout_group_by_item', 'request', 'token_ratio'], sql: ADDED },
};

export function createDatabase(file: string): DatabaseSync {
  return makeDatabase(file, `${SCHEMA} ${ADDED}`, RUN);
}

/** Throws RUN_DAMAGED or RUN_FORMAT. */
export function openDatabase(file: string, options?: OpenOptions): DatabaseSync {
  return openAs(file, RUN, options);
}

/** What a database is told by, and what is thrown where it is another or cannot be read. */
export interface DatabaseKind {
  applicationId: number;
  version: number;
  /** "it is no run database" */
  stranger: string;
  damaged: (file: string, cause: unknown) => WorkbenchError;
  format: (file: string, seen: number, known: number) => WorkbenchError;
  /** What came after the first version: columns, and `sql` that may run again with the `names` of what it makes. */
  later: { columns: readonly (readonly [table: string, name: string, type: string])[]; names?: readonly string[]; sql?: string };
}

export interface OpenOptions {
  /** Reads the whole file for damage: done by the writer at its start, too slow for every reader. */
  check?: boolean;
  /** How long another process that writes is waited for; 10 s when left out. */
  wait_ms?: number;
}

export function makeDatabase(file: string, schema: string, { applicationId, version }: DatabaseKind): DatabaseSync {
  const db = connect(file);
  db.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version}; COMMIT`);
  return db;
}

/** A database that is there, of this kind and whole, brought up to date. */
export function openAs(file: string, kind: DatabaseKind, { check = false, wait_ms }: OpenOptions = {}): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    if (!existsSync(file)) throw new Error('the file is missing');
    db = connect(file, wait_ms);
    const version = db.prepare('PRAGMA user_version').get()!.user_version as number;
    if (version !== kind.version) throw kind.format(file, version, kind.version);
    if (db.prepare('PRAGMA application_id').get()!.application_id !== kind.applicationId) throw new Error(kind.stranger);
    const found = check ? (db.prepare('PRAGMA quick_check(1)').get() as { quick_check: string }).quick_check : 'ok';
    if (found !== 'ok') throw new Error(found);
    bringUpToDate(db, kind.later);
    return db;
  } catch (error) {
    db?.close();
    throw error instanceof WorkbenchError || isDiskFull(error) || isBusy(error) ? error : kind.damaged(file, error);
  }
}

/** Gives a database of an earlier version what came later. Others may have it open, and do the same at this moment. */
function bringUpToDate(db: DatabaseSync, { columns, names = [], sql = '' }: DatabaseKind['later']): void {
  const column = db.prepare('SELECT 1 FROM pragma_table_info(?) WHERE name = ?');
  const lacking = () => columns.filter(([table, name]) => column.get(table, name) === undefined);
  const there = db
    .prepare('SELECT count(*) AS n FROM sqlite_master WHERE name IN (SELECT value FROM json_each(?))')
    .get(JSON.stringify(names))!.n;
  if (there === names.length && lacking().length === 0) return;
  transaction(db, () => {
    db.exec(sql);
    for (const [table, name, type] of lacking()) db.exec(`ALTER TABLE ${table} ADD COLUMN ${name} ${type}`);
  });
}

/** Opens or makes a database by these rules, or throws when the file system ignores them. */
export function connect(file: string, wait_ms = 10_000): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: wait_ms, enableForeignKeyConstraints: true });
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    // read back: a build or file system that ignores either would lose acknowledged steps in a power cut
    const mode = db.prepare('PRAGMA journal_mode').get()!.journal_mode;
    const synchronous = db.prepare('PRAGMA synchronous').get()!.synchronous;
    if (mode !== 'wal' || synchronous !== 2)
      throw new Error(`journal_mode is ${mode} and synchronous ${synchronous}, not wal and 2 (a network file system?)`);
    return db;
  } catch (error) {
    db.close();
    throw withoutIndex(error) && !hasRoom(dirname(file)) ? errors.noRoom(file, error) : error;
  }
}

/** SQLite's word for an index of the journal that it cannot make: on a full disk it does not say that. */
const withoutIndex = (error: unknown): boolean => error instanceof Error && /disk I\/O error/.test(error.message);

export function transaction<T>(db: DatabaseSync, body: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = body();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
