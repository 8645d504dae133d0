/**
 * The rows of a run that changed, for a copy of the run on another machine. Triggers number each change in the transaction that makes it, whichever
 * process that is. What is sent of a row is what it holds when it is read, so that a row that changed twice travels once. The copy keeps the number up to
 * which it has them in its own database, in the transaction that writes the rows: nothing is lost or taken twice, whatever becomes of the connection.
 *
 * What is left out is made anew by the copy (the index for searches) or is the people's there (notes, tags, settings of alerts).
 */
import { randomBytes } from 'node:crypto';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { prepared, snapshot, transaction } from '../log/database.ts';
import type { ReportRows, ReportTaken, ReportValue } from '../protocol/reports.ts';
import { errors } from './errors.ts';

interface Table {
  key: readonly string[];
  /** The step that a row belongs to, for the order in which a whole run is sent. */
  step: string;
}

/** In the order in which the rows of one step are sent; the log comes last, so that who follows it finds what it tells of. */
const TABLES: Readonly<Record<string, Table>> = {
  run: { key: ['only'], step: '0' },
  metric_name: { key: ['id'], step: '0' },
  reward_revision: { key: ['revision'], step: '0' },
  checkpoint: { key: ['step'], step: '0' },
  command: { key: ['id'], step: '0' },
  request: { key: ['id'], step: '0' },
  step: { key: ['step'], step: 'step' },
  metric: { key: ['name_id', 'step'], step: 'step' },
  rollout_group: { key: ['step', 'group'], step: 'step' },
  completion: { key: ['step', 'group', 'index'], step: 'step' },
  token_ratio: { key: ['step', 'group', 'index'], step: 'step' },
  event: { key: ['seq'], step: 'step' },
};
/** In place of a table's name: what the copy has is dropped. */
const ANEW = '*';

/** Changes read at once. */
const MOST_CHANGES = 20_000;

const quoted = (names: readonly string[], before = ''): string => names.map((name) => `${before}"${name}"`).join(', ');

/** Begins to number the changes of a run, or goes on with it. Returns their source. */
export function logChanges(db: DatabaseSync): string {
  return transaction(db, () => {
    db.exec(`
      CREATE TABLE IF NOT EXISTS change (n INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, key TEXT NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS change_source (only INTEGER PRIMARY KEY CHECK (only = 1), source TEXT NOT NULL) STRICT;`);
    for (const [name, { key }] of Object.entries(TABLES))
      for (const [what, row] of [
        ['INSERT', 'NEW'],
        ['UPDATE', 'NEW'],
        ['DELETE', 'OLD'],
      ])
        db.exec(`CREATE TRIGGER IF NOT EXISTS change_${name}_${what} AFTER ${what} ON ${name} BEGIN
          INSERT INTO change (name, key) VALUES ('${name}', json_array(${quoted(key, `${row}.`)})); END`);
    const known = db.prepare('SELECT source FROM change_source').get()?.source as string | undefined;
    if (known !== undefined) return known;
    const source = randomBytes(12).toString('hex');
    db.prepare('INSERT INTO change_source (only, source) VALUES (1, ?)').run(source);
    return source;
  });
}

/** A copy that becomes a run of its own sends nothing, and is nobody's copy. */
export function forgetChanges(db: DatabaseSync): void {
  for (const name of Object.keys(TABLES))
    for (const what of ['INSERT', 'UPDATE', 'DELETE']) db.exec(`DROP TRIGGER IF EXISTS change_${name}_${what}`);
  db.exec('DROP TABLE IF EXISTS change; DROP TABLE IF EXISTS change_source; DELETE FROM report');
}

/** Numbers all that the run holds, after a mark that what the copy has is to be dropped. Returns the number before that mark. */
export function changeAll(db: DatabaseSync): number {
  return transaction(db, () => {
    db.exec('DELETE FROM change');
    const { lastInsertRowid } = db.prepare("INSERT INTO change (name, key) VALUES (?, '[]')").run(ANEW);
    const rows = Object.entries(TABLES).map(
      ([name, { key, step }], at) =>
        `SELECT ${step} AS step, ${at} AS at, '${name}' AS name, json_array(${quoted(key)}) AS key FROM ${name}`,
    );
    db.exec(`INSERT INTO change (name, key) SELECT name, key FROM (${rows.join(' UNION ALL ')}) ORDER BY step, at`);
    return Number(lastInsertRowid) - 1;
  });
}

/** Whether the changes after this one are all still numbered. */
export function hasChangesAfter(db: DatabaseSync, n: number): boolean {
  const { first } = db.prepare('SELECT min(n) AS first FROM change').get() as { first: number | null };
  const { last } = db.prepare("SELECT coalesce(max(seq), 0) AS last FROM sqlite_sequence WHERE name = 'change'").get() as { last: number };
  return n <= last && n + 1 >= (first ?? last + 1);
}

/** Changes up to this one are with the copy. */
export function dropChanges(db: DatabaseSync, to: number): void {
  prepared(db, 'DELETE FROM change WHERE n <= ?').run(to);
}

