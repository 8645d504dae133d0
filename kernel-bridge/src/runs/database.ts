/** The tables of a run's database. */
import type { DatabaseSync } from 'node:sqlite';
import { makeDatabase, openAs, type DatabaseKind, type OpenOptions } from '../log/database.ts';
import { SEARCH_NAMES, SEARCH_TABLES } from '../search/tables.ts';
import { errors } from './errors.ts';

/** One row per fact; everything a view shows comes from here. Steps count from 1. JSON columns hold what is only ever read whole. */
const SCHEMA = `
CREATE TABLE run (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  id TEXT NOT NULL, name TEXT NOT NULL, parent TEXT, epoch TEXT NOT NULL,
  state TEXT NOT NULL, error TEXT, config TEXT NOT NULL,
  root TEXT NOT NULL, data_hash TEXT NOT NULL, request_id TEXT,
  created_at REAL NOT NULL, started_at REAL, ended_at REAL,
  total_steps INTEGER NOT NULL DEFAULT 0, device TEXT, eval_split TEXT, eval_hash TEXT,
  inherited TEXT NOT NULL DEFAULT '[]', pair TEXT, facts_digest BLOB, status_digest BLOB
) STRICT;
-- digest: of the step's rows and the digest of the step before. ratios: of the rollouts of ratios_of as this step saw them; ratios_lost: a
-- later step, dropped since, put its own in their place. rollouts: of the bytes of its completions; NULL in steps of before
CREATE TABLE step (
  step INTEGER PRIMARY KEY, time REAL NOT NULL, groups INTEGER NOT NULL,
  digest BLOB, ratios BLOB, ratios_of INTEGER, ratios_lost INTEGER NOT NULL DEFAULT 0, rollouts BLOB
) STRICT;
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
  modality TEXT NOT NULL, question_type TEXT NOT NULL, prompt TEXT NOT NULL, reward_mean REAL, reward_std REAL, reading TEXT,
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
  sources TEXT NOT NULL DEFAULT '{}', digest BLOB,
  parameters TEXT, weight_schedules TEXT, settings TEXT
) STRICT;
CREATE TABLE checkpoint (
  step INTEGER PRIMARY KEY, created_at REAL NOT NULL, reason TEXT NOT NULL, pinned INTEGER NOT NULL, bytes INTEGER NOT NULL
) STRICT;
CREATE TABLE command (id INTEGER PRIMARY KEY, action TEXT NOT NULL, created_at REAL NOT NULL, done_at REAL) STRICT;
-- digest: of the event and the digest of the one before
CREATE TABLE event (
  seq INTEGER PRIMARY KEY, time REAL NOT NULL, step INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, digest BLOB
) STRICT;
`;

/** Of an event, in SQL. It holds for no text within a message, where quotes are escaped, and fails on no damaged body. */
export const IS_ROLLBACK = `kind = 'alert' AND instr(body, '"rolled_back_from":') > 0`;

/** What came later: runs made before get it when they are opened. */
const ADDED = `
CREATE INDEX IF NOT EXISTS rollout_group_by_item ON rollout_group (item_id, step);
-- few among many events, and asked for whenever runs are listed
CREATE INDEX IF NOT EXISTS rollback ON event (seq) WHERE ${IS_ROLLBACK};
-- requests that were carried out, so that one sent again is not. asked: SHA-256 of what was asked for; NULL where that was not kept
CREATE TABLE IF NOT EXISTS request (id TEXT PRIMARY KEY, time REAL NOT NULL, asked TEXT) STRICT, WITHOUT ROWID;
-- of rollouts that were used again: as the update of step "at" saw them, the last one so far
CREATE TABLE IF NOT EXISTS token_ratio (
  step INTEGER NOT NULL, "group" INTEGER NOT NULL, "index" INTEGER NOT NULL, at INTEGER NOT NULL, ratio BLOB NOT NULL, clipped BLOB,
  PRIMARY KEY (step, "group", "index"),
  FOREIGN KEY (step, "group", "index") REFERENCES completion ON DELETE CASCADE
) STRICT;
-- what people note of the run: one row, or none
CREATE TABLE IF NOT EXISTS annotation (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  tags TEXT NOT NULL, notes TEXT NOT NULL, pinned INTEGER NOT NULL, archived INTEGER NOT NULL, colour INTEGER
) STRICT;
-- which rules of alerts are looked at in this run, and from where on: one row, or none
CREATE TABLE IF NOT EXISTS alert_setting (only INTEGER PRIMARY KEY CHECK (only = 1), body TEXT NOT NULL) STRICT;
-- values that a kernel gave: key of the call -> JSON list. A step that is taken again finds them here.
CREATE TABLE IF NOT EXISTS kernel_value (key TEXT PRIMARY KEY, vals TEXT NOT NULL) STRICT, WITHOUT ROWID;
-- of a copy of a run that another machine trains: up to which of its changes it has them. One row, or none
CREATE TABLE IF NOT EXISTS report (
  only INTEGER PRIMARY KEY CHECK (only = 1), source TEXT NOT NULL, at INTEGER NOT NULL, host TEXT NOT NULL, directory TEXT NOT NULL
) STRICT;
-- of a run that another trainer made: what its log told. One row, or none
CREATE TABLE IF NOT EXISTS imported (only INTEGER PRIMARY KEY CHECK (only = 1), body TEXT NOT NULL) STRICT;
${SEARCH_TABLES}`;

/** Columns that came later, with what makes them. */
const COLUMNS = [
  ['reward_revision', 'sources', "TEXT NOT NULL DEFAULT '{}'"],
  ['completion', 'entropy', 'BLOB'],
  ['completion', 'kl', 'BLOB'],
  ['rollout_group', 'reading', 'TEXT'],
  ['run', 'eval_split', 'TEXT'],
  ['run', 'eval_hash', 'TEXT'],
  ['run', 'inherited', "TEXT NOT NULL DEFAULT '[]'"],
  ['run', 'pair', 'TEXT'],
  ['run', 'facts_digest', 'BLOB'],
  ['run', 'status_digest', 'BLOB'],
  ['step', 'digest', 'BLOB'],
  ['step', 'ratios', 'BLOB'],
  ['step', 'ratios_of', 'INTEGER'],
  ['step', 'ratios_lost', 'INTEGER NOT NULL DEFAULT 0'],
  ['reward_revision', 'digest', 'BLOB'],
  ['event', 'digest', 'BLOB'],
  ['reward_revision', 'parameters', 'TEXT'],
  ['reward_revision', 'weight_schedules', 'TEXT'],
  ['reward_revision', 'settings', 'TEXT'],
  ['request', 'asked', 'TEXT'],
  ['step', 'rollouts', 'BLOB'],
] as const;

const RUN: DatabaseKind = {
  applicationId: 0x4d_52_31_77, // "MR1w"
  version: 1,
  stranger: 'it is no run database',
  damaged: errors.runDamaged,
  format: errors.runFormat,
  later: {
    columns: COLUMNS,
    names: [
      'rollout_group_by_item',
      'request',
      'token_ratio',
      'annotation',
      'alert_setting',
      'kernel_value',
      'report',
      'imported',
      ...SEARCH_NAMES,
    ],
    sql: ADDED,
  },
};

export function createDatabase(file: string): DatabaseSync {
  return makeDatabase(file, `${SCHEMA} ${ADDED}`, RUN);
}

/** Throws RUN_DAMAGED or RUN_FORMAT. */
export function openDatabase(file: string, options?: OpenOptions): DatabaseSync {
  return openAs(file, RUN, options);
}
