/**
 * The JSON that a request brings. A long body is in memory once as bytes, once as text and once as what it says, and no longer than it takes to
 * make the next of these: what the process gives back by itself comes back when garbage is collected, which may be many bodies later.
 */
import type { IncomingMessage } from 'node:http';
import { errors } from '../runs/errors.ts';

/** What values of a body may weigh beside their text: a list of 4 MB of `[],` would take 50 MB. */
const MOST_WEIGHT = 16 << 20;
/** Bytes that a list or an object takes, and an element of one. */
const WEIGHTS = { holder: 56, element: 16 };

/** Throws REQUEST_INVALID for what is no JSON, and REQUEST_TOO_LARGE for more values than a request has any use for. */
export async function readJson(incoming: IncomingMessage): Promise<unknown> {
  const bytes = await readAll(incoming);
  const fits = weightOf(bytes) <= MOST_WEIGHT;
  const text = fits ? textOf(bytes) : '';
  release(bytes);
  if (!fits) throw errors.tooManyValues();
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

const [QUOTE, BACKSLASH, COMMA, COLON, BRACKET, BRACE] = [...'"\\,:[{'].map((sign) => sign.charCodeAt(0));

/** What the values in the text of a JSON take, by its signs outside of its texts. */
function weightOf(bytes: Buffer): number {
  let weight = 0;
  for (let at = 0; at < bytes.length; at++) {
    const sign = bytes[at];
    if (sign === COMMA || sign === COLON) weight += WEIGHTS.element;
    else if (sign === BRACKET || sign === BRACE) weight += WEIGHTS.holder;
    else if (sign === QUOTE) {
      for (at++; at < bytes.length && bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++;
    }
  }
  return weight;
}
