/** Every route and the websocket, enumerated from the table of routes, against everyone who must not get in. */
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { ROUTES } from '../../kernel-bridge/src/protocol/routes.ts';
import { testServer, type TestServer } from './harness.ts';

let t: TestServer;
let port: number;
beforeAll(async () => {
  t = await testServer({ port: 0 });
  port = (t.server.address as { port: number }).port;
});
afterAll(() => t.close());

const good = (): Record<string, string> => ({ host: `127.0.0.1:${port}`, authorization: `Bearer ${t.server.secret}` });

/** name -> headers to send, status that must answer. */
const INTRUDERS: [name: string, headers: () => Record<string, string>, status: number][] = [
  ['no secret', () => ({ host: good().host }), 401],
  ['a wrong secret', () => ({ ...good(), authorization: `Bearer ${'0'.repeat(64)}` }), 401],
  ['a prefix of the secret', () => ({ ...good(), authorization: good().authorization.slice(0, -1) }), 401],
  ['the secret under another scheme', () => ({ ...good(), authorization: good().authorization.replace('Bearer', 'Basic') }), 401],
  ['a web page (Origin)', () => ({ ...good(), origin: 'http://evil.com' }), 403],
  ['a web page of this machine', () => ({ ...good(), origin: `http://127.0.0.1:${port}` }), 403],
  ['an opaque origin', () => ({ ...good(), origin: 'null' }), 403],
  ['a cross-site fetch', () => ({ ...good(), 'sec-fetch-site': 'cross-site' }), 403],
  ['a rebound name', () => ({ ...good(), host: `evil.com:${port}` }), 403],
  ['a name that begins like ours', () => ({ ...good(), host: `127.0.0.1.evil.com:${port}` }), 403],
  ['another port in Host', () => ({ ...good(), host: '127.0.0.1:1' }), 403],
];

const paths = [
  ...Object.values(ROUTES).map(({ method, path }) => [method, `/api${path.replaceAll(/:\w+/g, '20260101-000000-aaaa')}`] as const),
  ['GET', '/api/no-such-route'] as const,
  ['GET', '/'] as const,
];

function status(method: string, path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ port, host: '127.0.0.1', method, path, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode!);
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

describe.each(INTRUDERS)('%s', (_, headers, wanted) => {
  it.each(paths)('is refused at %s %s', async (method, path) => {
    expect(await status(method, path, headers())).toBe(wanted);
  });

  it('is refused at the websocket before the upgrade', async () => {
    const { host, ...rest } = headers();
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/ws`, { headers: { ...rest, host } });
    const answer = await new Promise<number>((resolve) => {
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode!));
      socket.on('open', () => resolve(101));
      socket.on('error', () => {});
    });
    socket.terminate();
    expect(answer).toBe(wanted);
  });
});

it('the right secret gets past the gate at every route', async () => {
  for (const [method, path] of paths) expect(await status(method, path, good())).not.toBeOneOf([401, 403]);
});

it('serves what the table lists, and nothing else', async () => {
  const { createApp } = await import('../../kernel-bridge/src/server/app.ts');
  const handlers = Object.fromEntries(Object.keys(ROUTES).map((name) => [name, () => null]));
  const registered = createApp(handlers, t.home, { secret: 's', port: null }).routes.filter(({ method }) => method !== 'ALL');
  const listed = Object.values(ROUTES).map(({ method, path }) => `${method} /api${path}`);
  expect(registered.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(listed.sort());
  expect(new Set(listed).size).toBe(listed.length);
});

it('an unknown path answers with an error that names it', async () => {
  const answer = await fetch(`http://127.0.0.1:${port}/api/nothing`, { headers: { authorization: good().authorization } });
  expect([answer.status, await answer.json()]).toMatchObject([
    404,
    { code: 'ROUTE_UNKNOWN', message: 'There is no route GET /api/nothing.' },
  ]);
});
