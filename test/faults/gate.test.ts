/** Everyone who must not get in, at every route, with credentials that are nearly right. */
import { createServer, request, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ROUTES } from '../../kernel-bridge/src/protocol/routes.ts';
import { testServer, type TestServer } from '../server/harness.ts';
import { below, fault, holds, oneOf, type Random } from './fault.ts';

type Headers = Record<string, string>;

let t: TestServer;
let port: number;
const right = (): Headers => ({ host: `127.0.0.1:${port}`, authorization: `Bearer ${t.server.secret}` });

const PATHS = [
  ...Object.values(ROUTES).map(({ method, path }): [string, string] => [method, `/api${path.replaceAll(/:\w+/g, '20260101-000000-aaaa')}`]),
  ['GET', '/'] as [string, string],
];

/** The secret with one thing wrong. */
function nearly(random: Random, secret: string): string {
  const at = below(random, secret.length);
  const other = oneOf(
    random,
    [...'0123456789abcdef'].filter((digit) => digit !== secret[at]),
  );
  return oneOf(random, [
    secret.slice(0, at) + other + secret.slice(at + 1),
    secret.slice(0, at),
    secret.slice(at + 1),
    `${secret}${other}`,
    secret.toUpperCase().replace(/[0-9]/g, '') || 'X',
    '0'.repeat(secret.length),
    '',
    encodeURIComponent(`${secret}\0`),
  ]);
}

/** Headers with which nobody may get in. */
function intruder(random: Random): Headers {
  const good = right();
  const name = oneOf(random, ['secret', 'secret', 'scheme', 'none', 'origin', 'site', 'host']);
  if (name === 'secret') return { ...good, authorization: `Bearer ${nearly(random, t.server.secret)}` };
  if (name === 'scheme')
    return { ...good, authorization: good.authorization.replace('Bearer', oneOf(random, ['Basic', 'Token', 'bearer:', ''])) };
  if (name === 'none') return { host: good.host, cookie: `secret=${t.server.secret}`, 'x-authorization': good.authorization };
  if (name === 'origin') return { ...good, origin: oneOf(random, ['null', 'http://evil.com', `http://127.0.0.1:${port}`, 'file://', '']) };
  if (name === 'site') return { ...good, 'sec-fetch-site': oneOf(random, ['cross-site', 'same-site', 'x', 'None']) };
  return {
    ...good,
    host: oneOf(random, ['evil.com', `evil.com:${port}`, `127.0.0.1.evil.com:${port}`, '127.0.0.1:1', `127.0.0.2:${port}`, 'localhost.']),
  };
}

const answered = (to: number, method: string, path: string, headers: Headers): Promise<number> =>
  new Promise((resolve, reject) => {
    const outgoing = request({ port: to, host: '127.0.0.1', method, path, headers, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode!);
    });
    outgoing.on('upgrade', (_, socket) => (socket.destroy(), resolve(101)));
    outgoing.on('error', reject);
    outgoing.end();
  });

async function refused(random: Random, to: number): Promise<string> {
  const headers = intruder(random);
  const upgrade = random() < 0.2;
  const [method, path] = upgrade ? ['GET', '/api/ws'] : oneOf(random, PATHS);
  const key = { 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' };
  const sent = upgrade ? { ...headers, connection: 'Upgrade', upgrade: 'websocket', ...key } : headers;
  const status = await answered(to, method, path, sent);
  holds(status === 401 || status === 403, `${method} ${path} answers ${status} to ${JSON.stringify(headers)}`);
  return upgrade ? 'websocket' : method;
}

/** A relay that signs whoever comes, as one behind which the gate is no gate. */
async function signing(): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer((incoming, outgoing) => {
    const kept: IncomingHttpHeaders = { ...incoming.headers, ...right() };
    for (const name of ['origin', 'sec-fetch-site']) delete kept[name];
    const to = { port, host: '127.0.0.1', method: incoming.method, path: incoming.url, headers: kept, agent: false as const };
    const on = request(to, (answer) => {
      outgoing.writeHead(answer.statusCode!);
      answer.pipe(outgoing);
    });
    on.on('error', () => outgoing.destroy());
    incoming.pipe(on);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => new Promise<void>((closed) => (server.close(() => closed()), server.closeAllConnections())),
  };
}

fault('W2', {
  setUp: async () => {
    t = await testServer({ port: 0 });
    port = (t.server.address as { port: number }).port;
    for (const [method, path] of PATHS) {
      const status = await answered(port, method, path, right());
      holds(status !== 401 && status !== 403, `${method} ${path} answers ${status} to who may come in`);
    }
  },
  tearDown: () => t.close(),
  attempt: (random) => refused(random, port),
  controls: 5,
  control: async (random) => {
    await using open = await signing();
    await refused(random, open.port);
  },
});
