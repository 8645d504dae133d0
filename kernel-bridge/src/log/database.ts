/** SQLite databases by the rules that made them survive every simulated power cut: WAL, synchronous=FULL, one transaction a change. */
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { WorkbenchError } from '../protocol/errors.ts';
import { cannotOpen, hasRoom, isDenied, isDiskError, isReadable } from './disk-space.ts';
import { machineRefusal, noRoom, notReadable } from './errors.ts';

/** The mark of a kind of database, and the errors for a file of another kind and for one that cannot be read. */
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
    const journalled = existsSync(`${file}-wal`); // before it is opened, which makes one
    db = connect(file, wait_ms);
    const version = db.prepare('PRAGMA user_version').get()!.user_version as number;
    if (version === 0 && !journalled && db.prepare('SELECT count(*) AS n FROM sqlite_master').get()!.n === 0)
      throw withoutJournal(file, kind);
    if (version !== kind.version) throw kind.format(file, version, kind.version);
    if (db.prepare('PRAGMA application_id').get()!.application_id !== kind.applicationId) throw new Error(kind.stranger);
    const found = check ? (db.prepare('PRAGMA quick_check(1)').get() as { quick_check: string }).quick_check : 'ok';
    if (found !== 'ok') throw new Error(found);
    bringUpToDate(db, kind.later);
    return db;
  } catch (error) {
    db?.close();
    throw machineRefusal(file, error) ?? kind.damaged(file, error);
  }
}

/**
 * A database that is only read. Where nobody may write beside it SQLite cannot make the index of its journal: the file is all there is when no journal is left,
 * and is read as one that never changes. Throws NOT_READABLE.
 */
export function openToRead(file: string, wait_ms = 5000): DatabaseSync {
  const open = (from: string | URL): DatabaseSync => {
    const db = new DatabaseSync(from, { readOnly: true, timeout: wait_ms });
    try {
      db.prepare('PRAGMA user_version').get(); // what it lacks shows at the first reading
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  };
  try {
    return open(file);
  } catch (error) {
    if (!isDenied(error, file)) throw error;
    if (!isReadable(file)) throw notReadable(file, 'permission denied', error);
    if ((statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0)
      throw notReadable(file, `its journal ${basename(file)}-wal is not folded in, which takes the right to write there`, error);
  }
  const frozen = pathToFileURL(file);
  frozen.searchParams.set('immutable', '1');
  return open(frozen);
}

/** A database whose tables all stood in its journal, as they do until SQLite folds it in: somebody copied the one without the other. */
function withoutJournal(file: string, kind: DatabaseKind): WorkbenchError {
  const { code, http } = kind.damaged(file, null);
  return new WorkbenchError({
    code,
    http,
    exit: 1,
    message: `${file} holds nothing: what was written stands in its journal ${basename(file)}-wal, which is not beside it.`,
    remedy: `Copy ${basename(file)}-wal there too, or copy the whole directory once nothing trains in it.`,
  });
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
export const connect = (file: string, wait_ms = 10_000): DatabaseSync => insisted(file, () => connected(file, wait_ms));

/** Opens a database once more where the machine refused it: nothing was written, so that is no harm. Throws DISK_FULL where there is no room. */
export function insisted<T>(file: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (!isDiskError(error) && !cannotOpen(error)) throw error;
    // SQLite's words for a journal or an index of it that it cannot make, also where the disk is full
    if (!hasRoom(dirname(file))) throw noRoom(file, error);
  }
  try {
    return open();
  } catch (error) {
    throw Object.assign(error as Error, { cause: refusedFile(dirname(file)) });
  }
}

/** Why no file can be made in a folder, which SQLite does not tell; undefined where one can. */
function refusedFile(folder: string): unknown {
  const file = join(folder, `.probe-${process.pid}`);
  try {
    writeFileSync(file, 'probe');
    return undefined;
  } catch (error) {
    return error;
  } finally {
    rmSync(file, { force: true });
  }
}

function connected(file: string, wait_ms: number): DatabaseSync {
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
    throw error;
  }
}

/** What `read` sees of these databases is of one moment, whatever others write meanwhile. */
export function snapshot<T>(databases: readonly DatabaseSync[], read: () => T): T {
  const begun: DatabaseSync[] = [];
  try {
    for (const db of databases) {
      db.exec('BEGIN');
      begun.push(db);
    }
    return read();
  } finally {
    for (const db of begun) db.exec('COMMIT');
  }
}

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

const statements = new WeakMap<DatabaseSync, Map<string, StatementSync>>();

/**
 * A statement that is used again and again: to prepare one costs as much as to run it. Its rows are read at once (`all`, `get`), since another caller
 * may be given the same statement. `arrays`: rows as lists of values.
 */
export function prepared(db: DatabaseSync, sql: string, { arrays = false } = {}): StatementSync {
  let known = statements.get(db);
  if (!known) statements.set(db, (known = new Map()));
  const key = `${arrays} ${sql}`;
  let statement = known.get(key);
  if (!statement) {
    known.set(key, (statement = db.prepare(sql)));
    statement.setReturnArrays(arrays);
  }
  return statement;
}
