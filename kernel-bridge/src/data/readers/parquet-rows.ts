/**
 * Rows of a Parquet file, page by page. hyparquet by itself reads the whole column of a row group for every range of rows; a file that was written
 * as one row group would cost the memory of its images, and their decompression again for every batch. Here each column is a stream of
 * pages, of which one is held; hyparquet decodes them and puts nested columns together.
 */
import type { FileHandle } from 'node:fs/promises';
import { parquetMetadataAsync, parquetSchema, type ColumnChunk, type SchemaTree } from 'hyparquet';
import { assembleNested } from 'hyparquet/src/assemble.js';
import { parquetHeader, readPage } from 'hyparquet/src/column.js';
import { convert, DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { getMaxRepetitionLevel, getTreePath } from 'hyparquet/src/schema.js';
import { openPlain } from '../../files/plain.ts';

type Decoder = Parameters<typeof readPage>[2];
type Values = NonNullable<Parameters<typeof readPage>[3]>;
type Compressors = Decoder['compressors'];

/** Rows that are put together at once. */
const BATCH = 64;
/** Bytes in which a page's header is looked for: it holds the least and the greatest value, which a writer may not have cut. */
const HEADER_BYTES = [1 << 16, 1 << 24];

/** Yields the rows as objects. */
export async function* parquetRows(path: string, compressors: Compressors, signal?: AbortSignal): AsyncGenerator<Record<string, unknown>> {
  const file = await PlainFile.open(path);
  try {
    const metadata = await parquetMetadataAsync(file);
    const schema = parquetSchema(metadata);
    for (const { columns, num_rows } of metadata.row_groups) {
      const readers = columns.map((chunk) => new ColumnReader(file, chunk, schema, compressors));
      for (let left = Number(num_rows); left > 0; left -= BATCH) {
        signal?.throwIfAborted();
        yield* await rowsOf(schema, readers, Math.min(BATCH, left));
      }
    }
  } finally {
    await file.close();
  }
}

/** The next rows of all columns together. */
async function rowsOf(schema: SchemaTree, readers: readonly ColumnReader[], count: number): Promise<Record<string, unknown>[]> {
  const leaves = new Map<string, unknown[]>();
  for (const reader of readers) leaves.set(reader.path, await reader.take(count));
  const rows = Array.from({ length: count }, (): Record<string, unknown> => ({}));
  for (const child of schema.children) {
    const { name } = child.element;
    const own = new Map([...leaves].filter(([path]) => path === name || path.startsWith(`${name}.`)));
    if (child.children.length > 0) assembleNested(own, child, DEFAULT_PARSERS);
    const values = own.get(name);
    if (values) rows.forEach((row, i) => (row[name] = values[i]));
  }
  return rows;
}

/** One column of a row group: its pages in turn. */
class ColumnReader {
  readonly path: string;
  readonly #file: PlainFile;
  readonly #decoder: Decoder;
  readonly #isRepeated: boolean;
  readonly #end: number;
  #offset: number;
  #dictionary: Values | undefined;
  #rows: unknown[] = [];
  #next = 0;
  /** The last row of the pages so far, where the next page may go on with it. */
  #unfinished: unknown[] = [];
  #room = new ArrayBuffer(0);

  constructor(file: PlainFile, { meta_data: meta, file_path }: ColumnChunk, schema: SchemaTree, compressors: Compressors) {
    if (!meta || file_path) throw new Error('parquet columns in other files are not supported');
    const schemaPath = getTreePath(schema, meta.path_in_schema);
    this.path = meta.path_in_schema.join('.');
    this.#file = file;
    this.#decoder = {
      pathInSchema: meta.path_in_schema,
      type: meta.type,
      codec: meta.codec,
      element: schemaPath.at(-1)!.element,
      schemaPath,
      parsers: DEFAULT_PARSERS,
      compressors,
      utf8: false,
    };
    this.#isRepeated = getMaxRepetitionLevel(schemaPath) > 0;
    this.#offset = Number(meta.dictionary_page_offset || meta.data_page_offset);
    this.#end = this.#offset + Number(meta.total_compressed_size);
  }

  async take(count: number): Promise<unknown[]> {
    const taken: unknown[] = [];
    while (taken.length < count) {
      if (this.#next === this.#rows.length && !(await this.#readPage())) throw new Error(`parquet column ${this.path} ends too early`);
      const part = this.#rows.slice(this.#next, this.#next + count - taken.length);
      this.#next += part.length;
      for (const value of part) taken.push(detached(value));
    }
    return taken;
  }

  /** False at the end of the column. */
  async #readPage(): Promise<boolean> {
    [this.#rows, this.#next] = [[], 0];
    if (this.#offset >= this.#end) {
      this.#rows = this.#unfinished;
      this.#unfinished = [];
      return this.#rows.length > 0;
    }
    const { header, bytes } = await this.#header();
    const start = this.#offset + bytes;
    this.#offset = start + header.compressed_page_size;
    if ((header.type as string) === 'INDEX_PAGE') return true;
    const view = await this.#packed(start, header.compressed_page_size);
    const { data } = readPage(
      { view, offset: 0 },
      header,
      this.#decoder,
      this.#dictionary,
      this.#isRepeated ? this.#unfinished : undefined,
      0,
    );
    if (header.type === 'DICTIONARY_PAGE') this.#dictionary = data && convert(data, this.#decoder);
    else if (data)
      this.#rows = this.#isRepeated
        ? this.#complete(data as unknown[])
        : Array.isArray(data)
          ? data
          : Array.from(data as ArrayLike<unknown>);
    return true;
  }

  /** A page as the file has it. A compressed page is unpacked, and the next page reuses its buffer; values of an uncompressed page are views of it. */
  async #packed(start: number, length: number): Promise<DataView> {
    if (this.#decoder.codec === 'UNCOMPRESSED') return new DataView(await this.#file.slice(start, start + length));
    if (this.#room.byteLength < length) this.#room = new ArrayBuffer(length);
    const bytes = new Uint8Array(this.#room, 0, length);
    await this.#file.fill(bytes, start);
    return new DataView(this.#room, 0, length);
  }

  #complete(rows: unknown[]): unknown[] {
    this.#unfinished = rows.slice(-1);
    return rows.slice(0, -1);
  }

  async #header() {
    let failure: unknown;
    for (const size of HEADER_BYTES) {
      const view = new DataView(await this.#file.slice(this.#offset, Math.min(this.#end, this.#offset + size)));
      const reader = { view, offset: 0 };
      try {
        return { header: parquetHeader(reader), bytes: reader.offset };
      } catch (error) {
        failure = error; // longer than was read, or damaged
      }
    }
    throw failure;
  }
}

/** Without its page, which could not go while a value is a view of it. */
function detached(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.slice();
  return Array.isArray(value) ? value.map(detached) : value;
}

/** Ranges of a regular file, as hyparquet asks for them. */
class PlainFile {
  readonly byteLength: number;
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle, byteLength: number) {
    this.#handle = handle;
    this.byteLength = byteLength;
  }

  static async open(path: string): Promise<PlainFile> {
    const handle = await openPlain(path);
    return new PlainFile(handle, (await handle.stat()).size);
  }

  async slice(start: number, end: number = this.byteLength): Promise<ArrayBuffer> {
    const bytes = new Uint8Array(Math.max(0, Math.min(end, this.byteLength) - start));
    await this.fill(bytes, start);
    return bytes.buffer;
  }

  async fill(bytes: Uint8Array, start: number): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const { bytesRead } = await this.#handle.read(bytes, done, bytes.length - done, start + done);
      if (bytesRead === 0) throw new Error('the file ends too early');
      done += bytesRead;
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
