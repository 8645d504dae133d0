/**
 * The JSON that a request brings. A long body is in memory once as bytes, once as text and once as what it says, and no longer than it takes to
 * make the next of these: what the process gives back by itself comes back when garbage is collected, which may be many bodies later.
 */
import type { IncomingMessage } from 'node:http';
import { errors } from '../runs/errors.ts';

/** What values of a body may weigh beside their text: a list of 4 MB of `[],` would take 50 MB, an object of as many keys 90. */
const MOST_WEIGHT = 16 << 20;
/** Bytes that a list or an object takes, an element of one, and a property. */
const WEIGHTS = { holder: 56, element: 16, property: 400 };
/** How deep lists and objects may lie in each other: what checks them goes down by calling itself. */
const MOST_DEEP = 100;

/**
 * `most`: elements and properties that it may hold. Throws REQUEST_INVALID for what is no JSON, and REQUEST_TOO_LARGE for more values than the request
 * has any use for.
 */
export async function readJson(incoming: IncomingMessage, most: number): Promise<unknown> {
  const bytes = await readAll(incoming);
  const { weight, count, deep } = measured(bytes);
  const fits = weight <= MOST_WEIGHT && count <= most && deep <= MOST_DEEP;
  const text = fits ? textOf(bytes) : '';
  release(bytes);
  if (!fits)
    throw deep > MOST_DEEP ? errors.badRequest('body', `it has lists and objects more than ${MOST_DEEP} deep`) : errors.tooManyValues();
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw errors.notJson(cause);
  }
}

function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(Number(incoming.headers['content-length'] ?? 0));
  let length = 0;
  return new Promise((resolve, reject) => {
    incoming.on('data', (chunk: Buffer) => {
      length += chunk.copy(bytes, length);
      release(chunk);
    });
    const left = (): void => {
      release(bytes);
      reject(errors.badRequest('body', 'it ends before its content-length'));
    };
    incoming.once('close', left).once('end', () => {
      incoming.off('close', left);
      resolve(bytes);
    });
  });
}

/** Longer texts than this Node keeps outside of the heap, where they wait for a collection that nothing brings about. */
const OUTSIDE = 512 << 10;

function textOf(bytes: Buffer): string {
  const decoder = new TextDecoder();
  let text = '';
  for (let at = 0; at < bytes.length; at += OUTSIDE) text += decoder.decode(bytes.subarray(at, at + OUTSIDE), { stream: true });
  return text + decoder.decode();
}

/** Gives the memory of bytes back that nobody else holds. */
function release({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

const [QUOTE, BACKSLASH, COMMA, COLON, BRACKET, BRACE, BRACKET_END, BRACE_END] = [...'"\\,:[{]}'].map((sign) => sign.charCodeAt(0));

/** What the values in the text of a JSON take, how many there are and how deep they lie, by its signs outside of its texts. */
function measured(bytes: Buffer): { weight: number; count: number; deep: number } {
  let [weight, count, deep, depth] = [0, 0, 0, 0];
  for (let at = 0; at < bytes.length; at++) {
    const sign = bytes[at];
    if (sign === COMMA) {
      weight += WEIGHTS.element;
      count++;
    } else if (sign === COLON) weight += WEIGHTS.property;
    else if (sign === BRACKET || sign === BRACE) {
      weight += WEIGHTS.holder;
      count++;
      if (++depth > deep) deep = depth;
    } else if (sign === BRACKET_END || sign === BRACE_END) depth--;
    else if (sign === QUOTE) {
      for (at++; at < bytes.length && bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++;
    }
  }
  return { weight, count, deep };
}
