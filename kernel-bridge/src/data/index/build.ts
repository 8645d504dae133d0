/**
 * Makes or refreshes an index, in two passes: the questions in one transaction (readers see the old index until it is whole), then the
 * images in batches, so that what was hashed before an interruption stays. Files that did not change are not read again.
 */
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { machine } from '../../machine.ts';
import { fingerprint } from '../image/fingerprint.ts';
import { ImageFolder } from '../images.ts';
import { findLayout, unreadable, type Layout } from '../layout.ts';
import { mapInLanes } from '../lanes.ts';
import { readDataset, type Reading } from '../read.ts';
import { lockDataset } from './dataset-lock.ts';
import { getMeta, openForWriting, setMeta } from './schema.ts';

export interface IndexProgress {
  phase: 'questions' | 'images';
  done: number;
  /** Null while it is not known. */
  total: number | null;
}
export interface BuildOptions {
  name: string;
  home?: string;
  /** False leaves the images unread: no thumbnails by hash, no near-duplicates, no check that they can be decoded. */
  images?: boolean;
  /** Folder of the images where they lie apart from the questions; the one of the last time when left out. */
  imagesDir?: string;
  signal?: AbortSignal;
  progress?: (progress: IndexProgress) => void;
}

export async function buildIndex(dir: string, options: BuildOptions): Promise<void> {
  const layout = await findLayout(dir);
  using _lock = lockDataset(options.name, options.home);
  using db = disposable(openForWriting(options.name, options.home));
  const files = await stamps(layout);
  const before = getMeta<string>(db, 'images_dir') ?? undefined;
  const imagesDir = options.imagesDir ?? before;
  const same = JSON.stringify(files) === JSON.stringify(known(db)) && getMeta(db, 'dir') === resolve(dir) && imagesDir === before;
  if (!same || (await imagesAppeared(db))) {
    await indexQuestions(db, layout, resolve(dir), files, { ...options, imagesDir });
  }
  if (options.images !== false) await indexImages(db, options);
}

function disposable(db: DatabaseSync): DatabaseSync & Disposable {
  return Object.assign(db, { [Symbol.dispose]: () => db.close() });
}

type Stamp = { path: string; size: number; mtime_ns: string };

