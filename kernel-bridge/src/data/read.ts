/** A data set's records in the order of its files: what loading, indexing and auditing have in common. */
import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { VqaItem } from '../protocol/data.ts';
import type { Problem } from '../protocol/problems.ts';
import { AnswerEvidence } from './evidence.ts';
import { imageCacheDir } from './home.ts';
import { imageBase, insidePaths } from './image-base.ts';
import { ImageFolder, isConfined } from './images.ts';
import { KeptPictures } from './kept-pictures.ts';
import { toItem, type Hints } from './item.ts';
import { unreadable, type Layout, type Source } from './layout.ts';
import { csvRecords } from './readers/csv.ts';
import { jsonRecords, linesOrList, type Found } from './readers/json.ts';
import { parquetRecords } from './readers/parquet.ts';
import { withPictures } from './readers/pictures.ts';
import { asUtf8 } from './readers/text.ts';

/**
 * item: a question, with the record it came from.
 * hint: a later file tells more about an item that is known (Med-R1's two draws each name one facet of it).
 * answer: all rows seen, an item's answer is read otherwise than it was alone.
 * member: an item belongs to a split.
 */
export type Reading =
  | { type: 'item'; item: VqaItem; raw: unknown; study: string | null; file: string; row: number }
  | { type: 'hint'; id: string; hints: Hints }
  | { type: 'answer'; id: string; answer: string | null; problem: Problem | null }
  | { type: 'member'; id: string; split: string };

export interface DatasetReader {
  /** Folder that image paths are relative to. */
  root: string;
  readings: AsyncGenerator<Reading>;
}

export interface ReadOptions {
  home?: string;
  /** Folder of the images where they lie apart from the questions. */
  imagesDir?: string;
  signal?: AbortSignal;
}

export async function readDataset(layout: Layout, options: ReadOptions = {}): Promise<DatasetReader> {
  const embedded = imageCacheDir(layout.dir, options.home);
  const records = (source: Source) => whole(source, readSource(source, embedded, options.signal));
  const wanted = await Promise.all(layout.questions.map((source) => firstImages(source, records(source))));
  const { imagesDir } = options;
  const hasEmbedded = await holdsImages(wanted, embedded);
  const bases = imagesDir === undefined ? await Promise.all(layout.questions.map((source, i) => imageBase(layout, source, wanted[i]))) : [];
  const folder = imagesDir ?? shortest([layout.dir, ...bases]);
  const prefixes = bases.map((base) => relative(folder, base).split(sep).join('/'));
  const inside = await insidePaths(folder);
  const placed = (image: string, prefix: string) => (prefix !== '' && isConfined(image) ? `${prefix}/${image}` : inside(image));
  const files = new ImageFolder(folder);
  const kept = hasEmbedded ? await KeptPictures.over(embedded, folder) : null;
  const find: Find = (image, i) => {
    const path = placed(image, prefixes[i] ?? '');
    return kept ? kept.find(image, path) : files.find(path);
  };
  return { root: kept ? embedded : folder, readings: read(layout, find, records) };
}

/** Where the image is that a record of the i-th file names. */
type Find = (image: string, i: number) => ReturnType<ImageFolder['find']>;

function readSource(source: Source, embedded: string, signal?: AbortSignal): AsyncGenerator<Found> {
  const path = source.path.toLowerCase();
  if (path.endsWith('.parquet')) return parquetRecords(source.path, embedded, signal);
  const bytes = bytesOf(source.path, signal);
  return withPictures(recordsOf(path.replace(/\.gz$/, ''), path.endsWith('.gz') ? unzipped(bytes) : bytes), embedded);
}

function recordsOf(name: string, bytes: AsyncIterable<Buffer>): AsyncGenerator<Found> {
  if (name.endsWith('.tsv')) return csvRecords(bytes, '\t');
  if (name.endsWith('.csv')) return csvRecords(bytes, '');
  return /\.(jsonl|ndjson)$/.test(name) ? linesOrList(asUtf8(bytes)) : jsonRecords(asUtf8(bytes));
}

/** The file was one when it was listed; should it be a pipe by now, it is not waited for. */
const bytesOf = (path: string, signal?: AbortSignal) => createReadStream(path, { flags: NONBLOCKING, highWaterMark: 1 << 20, signal });
/** The contents of a gzip file. Whoever stops reading them closes the file too. */
const unzipped = (file: Readable): AsyncIterable<Buffer> => pipeline(file, createGunzip({ chunkSize: 1 << 20 }), () => undefined);
// Node takes the flags of open(2) as a number; its types know the names alone.
const NONBLOCKING = (constants.O_RDONLY | constants.O_NONBLOCK) as unknown as string;

