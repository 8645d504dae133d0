/** The database of one evaluation, by the rules of a run's: WAL, synchronous=FULL, one transaction a batch of answers. */
import { existsSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { WorkbenchError } from '../protocol/errors.ts';
import { connect, transaction } from '../runs/database.ts';
import { errors } from './errors.ts';

export const APPLICATION_ID = 0x4d_52_31_65; // "MR1e"
export const USER_VERSION = 1;

/** `item.ix` is the place in the order asked, `mark` tells whether its image is still the one that was shown. An answer's options are null where they stood as the item has them. */
const SCHEMA = `
CREATE TABLE evaluation (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  id TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL,
  state TEXT NOT NULL, error TEXT, settings TEXT NOT NULL, controls TEXT NOT NULL,
  trained TEXT, run_name TEXT, model_hash TEXT NOT NULL, split_hash TEXT NOT NULL, train_hash TEXT,
  created_at REAL NOT NULL, started_at REAL, ended_at REAL
) STRICT;
CREATE TABLE item (
  ix INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, dataset TEXT NOT NULL, modality TEXT NOT NULL, question_type TEXT NOT NULL,
  image TEXT NOT NULL, question TEXT NOT NULL, options TEXT NOT NULL, answer TEXT, mark TEXT
) STRICT;
CREATE TABLE answer (
  sight TEXT NOT NULL, ix INTEGER NOT NULL REFERENCES item,
  text TEXT NOT NULL, tokens INTEGER NOT NULL, finish_reason TEXT NOT NULL, strict TEXT, tolerant TEXT,
  options TEXT, right TEXT, PRIMARY KEY (sight, ix)
) STRICT, WITHOUT ROWID;
`;

export function createDatabase(file: string): DatabaseSync {
  const db = connect(file);
  db.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${USER_VERSION}; COMMIT`);
  return db;
}

/** `check` reads the whole file for damage: done by the writer at its start. Throws EVAL_DAMAGED or EVAL_FORMAT. */
export function openDatabase(file: string, { check = false } = {}): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    if (!existsSync(file)) throw new Error('the file is missing');
    db = connect(file);
    const version = db.prepare('PRAGMA user_version').get()!.user_version as number;
    if (version !== USER_VERSION) throw errors.format(file, version, USER_VERSION);
    if (db.prepare('PRAGMA application_id').get()!.application_id !== APPLICATION_ID) throw new Error('it is no evaluation');
    const found = check ? (db.prepare('PRAGMA quick_check(1)').get() as { quick_check: string }).quick_check : 'ok';
    if (found !== 'ok') throw new Error(found);
    bringUpToDate(db);
    return db;
  } catch (error) {
    db?.close();
    throw error instanceof WorkbenchError ? error : errors.damaged(file, error);
  }
}

/** Gives an evaluation of an earlier version the column that came later. Others may have it open, and do the same at this moment. */
function bringUpToDate(db: DatabaseSync): void {
  const lacks = (): boolean => db.prepare("SELECT 1 FROM pragma_table_info('item') WHERE name = 'mark'").get() === undefined;
  if (lacks()) transaction(db, () => lacks() && db.exec('ALTER TABLE item ADD COLUMN mark TEXT'));
}