/** The next changes after `since`, as one message's rows of so many bytes, or one row; null where there are none. */
export function readChanges(
  db: DatabaseSync,
  since: number,
  most_bytes = Infinity,
): Pick<ReportRows, 'since' | 'to' | 'anew' | 'tables'> | null {
  return snapshot([db], () => {
    const changes = prepared(db, 'SELECT n, name, key FROM change WHERE n > ? ORDER BY n LIMIT ?').all(since, MOST_CHANGES) as unknown as {
      n: number;
      name: string;
      key: string;
    }[];
    const message: Pick<ReportRows, 'since' | 'to' | 'anew' | 'tables'> = { since, to: since, anew: false, tables: [] };
    const parts = new Map<string, ReportRows['tables'][number]>();
    const seen = new Set<string>();
    let bytes = 0;
    for (const { n, name, key } of changes) {
      if (bytes > most_bytes) break;
      message.to = n;
      if (name === ANEW) message.anew = true;
      if (name === ANEW || seen.has(`${name} ${key}`)) continue;
      seen.add(`${name} ${key}`);
      const part = parts.get(name) ?? { table: name, columns: columnsOf(db, name), rows: [], gone: [] };
      parts.set(name, part);
      const values = rowOf(db, name, part.columns, JSON.parse(key) as SQLInputValue[]);
      if (values) part.rows.push(values);
      else part.gone.push(JSON.parse(key) as ReportValue[]);
      bytes += values ? JSON.stringify(values).length : key.length;
    }
    message.tables = [...parts.values()];
    return message.to === since ? null : message;
  });
}

/** Where the copy stands; null for a run that is no copy. */
export function reportOf(db: DatabaseSync): (ReportTaken & { host: string; directory: string }) | null {
  const row = prepared(db, 'SELECT source, at, host, directory FROM report').get();
  return (row as (ReportTaken & { host: string; directory: string }) | undefined) ?? null;
}

/**
 * Takes the rows in one transaction, if they go on from what the copy has or are the whole run. Returns where the copy stands then.
 * Throws REPORT_FORMAT for rows of tables that this version does not have.
 */
export function takeChanges(db: DatabaseSync, sent: ReportRows): ReportTaken {
  // A row may come in an earlier message than what it refers to, where that was dropped and made anew meanwhile. Each row that went is told of.
  db.exec('PRAGMA foreign_keys = OFF');
  try {
    return transaction(db, () => take(db, sent));
  } finally {
    db.exec('PRAGMA foreign_keys = ON');
  }
}

function take(db: DatabaseSync, sent: ReportRows): ReportTaken {
  const before = reportOf(db) ?? { source: null, at: 0 };
  const goesOn = before.source === sent.source && before.at === sent.since;
  const begins = sent.anew && (before.source !== sent.source || sent.since >= before.at);
  if (!goesOn && !begins) return { source: before.source, at: before.at };
  if (sent.anew) for (const name of [...Object.keys(TABLES), 'search_step']) db.exec(`DELETE FROM ${name}`);
  for (const { table, gone } of sent.tables) gone.forEach((key) => dropRow(db, table, key));
  for (const { table, columns, rows } of sent.tables) putRows(db, table, columns, rows);
  db.prepare(
    `INSERT INTO report (only, source, at, host, directory) VALUES (1, ?, ?, ?, ?)
     ON CONFLICT (only) DO UPDATE SET source = excluded.source, at = excluded.at, host = excluded.host, directory = excluded.directory`,
  ).run(sent.source, sent.to, sent.host, sent.directory);
  return { source: sent.source, at: sent.to };
}

function dropRow(db: DatabaseSync, table: string, key: readonly ReportValue[]): void {
  const where = tableOf(table).key.map((name) => `"${name}" = ?`);
  prepared(db, `DELETE FROM ${table} WHERE ${where.join(' AND ')}`).run(...key.map(toSql));
  if (table === 'step') prepared(db, 'DELETE FROM search_step WHERE step = ?').run(toSql(key[0]));
}

function putRows(db: DatabaseSync, table: string, columns: readonly string[], rows: readonly ReportValue[][]): void {
  const { key } = tableOf(table);
  const known = columnsOf(db, table);
  const strange = columns.find((column) => !known.includes(column));
  if (strange !== undefined) throw errors.reportFormat(`column ${strange} of ${table}`);
  const changed = columns.filter((column) => !key.includes(column)).map((column) => `"${column}" = excluded."${column}"`);
  const put = prepared(
    db,
    `INSERT INTO ${table} (${quoted(columns)}) VALUES (${columns.map(() => '?').join(', ')})
     ON CONFLICT (${quoted(key)}) DO ${changed.length > 0 ? `UPDATE SET ${changed.join(', ')}` : 'NOTHING'}`,
  );
  for (const row of rows) put.run(...row.map(toSql));
  // A step may come in several messages; a search that finds no index of it makes one.
  const step = table === 'completion' ? columns.indexOf('step') : -1;
  if (step >= 0)
    for (const one of new Set(rows.map((row) => row[step]))) prepared(db, 'DELETE FROM search_step WHERE step = ?').run(toSql(one));
}

function rowOf(db: DatabaseSync, table: string, columns: readonly string[], key: readonly SQLInputValue[]): ReportValue[] | null {
  const where = TABLES[table].key.map((name) => `"${name}" = ?`);
  const select = prepared(db, `SELECT ${quoted(columns)} FROM ${table} WHERE ${where.join(' AND ')}`, { arrays: true });
  const row = select.get(...key) as unknown as (null | number | string | Uint8Array)[] | undefined;
  return row?.map(fromSql) ?? null;
}

function tableOf(name: string): Table {
  if (!Object.hasOwn(TABLES, name)) throw errors.reportFormat(`table ${name}`);
  return TABLES[name];
}

const columnsOf = (db: DatabaseSync, table: string): string[] =>
  prepared(db, 'SELECT name FROM pragma_table_info(?)')
    .all(table)
    .map(({ name }) => name as string);

const fromSql = (value: null | number | string | Uint8Array): ReportValue => {
  if (value instanceof Uint8Array) return { b: Buffer.from(value).toString('base64') };
  if (typeof value === 'number' && !Number.isFinite(value)) return { n: String(value) };
  return value;
};

const toSql = (value: ReportValue): SQLInputValue => {
  if (value === null || typeof value !== 'object') return value;
  return 'b' in value ? Buffer.from(value.b, 'base64') : Number(value.n);
};
