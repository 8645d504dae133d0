/**
 * Files whose path came from a person, or that lie in a directory from elsewhere. Such a path may name a pipe, which would be waited for,
 * a device, which may have no end, or gigabytes where a few kilobytes are due. Nothing here waits, and nothing is read past its limit.
 *
 *     readTextSync('config.json', 4 << 20)            // throws what Node throws, or FileRefused: "it is a named pipe, not a file"
 *     (await openPlain('data.csv')).createReadStream() // for files that may be large
 */
import { closeSync, constants, fstatSync, openSync, readSync, statSync, type Stats } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';

/** The path names something that is no plain file, or a file over its limit. The message goes on after "x cannot be read: ". */
export class FileRefused extends Error {
  readonly reason: 'kind' | 'size';

  constructor(reason: 'kind' | 'size', message: string) {
    super(message);
    this.name = 'FileRefused';
    this.reason = reason;
  }
}

/** Where a pipe or a device took the file's place after it was looked at, opening does not wait. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** Opens a plain file for reading; links are followed. Throws FileRefused, and what `open` throws. */
export async function openPlain(path: string): Promise<FileHandle> {
  requirePlain(await stat(path)); // some devices do something when opened
  const file = await open(path, FLAGS);
  try {
    requirePlain(await file.stat());
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** `openPlain` at once; the caller closes the descriptor. */
export function openPlainSync(path: string): number {
  requirePlain(statSync(path));
  const descriptor = openSync(path, FLAGS);
  try {
    requirePlain(fstatSync(descriptor));
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** The bytes of a plain file of at most `limit` bytes. Throws FileRefused, and what `open` throws. */
export async function readPlain(path: string, limit: number): Promise<Buffer> {
  const file = await openPlain(path);
  try {
    const { size } = await file.stat();
    requireSize(size, limit);
    const pieces: Buffer[] = [];
    for (let at = 0; ;) {
      const piece = Buffer.allocUnsafe(pieceBytes(size, at));
      const { bytesRead } = await file.read(piece, 0, piece.length, at);
      if (bytesRead === 0) return Buffer.concat(pieces);
      requireSize((at += bytesRead), limit);
      pieces.push(piece.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/** `readPlain` at once: where other people wait, as in the server, for limits of a few megabytes only. */
export function readPlainSync(path: string, limit: number): Buffer {
  const descriptor = openPlainSync(path);
  try {
    const { size } = fstatSync(descriptor);
    requireSize(size, limit);
    const pieces: Buffer[] = [];
    for (let at = 0; ;) {
      const piece = Buffer.allocUnsafe(pieceBytes(size, at));
      const bytesRead = readSync(descriptor, piece, 0, piece.length, at);
      if (bytesRead === 0) return Buffer.concat(pieces);
      requireSize((at += bytesRead), limit);
      pieces.push(piece.subarray(0, bytesRead));
    }
  } finally {
    closeSync(descriptor);
  }
}

export const readText = async (path: string, limit: number): Promise<string> => (await readPlain(path, limit)).toString('utf8');
export const readTextSync = (path: string, limit: number): string => readPlainSync(path, limit).toString('utf8');

/** The lines in the last `most` bytes of a plain file, as of a log that may be long; one that they cut is left out. */
export function readTailSync(path: string, most: number): string[] {
  const descriptor = openPlainSync(path);
  try {
    const { size } = fstatSync(descriptor);
    const start = Math.max(0, size - most);
    const bytes = Buffer.alloc(size - start);
    const text = bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, start)).toString('utf8');
    return text.split('\n').slice(start > 0 ? 1 : 0);
  } finally {
    closeSync(descriptor);
  }
}

/** A piece of what the size tells is left; past it one more, since the file may have grown, and in /proc the size is not told. */
const PIECE_BYTES = 1 << 16;
const pieceBytes = (size: number, at: number): number => (at < size ? size - at : PIECE_BYTES);

function requirePlain(found: Stats): void {
  if (!found.isFile()) throw new FileRefused('kind', `it is ${kindOf(found)}, not a file`);
}

/** "a folder": what is no file, in words. */
export const kindOf = (found: Stats): string => KINDS.find(([is]) => found[is]())?.[1] ?? 'something else';

const KINDS = [
  ['isDirectory', 'a folder'],
  ['isFIFO', 'a named pipe'],
  ['isSocket', 'a socket'],
  ['isCharacterDevice', 'a device'],
  ['isBlockDevice', 'a device'],
] as const;

function requireSize(size: number, limit: number): void {
  if (size > limit) throw new FileRefused('size', `it has ${size} bytes or more, at most ${limit} are read`);
}