/** Paths of the first images that a file names. */
async function firstImages(source: Source, records: AsyncGenerator<Found>): Promise<string[]> {
  const wanted = new Set<string>();
  for await (const found of records) {
    const { image } = toItem(found.value, { file: source.file, row: found.row }).item;
    if (isConfined(image)) wanted.add(image);
    if (wanted.size === 8 || found.row === 64) break;
  }
  return [...wanted];
}

/** Whether the files hold the bytes of their images, not only paths: their readers have put the first of them into the cache. */
async function holdsImages(wanted: readonly string[][], embedded: string): Promise<boolean> {
  for (const image of wanted.flat()) if (await exists(join(embedded, image))) return true;
  return false;
}

async function* read(layout: Layout, find: Find, records: (source: Source) => AsyncGenerator<Found>): AsyncGenerator<Reading> {
  const known = new KnownItems();
  const evidence = new AnswerEvidence();
  const others = new Map<string, Pick<ReturnType<typeof toItem>, 'before' | 'after'>>();
  for (const [i, source] of [...layout.questions, ...layout.splits].entries()) {
    known.nextFile();
    for await (const found of records(source)) {
      const { item, answer, before, after } = toItem(found.value, { file: source.file, row: found.row }, source.hints, found.problem);
      const image = await find(item.image, i);
      item.image = image.path;
      // A split file's record is the question that is known already; any other repeated record is one of its own.
      const same = source.split === null ? null : known.match(item);
      if (same === null) {
        item.problem ??= image.problem;
        known.add(item);
        evidence.add(item.id, source.file, item.options, answer);
        if (before !== null || (after ?? image.problem) !== null) others.set(item.id, { before, after: after ?? image.problem });
        yield { type: 'item', item, raw: found.value, study: studyOf(found.value), file: source.file, row: found.row };
      } else yield { type: 'hint', id: same, hints: source.hints };
      if (source.split !== null) yield { type: 'member', id: same ?? item.id, split: source.split };
    }
  }
  for (const { id, letter, problem } of evidence.settled()) {
    const { before = null, after = null } = others.get(id) ?? {};
    yield { type: 'answer', id, answer: letter, problem: before ?? problem ?? after };
  }
}

/** The records of a file. Where a Parquet or gzip file is damaged, the last record says so and reading ends; others have no such damage. */
async function* whole({ path }: Source, records: AsyncGenerator<Found>): AsyncGenerator<Found> {
  let row = 0;
  try {
    for await (const found of records) {
      row = found.row + 1;
      yield found;
    }
  } catch (cause) {
    if (!(cause instanceof Error) || cause.name === 'AbortError') throw cause;
    if ('syscall' in cause) throw unreadable(path, cause);
    yield { row, value: { error: cause.message }, problem: 'record-unreadable' };
  }
}

/** A record's own word on which images belong together. */
function studyOf(value: unknown): string | null {
  const record = (value ?? {}) as Record<string, unknown>;
  const found = record['study_id'] ?? record['patient_id'] ?? record['study'] ?? record['patient'];
  return typeof found === 'string' || typeof found === 'number' ? String(found) : null;
}

/** Finds the question that a split's record repeats: same image, same words. A question asked twice is matched in the order of the files. */
class KnownItems {
  #ids = new Set<string>();
  #byContent = new Map<string, string[]>();
  #taken = new Map<string, number>();

  nextFile(): void {
    this.#taken.clear();
  }

  /** Gives the item an id of its own when its id is taken. */
  add(item: VqaItem): void {
    const id = item.id;
    for (let n = 2; this.#ids.has(item.id); n++) item.id = `${id}#${n}`;
    this.#ids.add(item.id);
    const key = contentKey(item);
    const ids = this.#byContent.get(key);
    if (ids) ids.push(item.id);
    else this.#byContent.set(key, [item.id]);
    this.#taken.set(key, (this.#taken.get(key) ?? 0) + 1);
  }

  match(item: VqaItem): string | null {
    const key = contentKey(item);
    const n = this.#taken.get(key) ?? 0;
    const id = this.#byContent.get(key)?.[n] ?? null;
    if (id !== null) this.#taken.set(key, n + 1);
    return id;
  }
}

/** Case, spacing and punctuation differ between OmniMedVQA's records and Med-R1's copies of them. */
function contentKey(item: VqaItem): string {
  const words = [item.question, ...item.options]
    .join(' ')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '');
  return createHash('sha1').update(`${item.image}\0${words}`).digest('base64');
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );
const shortest = (paths: string[]) => paths.reduce((a, b) => (b.length < a.length ? b : a));
