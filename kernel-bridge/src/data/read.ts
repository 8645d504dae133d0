/** A data set's records in the order of its files: what loading, indexing and auditing have in common. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { VqaItem } from '../protocol/data.ts';
import { imageCacheDir } from './home.ts';
import { ImageFolder, isConfined, isInside } from './images.ts';
import { toItem, type Hints } from './item.ts';
import { unreadable, type Layout, type Source } from './layout.ts';
import { csvRecords } from './readers/csv.ts';
import { jsonLines, jsonRecords, type Found } from './readers/json.ts';
import { parquetRecords } from './readers/parquet.ts';
import { asUtf8 } from './readers/text.ts';

/**
 * item: a question, with the record it came from.
 * hint: a later file tells more about an item that is known (Med-R1's two draws each name one facet of it).
 * member: an item belongs to a split.
 */
export type Reading =
  | { type: 'item'; item: VqaItem; raw: unknown; study: string | null; file: string; row: number }
  | { type: 'hint'; id: string; hints: Hints }
  | { type: 'member'; id: string; split: string };

export interface DatasetReader {
  /** Folder that image paths are relative to. */
  root: string;
  readings: AsyncGenerator<Reading>;
}

export async function readDataset(layout: Layout, options: { home?: string; signal?: AbortSignal } = {}): Promise<DatasetReader> {
  const embedded = imageCacheDir(layout.dir, options.home);
  const records = (source: Source) => whole(source, readSource(source, embedded, options.signal));
  const parquet = layout.questions.filter((source) => source.path.toLowerCase().endsWith('.parquet'));
  const hasEmbedded = await holdsImages(parquet.map(records), embedded);
  const bases = hasEmbedded ? [] : await Promise.all(layout.questions.map((source) => imageBase(layout, source, records(source))));
  const root = hasEmbedded ? embedded : shortest([layout.dir, ...bases]);
  const prefixes = bases.map((base) => relative(root, base).split(sep).join('/'));
  return { root, readings: read(layout, new ImageFolder(root, { grows: hasEmbedded }), prefixes, records) };
}

/** Whether Parquet files hold the bytes of their images, not only paths: their reader has put the first of them into the cache. */
async function holdsImages(files: AsyncGenerator<Found>[], embedded: string): Promise<boolean> {
  for (const records of files) {
    for await (const { value, problem } of records) {
      if (problem !== null) break; // a damaged file says nothing; the next one may
      const { image } = toItem(value, { file: '', row: 0 });
      return isConfined(image) && exists(join(embedded, image));
    }
  }
  return false;
}

function readSource(source: Source, embedded: string, signal?: AbortSignal): AsyncGenerator<Found> {
  const path = source.path.toLowerCase();
  if (path.endsWith('.parquet')) return parquetRecords(source.path, embedded, signal);
  if (/\.(csv|tsv)$/.test(path)) return csvRecords(source.path, signal);
  const chunks = asUtf8(createReadStream(source.path, { highWaterMark: 1 << 20, signal }) as AsyncIterable<Buffer>);
  return /\.(jsonl|ndjson)$/.test(path) ? jsonLines(chunks) : jsonRecords(chunks);
}

async function* read(
  layout: Layout,
  images: ImageFolder,
  prefixes: string[],
  records: (source: Source) => AsyncGenerator<Found>,
): AsyncGenerator<Reading> {
  const known = new KnownItems();
  for (const [i, source] of [...layout.questions, ...layout.splits].entries()) {
    const prefix = prefixes[i] ?? '';
    known.nextFile();
    for await (const found of records(source)) {
      const item = toItem(found.value, { file: source.file, row: found.row }, source.hints, found.problem);
      if (prefix !== '' && isConfined(item.image)) item.image = `${prefix}/${item.image}`;
      // A split file's record is the question that is known already; any other repeated record is one of its own.
      const same = source.split === null ? null : known.match(item);
      if (same === null) {
        const image = await images.find(item.image);
        item.image = image.path;
        item.problem ??= image.problem;
        known.add(item);
        yield { type: 'item', item, raw: found.value, study: studyOf(found.value), file: source.file, row: found.row };
      } else yield { type: 'hint', id: same, hints: source.hints };
      if (source.split !== null) yield { type: 'member', id: same ?? item.id, split: source.split };
    }
  }
}

/** The records of a file. One that is damaged where it cannot be read on, as only Parquet can be, ends with a record that says so. */
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

/** The folder in which the first images of a file are found: its data set's, or one above it (split files are often kept apart). */
async function imageBase(layout: Layout, source: Source, records: AsyncGenerator<Found>): Promise<string> {
  if (layout.kind === 'imagefolder') return dirname(source.path);
  const wanted: string[] = [];
  for await (const found of records) {
    const { image } = toItem(found.value, { file: source.file, row: found.row });
    if (isConfined(image) && !wanted.includes(image)) wanted.push(image);
    if (wanted.length === 8 || found.row === 64) break;
  }
  const start = layout.kind === 'table' ? dirname(source.path) : layout.dir;
  for (let dir = start; dir !== dirname(dir); dir = dirname(dir)) {
    // Above the folder that was named only what OmniMedVQA calls its images is looked for: the rest up there is nobody's business.
    const here = isInside(layout.dir, dir) ? wanted : wanted.filter((image) => image.startsWith('Images/'));
    for (const image of here) if (await exists(join(dir, image))) return dir;
  }
  return layout.dir;
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );
const shortest = (paths: string[]) => paths.reduce((a, b) => (b.length < a.length ? b : a));
