/** The database of one evaluation, by the rules of a run's: WAL, synchronous=FULL, one transaction a batch of answers. */
import type { DatabaseSync } from 'node:sqlite';
import { makeDatabase, openAs, type DatabaseKind, type OpenOptions } from '../log/database.ts';
import { errors } from './errors.ts';

/** Questions that could not be shown under a sight: the image that was to be seen, its mark at that time, and why. Under `image` they are left out of all. */
const UNASKED = `
CREATE TABLE IF NOT EXISTS unasked (
  sight TEXT NOT NULL, ix INTEGER NOT NULL REFERENCES item, image TEXT NOT NULL, mark TEXT NOT NULL, why TEXT NOT NULL, PRIMARY KEY (sight, ix)
) STRICT, WITHOUT ROWID;
`;

/**
 * Answers under interventions on the reasoning (faithfulness.ts): `test` and the `share` of the reasoning that it is about; the test `said` holds the
 * answer itself, and a null letter where the question was passed over.
 */
const FAITHFULNESS = `
CREATE TABLE IF NOT EXISTS faithfulness (
  ix INTEGER NOT NULL REFERENCES item, test TEXT NOT NULL, share REAL NOT NULL, letter TEXT, PRIMARY KEY (ix, test, share)
) STRICT, WITHOUT ROWID;
`;

/** Answers drawn to a question beside its greedy one; `n` counts from 0. */
const SAMPLED = `
CREATE TABLE IF NOT EXISTS sampled (
  ix INTEGER NOT NULL REFERENCES item, n INTEGER NOT NULL, text TEXT NOT NULL, tokens INTEGER NOT NULL, finish_reason TEXT NOT NULL,
  strict TEXT, tolerant TEXT, PRIMARY KEY (ix, n)
) STRICT, WITHOUT ROWID;
`;

const EVALUATION: DatabaseKind = {
  applicationId: 0x4d_52_31_65, // "MR1e"
  version: 1,
  stranger: 'it is no evaluation',
  damaged: errors.damaged,
  format: errors.format,
  later: {
    sql: UNASKED + FAITHFULNESS + SAMPLED,
    names: ['unasked', 'faithfulness', 'sampled'],
    columns: [
      ['item', 'mark', 'TEXT'],
      ['evaluation', 'left_out', 'INTEGER NOT NULL DEFAULT 0'],
      ['evaluation', 'samples', 'INTEGER NOT NULL DEFAULT 0'],
      ['evaluation', 'temperature', 'REAL'],
    ],
  },
};

/** `item.ix` is the place in the order asked, `mark` tells whether its image is still the one that was shown. An answer's options are null where they stood as the item has them. */
const SCHEMA = `
CREATE TABLE evaluation (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  id TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL,
  state TEXT NOT NULL, error TEXT, settings TEXT NOT NULL, controls TEXT NOT NULL,
  trained TEXT, run_name TEXT, model_hash TEXT NOT NULL, split_hash TEXT NOT NULL, left_out INTEGER NOT NULL DEFAULT 0, train_hash TEXT,
  created_at REAL NOT NULL, started_at REAL, ended_at REAL, samples INTEGER NOT NULL DEFAULT 0, temperature REAL
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
${UNASKED}${FAITHFULNESS}${SAMPLED}`;

export function createDatabase(file: string): DatabaseSync {
  return makeDatabase(file, SCHEMA, EVALUATION);
}

/** Throws EVAL_DAMAGED or EVAL_FORMAT. */
export function openDatabase(file: string, options?: OpenOptions): DatabaseSync {
  return openAs(file, EVALUATION, options);
}
