/** What holds of a damaged run, as a run of its own: its database is read row by row, so that a page that cannot be read costs no other. */
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { stringify } from 'yaml';
import { transaction } from '../log/database.ts';
import { Making } from '../log/making.ts';
import { WorkbenchError } from '../protocol/errors.ts';
import { verifyCheckpoint } from './checkpoints.ts';
import { createDatabase } from './database.ts';
import { factsHold, firstDamage, isSealed } from './digest.ts';
import { errors } from './errors.ts';
import { checkpointName, newRunId, runDirectory, runsDirectory } from './home.ts';
import { linkTree } from './lineage.ts';
import { lockRun } from './runs.ts';
import { RunStore } from './store.ts';
import { checkRun } from './verify.ts';

/** Tables with the order of their rows, those first that others refer to. The index for searches is made anew; commands and requests are done. */
const TABLES = [
  ['run', ['rowid']],
  ['metric_name', ['rowid']],
  ['step', ['rowid']],
  ['metric', ['name_id', 'step']],
  ['rollout_group', ['rowid']],
  ['completion', ['rowid']],
  ['token_ratio', ['rowid']],
  ['reward_revision', ['rowid']],
  ['checkpoint', ['rowid']],
  ['event', ['rowid']],
  ['annotation', ['rowid']],
  ['alert_setting', ['rowid']],
  ['kernel_value', ['key']],
  ['imported', ['rowid']],
  ['note', ['rowid']],
] as const;

/**
 * A new run, stopped, with all steps of `run` before its first bad one and the checkpoints up to there that are whole. The damaged run stays as
 * it is. Throws RUN_CONFLICT for a run that holds or that trains, and RUN_DAMAGED where no step can be relied on.
 */
export async function rescueRun(home: string, run: RunStore): Promise<RunStore> {
  using lock = lockRun(run.directory);
  const named = basename(run.directory);
  if (!lock) throw errors.runHeld(named, 'be rescued');
  if (await holds(run)) throw errors.notDamaged(named);
  const id = newRunId();
  using making = Making.in(runsDirectory(home));
  const { directory } = making;
  copyRows(run.db, join(directory, 'run.db'));
  using made = RunStore.open(directory);
  await keepWhatHolds(made, named);
  await takeCheckpoints(made, run);
  writeFileSync(join(directory, 'config.yaml'), stringify(made.row().config));
  made.becomeRescued(id, named);
  await checkRun(made);
  making.become(runDirectory(home, id));
  return RunStore.open(runDirectory(home, id));
}

async function holds(run: RunStore): Promise<boolean> {
  try {
    await checkRun(run);
    return true;
  } catch (error) {
    if (error instanceof WorkbenchError && error.code === 'RUN_DAMAGED') return false;
    throw error;
  }
}

function copyRows(from: DatabaseSync, file: string): void {
  const to = createDatabase(file);
  try {
    transaction(to, () => TABLES.forEach(([table, order]) => copyTable(from, to, table, order)));
  } finally {
    to.close();
  }
}

/** From the first row on and, where a row cannot be read, from the last one back: between the two lies what is lost. */
function copyTable(from: DatabaseSync, to: DatabaseSync, table: string, order: readonly string[]): void {
  const there = columnsOf(from, table);
  const columns = columnsOf(to, table).filter((column) => there.includes(column));
  if (columns.length === 0) return;
  const list = columns.map((column) => `"${column}"`).join(', ');
  const put = to.prepare(`INSERT OR IGNORE INTO ${table} (${list}) VALUES (${columns.map(() => '?').join(', ')})`);
  for (const way of ['ASC', 'DESC']) {
    const select = readable(() =>
      from.prepare(`SELECT ${list} FROM ${table} NOT INDEXED ORDER BY ${order.map((key) => `${key} ${way}`).join(', ')}`),
    );
    select?.setReturnArrays(true);
    select?.setReadBigInts(true); // a number that a bit made too large for JavaScript is read, too
    const rows = select?.iterate() as Iterator<(null | number | bigint | string | Uint8Array)[]> | undefined;
    for (;;) {
      const next = readable(() => rows?.next());
      if (next === undefined) break;
      if (next.done) return;
      unlessRefused(() => put.run(...next.value));
    }
  }
}

const columnsOf = (db: DatabaseSync, table: string): string[] =>
  readable(() =>
    db
      .prepare('SELECT name FROM pragma_table_info(?)')
      .all(table)
      .map(({ name }) => name as string),
  ) ?? [];

/** SQLite says of a damaged page that it is malformed, too big, or no place for so much memory: all mean that it cannot be read. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

const CONSTRAINT = 19; // SQLITE_CONSTRAINT and its kinds, which have it as their low byte

/** A row that breaks the rules of its table is not what was written. */
function unlessRefused(write: () => void): void {
  try {
    write();
  } catch (error) {
    if (((error as { errcode?: number }).errcode ?? 0) % 256 !== CONSTRAINT) throw error;
  }
}

/** Drops the first bad step and all after it; a second look finds damage that the first hid. */
async function keepWhatHolds(made: RunStore, named: string): Promise<void> {
  if (made.db.prepare('SELECT 1 FROM run').get() === undefined) throw errors.nothingToRescue(named, 'its configuration cannot be read');
  if (!isSealed(made.db)) throw errors.nothingToRescue(named, 'it has no digests, which tell the rows that hold');
  if (!factsHold(made.db)) throw errors.nothingToRescue(named, 'its configuration is not what it was');
  let good = Infinity;
  for (let damage = await firstDamage(made.db); damage !== null; damage = await firstDamage(made.db)) {
    good = Math.min(damage.step, good) - 1;
    if (good < 1) break;
    made.dropAfter(good, { revisions: 'drop' });
  }
  if (good < 1 || made.step === 0) throw errors.nothingToRescue(named, 'its first step is not what was written');
}

async function takeCheckpoints(made: RunStore, run: RunStore): Promise<void> {
  for (const { step } of made.checkpoints()) {
    const path = run.checkpointPath(step);
    try {
      await verifyCheckpoint(path, step);
      linkTree(path, join(made.directory, 'checkpoints', checkpointName(step)));
    } catch (error) {
      if (!(error instanceof WorkbenchError && error.code === 'CHECKPOINT_DAMAGED')) throw error;
      made.removeCheckpoint(step);
    }
  }
}
