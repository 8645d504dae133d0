/**
 * The index of one data set: <home>/datasets/<name>/index.db. It can be thrown away and made again; nothing is kept only here. The version grows
 * with the columns, and where the readers come to read the same files otherwise.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { datasetDir, makeInHome } from '../home.ts';

export const SCHEMA_VERSION = 2;

const SCHEMA = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE files (path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE images (
  n INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  size INTEGER, mtime_ns TEXT,            -- of the file when it was hashed
  sha256 TEXT, dhash BLOB, width INTEGER, height INTEGER, study TEXT,
  windowed TEXT,                          -- deep or dicom: seen through a window
  problem TEXT
) STRICT;
CREATE INDEX images_sha256 ON images (sha256);
CREATE TABLE items (
  n INTEGER PRIMARY KEY,                  -- 1, 2, 3, ... in the order of the files
  id TEXT NOT NULL UNIQUE,
  dataset TEXT NOT NULL,
  image INTEGER NOT NULL REFERENCES images (n),
  question TEXT NOT NULL,
  options TEXT NOT NULL,                  -- JSON list
  answer TEXT,
  modality TEXT NOT NULL,
  question_type TEXT NOT NULL,
  study TEXT,
  problem TEXT,
  file TEXT NOT NULL, row INTEGER NOT NULL,
  raw TEXT NOT NULL                       -- the record as it was found, JSON
) STRICT;
CREATE INDEX items_image ON items (image);
CREATE TABLE members (split TEXT NOT NULL, place INTEGER NOT NULL, item INTEGER NOT NULL, PRIMARY KEY (split, place)) STRICT, WITHOUT ROWID;
CREATE VIRTUAL TABLE items_fts USING fts5 (question, options, content = 'items', content_rowid = 'n', tokenize = "unicode61 remove_diacritics 2");
`;

export const indexPath = (name: string, home?: string) => join(datasetDir(name, home), 'index.db');

/** Opens the index for writing; an index of another version is emptied. */
export function openForWriting(name: string, home?: string): DatabaseSync {
  makeInHome(datasetDir(name, home), home);
  const db = new DatabaseSync(indexPath(name, home), { timeout: 5000 });
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY'); // rebuilt from the data folder if a power cut takes the end
  const version = (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
  if (version !== SCHEMA_VERSION) {
    for (const table of ['items_fts', 'members', 'items', 'images', 'files', 'meta']) db.exec(`DROP TABLE IF EXISTS ${table}`);
    db.exec(`${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION};`);
  }
  return db;
}

export function setMeta(db: DatabaseSync, values: Record<string, unknown>): void {
  const set = db.prepare('INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value');
  for (const [key, value] of Object.entries(values)) set.run(key, JSON.stringify(value));
}

export function getMeta<T>(db: DatabaseSync, key: string): T | null {
  const found = db.prepare('SELECT value FROM meta WHERE key = ?').get(key) as { value: string } | undefined;
  return found ? (JSON.parse(found.value) as T) : null;
}
