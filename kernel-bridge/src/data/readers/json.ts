/**
 * Records of JSON and JSON Lines files, one at a time. A file is never held whole: 100 MB on one line costs the memory of its
 * largest record, and a broken record costs that record alone.
 */
import type { Problem } from '../../protocol/problems.ts';

export interface Found {
  row: number;
  value: unknown;
  problem: Problem | null;
}

export const MAX_RECORD_BYTES = 1 << 20;
/** A record that goes on beyond this is the last that is read: to look for its end takes a minute where a file of 8 GB has none. */
const HOPELESS_BYTES = 64 * MAX_RECORD_BYTES;
/** A key of the file's outermost object, just before its value, under which the list of records stands: {"version": 1, "data": [...]}. */
const WRAPPER = /(?<!\\)"(data|items|questions|records|samples)"\s*:\s*$/;
const WRAPPER_BYTES = 64;
/** What is deeper can be parsed, but not written again: JSON.stringify and its like recurse. */
const MAX_DEPTH = 100;

/** A bracket after nothing but space and a byte order mark. */
const LIST = /^(?:\xef\xbb\xbf)?\s*\[/;
const START_BYTES = 1024;

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
const opens = (byte: number) => byte === 0x7b || byte === 0x5b;
const closes = (byte: number) => byte === 0x7d || byte === 0x5d;

/** Collects the bytes of one record over chunks and gives up keeping them beyond the limit. */
class Collector {
  #parts: Buffer[] = [];
  #bytes = 0;
  #blank = true;

  /** Whether there is nothing yet but space. */
  get empty(): boolean {
    return this.#blank;
  }
  /** Too long for an end to be looked for. */
  get hopeless(): boolean {
    return this.#bytes > HOPELESS_BYTES;
  }
  push(part: Buffer): void {
    this.#bytes += part.length;
    this.#blank &&= part.every(isSpace);
    if (this.#bytes <= MAX_RECORD_BYTES) this.#parts.push(part);
    else this.#parts = [];
  }
  /** Its last bytes so far; nothing of a record that is too large. */
  tail(bytes: number): string {
    let text = '';
    for (let i = this.#parts.length - 1; i >= 0 && text.length < bytes; i--) text = this.#parts[i].toString('latin1') + text;
    return text.slice(-bytes);
  }
  clear(): void {
    this.#parts = [];
    this.#bytes = 0;
    this.#blank = true;
  }
  take(row: number): Found {
    const bytes = Buffer.concat(this.#parts);
    const tooLarge = this.#bytes > MAX_RECORD_BYTES;
    this.clear();
    if (tooLarge) return { row, value: null, problem: 'record-too-large' };
    return parse(bytes, row);
  }
}

const strict = new TextDecoder('utf-8', { fatal: true });
const lenient = new TextDecoder('utf-8');

function parse(bytes: Buffer, row: number): Found {
  let text: string;
  let problem: Problem | null = null;
  try {
    text = strict.decode(bytes);
  } catch {
    text = lenient.decode(bytes);
    problem = 'text-invalid';
  }
  try {
    const value = parseJson(text);
    if (deeperThan(value, MAX_DEPTH)) return { row, value: null, problem: 'record-too-deep' };
    const isObject = value !== null && typeof value === 'object' && !Array.isArray(value);
    return { row, value, problem: problem ?? (isObject ? null : 'record-unreadable') };
  } catch {
    return { row, value: null, problem: 'record-unreadable' };
  }
}

/** NaN and the infinities, which Python's json and pandas write, become null, or JSON of what `instead` gives for the word. */
export function parseJson(text: string, instead: (word: string) => string = () => 'null'): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const plain = text.replace(/("[^"\\]*(?:\\.[^"\\]*)*")|-?\b(?:NaN|Infinity)\b/gs, (word, string?: string) => string ?? instead(word));
    if (plain === text) throw error;
    return JSON.parse(plain);
  }
}

function deeperThan(value: unknown, depth: number): boolean {
  if (value === null || typeof value !== 'object') return false;
  return depth === 0 || Object.values(value).some((inner) => deeperThan(inner, depth - 1));
}

/**
 * The elements of the list that a .json file holds, alone or under a key of an object, or the objects that follow one another in it.
 *
 *     [ {"a": "x]"} , {...} ]                depth 0 outside, 1 in the list, more in a record; brackets in strings do not count
 *     {"version": 1, "data": [ {...} ]}      depth 2 in the list
 */
export async function* jsonRecords(chunks: AsyncIterable<Buffer>): AsyncGenerator<Found> {
  const record = new Collector();
  let row = 0;
  let base = -1; // depth at which records stand: 1 in a list, 2 in one under a key, 0 without; -1 before the first byte
  let depth = 0;
  let inString = false;
  let escaped = false;
  let ended = false;

  for await (const chunk of chunks) {
    let start = record.empty ? -1 : 0; // where the current record starts in this chunk
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i];
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
        continue;
      }
      if (base < 0) {
        if (isSpace(byte) || byte === 0xef || byte === 0xbb || byte === 0xbf) continue; // a byte order mark may come first
        if (byte === 0x5b) {
          base = depth = 1;
          continue;
        }
        if (byte !== 0x7b) return yield { row, value: null, problem: 'record-unreadable' }; // a web page saved as .json
        base = 0;
      }
      if (depth === base && start < 0) {
        if (isSpace(byte) || byte === COMMA || ended) continue;
        if (base > 0 && byte === 0x5d) {
          ended = true;
          continue;
        }
        start = i;
      }
      if (byte === 0x5b && base === 0 && depth === 1 && row === 0) {
        record.push(chunk.subarray(start, i));
        start = i;
        if (WRAPPER.test(record.tail(WRAPPER_BYTES))) {
          record.clear();
          base = depth = 2;
          start = -1;
          continue;
        }
      }
      if (byte === QUOTE) inString = true;
      else if (opens(byte)) depth++;
      else if (closes(byte) && depth > base) {
        depth--;
        if (depth === base) {
          record.push(chunk.subarray(start, i + 1));
          yield record.take(row++);
          start = -1;
        }
      } else if (depth === base && start >= 0 && (byte === COMMA || (base > 0 && closes(byte)))) {
        record.push(chunk.subarray(start, i)); // a number, a string or a word where a record should stand
        yield record.take(row++);
        start = -1;
        if (closes(byte)) ended = true;
      }
    }
    if (start >= 0) record.push(chunk.subarray(start));
    if (record.hopeless) return yield record.take(row);
  }
  if (!record.empty)
    yield record.take(row); // cut off in the middle
  else if (base > 0 && !ended) yield { row, value: null, problem: 'record-unreadable' };
}

/** Records of a file whose name says JSON Lines: one a line, or a list as .json files hold it, for there are such files as well. */
export async function* linesOrList(chunks: AsyncIterable<Buffer>): AsyncGenerator<Found> {
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    const start = await iterator.next();
    if (start.done) return;
    const rest = { [Symbol.asyncIterator]: () => iterator };
    const all = (async function* () {
      yield start.value;
      yield* rest;
    })();
    yield* LIST.test(start.value.toString('latin1', 0, START_BYTES)) ? jsonRecords(all) : jsonLines(all);
  } finally {
    await iterator.return?.();
  }
}

/** One record a line; empty lines do not count. */
export async function* jsonLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Found> {
  const record = new Collector();
  let row = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      const line = chunk.subarray(start, end);
      start = end + 1;
      record.push(line);
      if (record.empty) record.clear();
      else yield record.take(row++);
    }
    if (start < chunk.length) record.push(chunk.subarray(start));
    if (record.hopeless) return yield record.take(row);
  }
  if (!record.empty) yield record.take(row);
}
