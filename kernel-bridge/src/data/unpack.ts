/**
 * Unpacks a ZIP archive that came from elsewhere. All its names and sizes are looked at before anything is written: nothing may leave the
 * folder, be a link, or grow beyond reason. A file appears under its name only when it is whole, so that a second try goes on from there.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createInflateRaw } from 'node:zlib';
import type { Entry, ZipFile } from 'yauzl';
import { isDiskFull } from '../log/disk-space.ts';
import { WorkbenchError } from '../protocol/errors.ts';
import { ensureSpace, sizeOf } from './disk.ts';
import { isConfined } from './images.ts';

export interface UnpackOptions {
  archive: string;
  /** Folder that the names in the archive are relative to. */
  dir: string;
  signal?: AbortSignal;
  /** Bytes of unpacked files; `file` is the one that was finished last. */
  progress?: (progress: { file: string; done: number; total: number }) => void;
}

/** Two: reading and inflating go on side by side, and half of libuv's threads stay free for whoever shares the process. */
const LANES = 2;
/** An archive of pictures hardly shrinks, one of text to a twentieth. Beyond this it was made to fill a disk. */
const MAX_GROWTH = 50;
const ALWAYS_ALLOWED = 1 << 30;

const [UNIX, FILE_TYPE, REGULAR, DIRECTORY] = [3, 0o170000, 0o100000, 0o040000];
/** The method of a ZIP entry that is not stored as it is. */
const DEFLATED = 8;

/** Fails with DATA_ARCHIVE when the archive is damaged or hostile, before anything is written where its list of files shows it, with DISK_FULL, and with NOT_WRITABLE. */
export async function unpack({ archive, dir, signal, progress }: UnpackOptions): Promise<void> {
  const { total, missing } = await survey(archive, dir, signal);
  await ensureSpace(dir, missing, `unpack ${archive}`);
  let done = total - missing;
  const failure = new AbortController();
  const stop = signal ? AbortSignal.any([signal, failure.signal]) : failure.signal;
  await withArchive(archive, async (zip) => {
    const entries = filesOf(zip);
    const lane = async () => {
      for (let next = await entries.next(); !next.done; next = await entries.next()) {
        stop.throwIfAborted();
        const entry = next.value;
        if (await isThere(entry, dir)) continue;
        await extract(() => packed(zip, entry, archive), entry, join(dir, entry.fileName), stop);
        progress?.({ file: entry.fileName, done: (done += entry.uncompressedSize), total });
      }
    };
    // The first failure ends the other lane too, and the archive is closed after the last of them.
    await Promise.all(Array.from({ length: LANES }, () => lane().catch((error: unknown) => failure.abort(error))));
    stop.throwIfAborted();
  });
}

const isThere = async (entry: Entry, dir: string) => (await sizeOf(join(dir, entry.fileName))) === entry.uncompressedSize;

/** Bytes of the archive's files, and of those that are not there yet. */
async function survey(archive: string, dir: string, signal?: AbortSignal): Promise<{ total: number; missing: number }> {
  const packed = (await sizeOf(archive)) ?? 0;
  const sum = { total: 0, missing: 0, packed: 0 };
  await withArchive(archive, async (zip) => {
    for await (const entry of filesOf(zip)) {
      signal?.throwIfAborted();
      sum.total += entry.uncompressedSize;
      sum.packed += entry.compressedSize;
      if (!(await isThere(entry, dir))) sum.missing += entry.uncompressedSize;
    }
  });
  if (sum.packed > packed) throw damaged(archive, 'its files lie over one another');
  if (sum.total > Math.max(ALWAYS_ALLOWED, MAX_GROWTH * packed)) throw damaged(archive, `${packed} bytes would become ${sum.total}`);
  return sum;
}

async function withArchive(archive: string, work: (zip: ZipFile) => Promise<void>): Promise<void> {
  const { openPromise } = await import('yauzl'); // only who unpacks pays for it
  let zip: ZipFile | null = null;
  try {
    zip = await openPromise(archive, { autoClose: false, lazyEntries: true });
    await work(zip);
  } catch (cause) {
    if (cause instanceof WorkbenchError || !(cause instanceof Error) || cause.name === 'AbortError') throw cause;
    throw 'syscall' in cause ? unwritable(archive, cause) : damaged(archive, cause.message, cause);
  } finally {
    zip?.close();
  }
}

/** The files to be unpacked; macOS's shadows of them are passed by. yauzl itself refuses names that leave the folder. */
async function* filesOf(zip: ZipFile): AsyncGenerator<Entry> {
  for await (const entry of zip.eachEntry()) {
    const name = entry.fileName;
    const type = entry.versionMadeBy >> 8 === UNIX ? (entry.externalFileAttributes >>> 16) & FILE_TYPE : 0;
    if (type !== 0 && type !== REGULAR && type !== DIRECTORY) throw new Error(`${name} is a link or a device`);
    if (name.endsWith('/') || name.startsWith('__MACOSX/')) continue;
    if (!isConfined(name)) throw new Error(`invalid relative path: ${name}`);
    if (!entry.canDecodeFileData()) throw new Error(`${name} is encrypted or packed by an unknown method`);
    yield entry;
  }
}

/**
 * The bytes of a file as they stand in the archive. Not by yauzl's own stream: where that is destroyed while it waits for its turn to read (yauzl 3.4), it
 * throws where nobody can catch it, and the process ends.
 */
async function packed(zip: ZipFile, entry: Entry, archive: string): Promise<Readable> {
  const { fileDataStart: start } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
  return entry.compressedSize === 0 ? Readable.from([]) : createReadStream(archive, { start, end: start + entry.compressedSize - 1 });
}

async function extract(open: () => Promise<Readable>, entry: Entry, target: string, signal: AbortSignal): Promise<void> {
  const part = `${target}.part`;
  let [size, crc] = [0, 0];
  const checked = new Transform({
    transform(chunk: Buffer, _, next) {
      size += chunk.length;
      crc = crc32(chunk, crc);
      next(size > entry.uncompressedSize ? new Error(`${entry.fileName} is longer than the archive's list of files says`) : null, chunk);
    },
    flush: (end) => end(crc === entry.crc32 ? null : new Error(`the checksum of ${entry.fileName} is wrong`)),
  });
  const unpacked = entry.compressionMethod === DEFLATED ? [createInflateRaw()] : [];
  await mkdir(dirname(target), { recursive: true });
  await pipeline([await open(), ...unpacked, checked, createWriteStream(part)], { signal });
  await rename(part, target);
}

function damaged(archive: string, what: string, cause?: unknown): WorkbenchError {
  return new WorkbenchError({
    code: 'DATA_ARCHIVE',
    cause,
    message: `${archive} cannot be unpacked: ${what.slice(0, 300)}`,
    remedy: 'Remove it and download it again. If that does not help, do not use it.',
  });
}

function unwritable(archive: string, cause: Error): WorkbenchError {
  return new WorkbenchError({
    ...(isDiskFull(cause) ? { code: 'DISK_FULL', http: 507 } : { code: 'NOT_WRITABLE', http: 500 }),
    cause,
    message: `${archive} could not be unpacked to its end: ${cause.message}`,
    remedy:
      'Free some space, or give yourself the right to write into the folder. Then start again: the unpacking goes on where it stopped.',
  });
}
