/** Every route and the websocket, enumerated from ROUTES, against everyone who must not get in. */
import { mkdtempSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { EVAL_ROUTES } from '../../kernel-bridge/src/protocol/evals.ts';
import { ROUTES } from '../../kernel-bridge/src/protocol/rest.ts';
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
  ...[...ROUTES, ...EVAL_ROUTES].map(([method, path]) => [method, `/api${path.replace(':id', '20260101-000000-aaaa')}`] as const),
  ['GET', '/api/data'] as const,
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

it('no route answers that the table does not list', async () => {
  const { createApp } = await import('../../kernel-bridge/src/server/app.ts');
  const { Hub } = await import('../../kernel-bridge/src/server/hub.ts');
  const { Supervisor } = await import('../../kernel-bridge/src/server/supervisor.ts');
  const { Evaluations } = await import('../../kernel-bridge/src/server/evaluations.ts');
  const { evalRoutes } = await import('../../kernel-bridge/src/server/evals.ts');
  const { Generations } = await import('../../kernel-bridge/src/server/generations.ts');
  const home = mkdtempSync(join(tmpdir(), 'medr1-auth-'));
  const hub = new Hub(home);
  const supervisor = new Supervisor({ home, changed: () => {} });
  const loadItems = () => Promise.reject();
  const generations = new Generations({ home, supervisor, loadItems, store: (id) => hub.store(id) });
  const services = { home, hub, supervisor, generations, loadItems, started_at: 0 };
  const evals = evalRoutes({ home, loadItems, evaluations: new Evaluations({ home, publish: () => {} }) });
  const listed = [...ROUTES, ...EVAL_ROUTES].map(([method, path]) => `${method} /api${path}`);
  const registered = createApp(services, { secret: 's', port: null }, { evals }).routes.filter(({ method }) => method !== 'ALL');
  expect([...new Set(registered.map(({ method, path }) => `${method} ${path}`))].sort()).toEqual([...listed].sort());
});

it('an unknown path answers with an error that names it', async () => {
  const answer = await fetch(`http://127.0.0.1:${port}/api/nothing`, { headers: { authorization: good().authorization } });
  expect([answer.status, await answer.json()]).toMatchObject([
    404,
    { code: 'ROUTE_UNKNOWN', message: 'There is no route GET /api/nothing.' },
  ]);
});
