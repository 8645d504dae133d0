/** The data sets that were added: one folder each under <home>/datasets. */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { DatasetSummary } from '../../protocol/data.ts';
import { WorkbenchError } from '../../protocol/errors.ts';
import { openToRead } from '../../log/database.ts';
import { renameDurably } from '../../files/durable.ts';
import { moveToTrash } from '../../files/trash.ts';
import { datasetDir, homeDir } from '../home.ts';
import { lockDataset } from './dataset-lock.ts';
import { SCHEMA_VERSION, getMeta, indexPath, setMeta } from './schema.ts';

export const listDatasets = (home?: string): DatasetSummary[] => namesIn(home).map((name) => summary(name, home));

function namesIn(home?: string): string[] {
  const dir = join(homeDir(home), 'datasets');
  const names = existsSync(dir) ? readdirSync(dir) : [];
  return names.filter((name) => hasQuestions(name, home)).toSorted();
}

/** Whether a data set of this name was indexed. */
export function hasQuestions(name: string, home?: string): boolean {
  if (/[/\\]|^\.+$/.test(name) || !existsSync(indexPath(name, home))) return false;
  let db: DatabaseSync | undefined;
  try {
    db = openToRead(indexPath(name, home));
    const version = (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
    return version === SCHEMA_VERSION && getMeta(db, 'revision') !== null;
  } catch (error) {
    if (error instanceof WorkbenchError) throw error; // it is there, and this user may not read it
    return false; // no database, or one of another program
  } finally {
    db?.close();
  }
}

/** The index of a data set that is named, or was before it was renamed, or whose folder is; null when there is none. */
export function indexedName(nameOrDir: string, home?: string): string | null {
  return presentName(nameOrDir, home) ?? namesAt(nameOrDir, home)[0] ?? null;
}

/** The data sets that a folder or file was added as, by whatever way to it. */
export function namesAt(dir: string, home?: string): string[] {
  const wanted = realDir(dir);
  return wanted === null ? [] : namesIn(home).filter((name) => realDir(metaOf<string>(name, 'dir', home) ?? '') === wanted);
}

/** What the data set of this name is called now; null when there is none and never was. A name that was given again is of the set that has it. */
export function presentName(name: string, home?: string): string | null {
  if (hasQuestions(name, home)) return name;
  return namesIn(home).find((one) => metaOf<string[]>(one, 'former_names', home)?.includes(name)) ?? null;
}

function metaOf<T>(name: string, key: string, home?: string): T | null {
  const db = openForReading(name, home);
  try {
    return getMeta<T>(db, key);
  } finally {
    db.close();
  }
}

/** Where a path leads, symbolic links followed; null where there is nothing. */
export function realDir(dir: string): string | null {
  try {
    return realpathSync(dir);
  } catch {
    return null; // a name, or a folder that is gone
  }
}

export function openForReading(name: string, home?: string): DatabaseSync {
  if (!hasQuestions(name, home)) throw unknownDataset(name, home);
  return openToRead(indexPath(name, home));
}

export function summary(name: string, home?: string): DatasetSummary {
  const db = openForReading(name, home);
  try {
    const counts = db
      .prepare(
        `SELECT count(*) AS items, count(*) FILTER (WHERE coalesce(t.problem, i.problem) IS NULL) AS usable,
                count(*) FILTER (WHERE t.problem = 'image-missing') AS missing,
                count(DISTINCT t.image) AS images, count(DISTINCT t.image) FILTER (WHERE i.sha256 IS NOT NULL) AS hashed
         FROM items t JOIN images i ON i.n = t.image`,
      )
      .get() as Pick<DatasetSummary, 'items' | 'usable' | 'missing' | 'images' | 'hashed'>;
    const meta = <T>(key: string) => getMeta<T>(db, key) as T;
    return {
      name,
      dir: meta('dir'),
      root: meta('root'),
      kind: meta('kind'),
      indexed_at: meta('indexed_at'),
      revision: meta('revision'),
      ...counts,
    };
  } finally {
    db.close();
  }
}

/** Moves a data set's index and splits to the trash and returns their place there; its folder is never touched. */
export function removeDataset(name: string, home?: string): string {
  if (!hasQuestions(name, home)) throw unknownDataset(name, home);
  using _lock = lockDataset(name, home);
  return moveToTrash(homeDir(home), datasetDir(name, home), { kind: 'data', of: name, name });
}

/**
 * Gives a data set another name, `to`, which a name may be. Index, splits and notes go with it; runs and evaluations that know it by the name of before
 * still find it. Throws DATA_UNKNOWN, DATA_NAME_TAKEN, DATA_BUSY.
 */
export function renameDataset(name: string, to: string, home?: string): DatasetSummary {
  if (!hasQuestions(name, home)) throw unknownDataset(name, home);
  using _from = lockDataset(name, home);
  using _to = to === name ? null : lockDataset(to, home);
  if (existsSync(datasetDir(to, home))) throw nameTaken(to, home);
  const db = new DatabaseSync(indexPath(name, home), { timeout: 5000 });
  try {
    const former = getMeta<string[]>(db, 'former_names') ?? [];
    setMeta(db, { former_names: [...new Set([...former, name])].filter((one) => one !== to) });
  } finally {
    db.close(); // the last to leave folds the write-ahead log in
  }
  renameDurably(datasetDir(name, home), datasetDir(to, home));
  return summary(to, home);
}

export const nameTaken = (name: string, home?: string): WorkbenchError =>
  new WorkbenchError({
    code: 'DATA_NAME_TAKEN',
    http: 409,
    message: `the name ${name} belongs to ${hasQuestions(name, home) ? `the data set in ${summary(name, home).dir}` : 'a data set that is being indexed'}`,
    remedy: 'Choose another name, or remove that data set first.',
  });

/** The folder of an index of another version; null where there is none. */
function olderIndexOf(name: string, home?: string): string | null {
  if (/[/\\]|^\.+$/.test(name) || !existsSync(indexPath(name, home))) return null;
  let db: DatabaseSync | undefined;
  try {
    db = openToRead(indexPath(name, home));
    const version = (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
    return version === SCHEMA_VERSION ? null : getMeta<string>(db, 'dir');
  } catch {
    return null; // no database, or one of another program
  } finally {
    db?.close();
  }
}

/** Throws where the name is of a data set that another version indexed: its questions must be read anew. */
export function refuseOlderIndex(name: string, home?: string): void {
  const dir = olderIndexOf(name, home);
  if (dir === null) return;
  throw new WorkbenchError({
    code: 'DATA_INDEX_VERSION',
    http: 409,
    message: `${name} was indexed by another version of the workbench, which read some files in another way`,
    remedy: `Index it again: medr1 data add ${JSON.stringify(dir)} --name ${name}. Splits stay.`,
  });
}

function unknownDataset(name: string, home?: string): WorkbenchError {
  refuseOlderIndex(name, home);
  const names = existsSync(join(homeDir(home), 'datasets')) ? listDatasets(home).map((set) => set.name) : [];
  return new WorkbenchError({
    code: 'DATA_UNKNOWN',
    http: 404,
    message: `there is no data set ${JSON.stringify(name)}`,
    remedy: names.length > 0 ? `Indexed: ${names.join(', ')}. Others: medr1 data add DIR.` : 'Index one with `medr1 data add DIR`.',
  });
}
