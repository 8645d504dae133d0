/** A page behind a proxy that lets no websocket through, or cuts it: it asks every second, says so, and misses nothing. */
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import WebSocket from 'ws';
import { createClient, type Client } from '../../kernel-bridge/src/client/index.ts';
import type { SocketLike } from '../../kernel-bridge/src/client/socket.ts';
import { reached, testServer, until, type TestServer } from './harness.ts';

let t: TestServer;
let proxy: Server;
let clients: Client[];
beforeEach(async () => {
  t = await testServer();
  clients = [];
});
afterEach(async () => {
  for (const client of clients) client.close();
  proxy.closeAllConnections();
  proxy.close();
  await t.close();
});

/** Passes requests on; `upgrade` does as the proxy of a hospital does. */
async function through(upgrade: (request: IncomingMessage, socket: Socket, backend: () => Socket) => void): Promise<Client> {
  const { port } = t.server.address as { port: number };
  proxy = createServer((asked, answer) => {
    const { method, url: path, headers } = asked;
    const passed = request({ host: '127.0.0.1', port, method, path, headers: { ...headers, host: `127.0.0.1:${port}` } }, (response) => {
      answer.writeHead(response.statusCode!, response.headers);
      response.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    asked.pipe(passed);
  });
  proxy.on('upgrade', (asked: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    upgrade(asked, socket, () => {
      const backend = connect(port, '127.0.0.1', () => {
        const lines = asked.rawHeaders.flatMap((name, i, all) =>
          i % 2 ? [] : [`${name}: ${name.toLowerCase() === 'host' ? `127.0.0.1:${port}` : all[i + 1]}`],
        );
        backend.write(`GET ${asked.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
        backend.write(head);
        backend.pipe(socket).pipe(backend);
      });
      backend.on('error', () => socket.destroy());
      socket.on('close', () => backend.destroy());
      return backend;
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port: own } = proxy.address() as AddressInfo;
  const headers = { authorization: `Bearer ${t.server.secret}` };
  class Authorised extends WebSocket {
    constructor(url: string) {
      super(url, { headers });
      this.on('error', () => {});
    }
  }
  const client = createClient({
    baseUrl: `http://127.0.0.1:${own}/api`,
    headers,
    WebSocket: Authorised as unknown as new (url: string) => SocketLike,
    timing: { retry_ms: 20, retryMost_ms: 200, silence_ms: 45_000 },
    reach: { lasts_ms: 5000, poll_ms: 50, again_ms: 60_000, againMost_ms: 60_000 },
  });
  clients.push(client);
  return client;
}

/** Trains a run while a page follows it, and gives the steps that it heard of. */
async function followed(client: Client): Promise<number[]> {
  const steps: number[] = [];
  const heard = new Set<string>();
  client.subscribe('runs', {}, (event) => void ('summary' in event && heard.add(event.summary.id)));
  await until(() => client.status === 'open' || client.status);
  const { id } = await client.createRun(t.config({ max_steps: 30 }));
  client.subscribe(`run:${id}`, { since: 0 }, (event) => void (event.kind === 'step' && steps.push(event.step)));
  await client.action(id, 'start');
  await reached(client, id, 'finished');
  await until(() => steps.length >= 30 || `${steps.length} steps`);
  await until(() => heard.has(id) || 'not in the list');
  return steps;
}
const ALL = Array.from({ length: 30 }, (_, i) => i + 1);

it('one that refuses the upgrade', async () => {
  const client = await through((_, socket) => socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'));
  expect(await followed(client)).toEqual(ALL);
  expect(client.polling).toBe(true);
});

it('one that cuts sockets after a moment', async () => {
  const client = await through((_, socket, backend) => {
    const behind = backend();
    setTimeout(() => (behind.destroy(), socket.destroy()), 300);
  });
  await until(() => (client.subscribe('evals', {}, () => {}), client.polling) || 'a websocket');
  expect(await followed(client)).toEqual(ALL);
  expect([client.polling, client.status]).toEqual([true, 'open']);
});

it('one that lets websockets through is left alone', async () => {
  const client = await through((_, __, backend) => void backend());
  expect(await followed(client)).toEqual(ALL);
  expect(client.polling).toBe(false);
});

it('a topic that is no longer there is refused over the poll too', async () => {
  const client = await through((_, socket) => socket.destroy());
  const codes: string[] = [];
  client.subscribe('run:20200101-000000-aaaa', { onError: ({ code }) => codes.push(code) }, () => {});
  await until(() => codes.length > 0 || 'no refusal');
  expect(codes).toEqual(['RUN_UNKNOWN']);
});
