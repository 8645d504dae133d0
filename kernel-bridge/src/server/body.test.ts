import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_BODY_BYTES, MAX_VALUES } from '../protocol/routes.ts';
import { readJson } from './body.ts';

let came: (incoming: IncomingMessage) => void;
const server = createServer((incoming, outgoing) => {
  came(incoming);
  incoming.once('close', () => outgoing.end());
});
beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterAll(() => void server.closeAllConnections());

/** What is read of a body that is sent; `cut`: the client leaves before its end. */
async function read(body: string | Buffer, { cut = false, chunks = [] as Buffer[], most = 1_000_000 } = {}): Promise<unknown> {
  const bytes = Buffer.from(body);
  const { port } = server.address() as AddressInfo;
  const arrived = new Promise<IncomingMessage>((resolve) => (came = resolve));
  const headers = { 'content-length': bytes.length + (cut ? 1 : 0) };
  const outgoing = request({ port, host: '127.0.0.1', method: 'POST', agent: false, headers }).on('error', () => {});
  outgoing.write(bytes);
  if (!cut) outgoing.end();
  const incoming = await arrived;
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  const value = readJson(incoming, most);
  if (cut) setTimeout(() => outgoing.destroy(), 20);
  return value;
}

describe('a body', () => {
  it('is what was sent, wherever its characters lie', async () => {
    const value = { list: [1, 'ж', '\u{1f600}', { a: null }], long: `x${'ж'.repeat(700_000)}` }; // characters of two bytes, at odd places
    expect(await read(JSON.stringify(value))).toEqual(value);
  });

  it('gives the memory of what came back before it is read', async () => {
    const chunks: Buffer[] = [];
    await read(JSON.stringify('x'.repeat(1 << 20)), { chunks });
    const long = chunks.filter(({ length }) => length !== 0);
    expect(chunks.length).toBeGreaterThan(3);
    expect(long).toEqual([]); // a buffer whose memory has gone has no length
  });

  it.each(['', '{', 'x', '{"a":1}}'])('%j is no JSON', async (text) => {
    await expect(read(text)).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  });

  it('that ends before its length is none', async () => {
    await expect(read('{"a":1', { cut: true })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  });

  it('with more values than there is a use for is refused, not one with as many signs in its texts', async () => {
    const fill = (part: string): string => part.repeat(Math.floor((MAX_BODY_BYTES - 100) / part.length));
    await expect(read(`[${fill('[],')}[]]`)).rejects.toMatchObject({ code: 'REQUEST_TOO_LARGE' });
    await expect(
      read(JSON.stringify({ text: fill('[],').slice(0, 2 << 20), quoted: fill('\\",[').slice(0, 1 << 20) })),
    ).resolves.toBeTypeOf('object');
    const ids = Array.from({ length: 100_000 }, (_, k) => `slake-train-${String(k).padStart(12, '0')}`);
    expect(await read(JSON.stringify({ ids }))).toEqual({ ids });
  });

  it('with more values than its route takes is refused, and so is one of many properties, which take more than elements', async () => {
    const numbers = (count: number): string => JSON.stringify(Array.from({ length: count }, (_, k) => k));
    expect(await read(numbers(MAX_VALUES), { most: MAX_VALUES })).toHaveLength(MAX_VALUES);
    await expect(read(numbers(MAX_VALUES + 2), { most: MAX_VALUES })).rejects.toMatchObject({ code: 'REQUEST_TOO_LARGE' });
    const properties = Object.fromEntries(Array.from({ length: 50_000 }, (_, k) => [`k${k}`, 1]));
    await expect(read(JSON.stringify(properties))).rejects.toMatchObject({ code: 'REQUEST_TOO_LARGE' });
  });

  it('of lists in lists in lists is refused: what checks it would run out of stack', async () => {
    const nested = (deep: number): string => '['.repeat(deep) + ']'.repeat(deep);
    expect(await read(nested(100))).toHaveLength(1);
    await expect(read(nested(101))).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
    await expect(read('{"a":'.repeat(100_000))).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  });
});