async function stamps(layout: Layout): Promise<Stamp[]> {
  const list: Stamp[] = [];
  for (const { path, file } of [...layout.questions, ...layout.splits]) {
    const info = await stat(path, { bigint: true }).catch((cause: Error) => {
      throw unreadable(path, cause);
    });
    list.push({ path: file, size: Number(info.size), mtime_ns: String(info.mtimeNs) });
  }
  return list.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function known(db: DatabaseSync): Stamp[] {
  return (db.prepare('SELECT path, size, mtime_ns FROM files ORDER BY path').all() as Stamp[]).map((row) => ({ ...row }));
}

/** Whether an image that was not there, or no file, when the questions were read is there now. */
async function imagesAppeared(db: DatabaseSync): Promise<boolean> {
  const missing = db
    .prepare(`SELECT DISTINCT path FROM images JOIN items ON image = images.n WHERE items.problem IN ('image-missing', 'image-not-a-file')`)
    .all() as { path: string }[];
  const folder = new ImageFolder(getMeta<string>(db, 'root') ?? '');
  for (const { path } of missing) if ((await folder.find(path)).problem === null) return true;
  return false;
}

async function indexQuestions(db: DatabaseSync, layout: Layout, dir: string, files: Stamp[], options: BuildOptions): Promise<void> {
  const { root, readings } = await readDataset(layout, options);
  db.exec('BEGIN IMMEDIATE');
  try {
    db.exec("INSERT INTO items_fts (items_fts) VALUES ('delete-all'); DELETE FROM members; DELETE FROM items; DELETE FROM files;");
    if (getMeta(db, 'root') !== root) db.exec('DELETE FROM images');
    const write = writer(db);
    let done = 0;
    for await (const reading of readings) {
      write(reading);
      if (reading.type !== 'item' || ++done % 1000 > 0) continue;
      options.progress?.({ phase: 'questions', done, total: null });
      options.signal?.throwIfAborted();
    }
    db.exec("INSERT INTO items_fts (items_fts) VALUES ('rebuild'); DELETE FROM images WHERE n NOT IN (SELECT image FROM items);");
    const insertFile = db.prepare('INSERT INTO files VALUES (?, ?, ?)');
    for (const file of files) insertFile.run(file.path, file.size, file.mtime_ns);
    setMeta(db, {
      dir,
      root,
      images_dir: options.imagesDir ?? null,
      kind: layout.kind,
      indexed_at: Date.now() / 1000,
      revision: nextRevision(db),
    });
    options.signal?.throwIfAborted();
    db.exec('COMMIT');
    options.progress?.({ phase: 'questions', done, total: done });
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK'); // of a disk that failed SQLite has done so itself
    throw error;
  }
}

const nextRevision = (db: DatabaseSync) => (getMeta<number>(db, 'revision') ?? 0) + 1;

function writer(db: DatabaseSync): (reading: Reading) => void {
  const images = new Map((db.prepare('SELECT n, path FROM images').all() as { n: number; path: string }[]).map(({ n, path }) => [path, n]));
  const rows = new Map<string, number>();
  const places = new Map<string, number>();
  const addImage = db.prepare('INSERT INTO images (path) VALUES (?)');
  const addItem = db.prepare('INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const addMember = db.prepare('INSERT INTO members VALUES (?, ?, ?)');
  const settle = db.prepare('UPDATE items SET answer = ?, problem = ? WHERE n = ?');
  const hint = db.prepare(
    `UPDATE items SET modality = iif(modality = 'unknown', ?, modality), question_type = iif(question_type = 'unknown', ?, question_type) WHERE n = ?`,
  );
  return (reading) => {
    if (reading.type === 'item') {
      const { item, raw, study } = reading;
      let image = images.get(item.image);
      if (image === undefined) images.set(item.image, (image = Number(addImage.run(item.image).lastInsertRowid)));
      const n = rows.size + 1;
      rows.set(item.id, n);
      // prettier-ignore
      addItem.run(n, item.id, item.dataset, image, item.question, JSON.stringify(item.options), item.answer, item.modality,
        item.question_type, study, item.problem, reading.file, reading.row, JSON.stringify(raw ?? null));
    } else if (reading.type === 'answer') {
      settle.run(reading.answer, reading.problem, rows.get(reading.id)!);
    } else if (reading.type === 'hint') {
      hint.run(reading.hints.modality ?? 'unknown', reading.hints.question_type ?? 'unknown', rows.get(reading.id)!);
    } else {
      const place = places.get(reading.split) ?? 0;
      places.set(reading.split, place + 1);
      addMember.run(reading.split, place, rows.get(reading.id)!);
    }
  };
}

const BATCH = 64;
const LANES = Math.max(2, machine().cpus);
/** Readers keep tables in memory and read them anew at a new revision: not after every batch. */
const REVISION_EVERY_MS = 5000;

interface ImageRow {
  n: number;
  path: string;
  size: number | null;
  mtime_ns: string | null;
}

async function indexImages(db: DatabaseSync, options: BuildOptions): Promise<void> {
  const root = getMeta<string>(db, 'root')!;
  const images = db
    .prepare(
      `SELECT n, path, size, mtime_ns FROM images i
       WHERE NOT EXISTS (SELECT 1 FROM items WHERE image = i.n AND problem IN ('image-none', 'image-outside', 'image-missing', 'image-not-a-file'))`,
    )
    .all() as unknown as ImageRow[];
  const keep = db.prepare(
    'UPDATE images SET size = ?, mtime_ns = ?, sha256 = ?, dhash = ?, width = ?, height = ?, study = ?, windowed = ?, problem = ? WHERE n = ?',
  );
  let hashedAt = -Infinity;
  let changed = false;
  for (let start = 0; start < images.length; start += BATCH) {
    options.signal?.throwIfAborted();
    const batch = images.slice(start, start + BATCH);
    const prints = await mapInLanes(batch, LANES, (image) => printIfChanged(root, image));
    db.exec('BEGIN IMMEDIATE');
    batch.forEach((image, i) => {
      const found = prints[i];
      if (!found) return;
      const { print, size, mtime_ns } = found;
      changed = true;
      keep.run(size, mtime_ns, print.sha256, print.dhash, print.width, print.height, print.study, print.windowed, print.problem, image.n);
    });
    const last = start + BATCH >= images.length;
    if (changed && (last || performance.now() - hashedAt > REVISION_EVERY_MS)) {
      setMeta(db, { revision: nextRevision(db) });
      hashedAt = performance.now();
      changed = false;
    }
    db.exec('COMMIT');
    options.progress?.({ phase: 'images', done: Math.min(images.length, start + BATCH), total: images.length });
  }
  setMeta(db, { images_at: Date.now() / 1000, revision: nextRevision(db) });
}

async function printIfChanged(root: string, image: ImageRow) {
  const info = await stat(join(root, image.path), { bigint: true }).catch(() => null);
  const [size, mtime_ns] = [Number(info?.size ?? 0), String(info?.mtimeNs ?? '')];
  if (image.size === size && image.mtime_ns === mtime_ns) return null;
  return { size, mtime_ns, print: await fingerprint(root, image.path) };
}
