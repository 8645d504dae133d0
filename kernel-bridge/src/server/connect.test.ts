import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectTo } from './connect.ts';

let server: Server;
let answered = 0;
let closed = 0;
const used = new WeakSet<object>();
/** Answers the first request of each connection, and closes the connection at the second one as one that nobody uses. */
beforeAll(async () => {
  server = createServer((request, response) => {
    if (used.has(request.socket)) {
      closed++;
      request.socket.resetAndDestroy();
      return;
    }
    used.add(request.socket);
    answered++;
    response.setHeader('content-type', 'application/json').end('{"version":"1"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => void server.close());

it('asks again where a kept connection is closed as it is used, unless the request changes something', async () => {
  const client = connectTo({ port: (server.address() as AddressInfo).port }, 'secret');
  expect(await client.server()).toEqual({ version: '1' });
  expect(await client.server()).toEqual({ version: '1' });
  expect([answered, closed]).toEqual([2, 1]);
  await client.server(); // a connection that is kept
  await expect(client.action('20260101-000000-aaaa', 'stop')).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
  expect([answered, closed]).toEqual([3, 2]);
});
