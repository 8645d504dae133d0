/** Traffic that is not what it should be. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { PROTOCOL_VERSION } from '../../kernel-bridge/src/protocol/rest.ts';
import { fakeConfig, isAlive, TINY } from '../server/harness.ts';
import { below, Broken, fault, holds, oneOf, type Random } from './fault.ts';
import { answers, doorOf, frame, opened, residentBytes, serve, text, type Server } from './flood.ts';

const scratch = (): string => mkdtempSync(join(tmpdir(), 'medr1-traffic-'));
const remove = (path: string): void => rmSync(path, { recursive: true, force: true, maxRetries: 5 });
const lacks = process.platform === 'linux' ? null : 'memory of a process is read from /proc';

const MOST_BYTES = 50 << 20;
const bytesOf = (random: Random, most: number): Buffer =>
  Buffer.from(Array.from({ length: below(random, most) }, () => below(random, 256)));

/** Values that are none of what a place of a message is for. */
const ODD: readonly unknown[] = [
  null,
  true,
  -1,
  1e308,
  0.5,
  '',
  'x'.repeat(5000),
  '\0',
  '\ud800',
  '../..',
  '__proto__',
  [],
  [[[[]]]],
  {},
  { constructor: { name: 1 } },
];

/** The value with one part of it gone, doubled, of another name or another kind. */
function mutated(random: Random, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || random() < 0.15) return oneOf(random, ODD);
  if (Array.isArray(value)) {
    if (value.length === 0) return [oneOf(random, ODD)];
    const at = below(random, value.length);
    return random() < 0.3 ? [...value, ...value] : value.map((one: unknown, k) => (k === at ? mutated(random, one) : one));
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return { a: oneOf(random, ODD) };
  const [key, inner] = oneOf(random, entries);
  const way = random();
  if (way < 0.15) return Object.fromEntries(entries.filter(([name]) => name !== key));
  if (way < 0.3) return Object.fromEntries([...entries, [oneOf(random, ['constructor', '__proto__', 'x', '']), oneOf(random, ODD)]]);
  return { ...value, [key]: mutated(random, inner) };
}

const MESSAGES = [
  { type: 'hello', protocol: PROTOCOL_VERSION, client: 'test' },
  { type: 'subscribe', topic: 'runs', epoch: null, since: 0 },
  { type: 'subscribe', topic: 'run:20260101-000000-aaaa', since: 3 },
  { type: 'unsubscribe', topic: 'view' },
  { type: 'ping', id: 7 },
];

/** Requests with bodies as they should be; RUN stands for a run that is there. */
const REQUESTS: [method: string, path: string, body: unknown][] = [
  ['POST', '/runs', { config: { ...fakeConfig(TINY), run_name: 'x' }, start: false, request_id: 'r1' }],
  ['POST', '/pairs', { config: fakeConfig(TINY), start: false }],
  ['POST', '/config', { config: fakeConfig(TINY) }],
  ['POST', '/config/read', { text: 'model_name_or_path: m\n' }],
  ['POST', '/estimate', fakeConfig(TINY)],
  ['POST', '/rewards/check', { reward_funcs: ['accuracy'], reward_weights: [1] }],
  ['PATCH', '/runs/RUN', { name: 'a', tags: ['b'], notes: 'c', pinned: true, add_tags: ['d'] }],
  ['PATCH', '/runs/RUN/rewards', { weights: { accuracy: 2 }, base_revision: 1, reason: 'x', author: 'y' }],
  ['PATCH', '/runs/RUN/settings', { settings: { learning_rate: 1e-5 }, base_revision: 1 }],
  ['POST', '/runs/RUN/rewards/try', { files: { 'a.js': 'export default (all) => all.map(() => 1);' }, steps: 1 }],
  ['POST', '/runs/RUN/notes', { step: 1, group: 0, index: 0, tags: ['a'], note: 'b' }],
  ['POST', '/runs/RUN/alerts', { code: 'X', message: 'a', remedy: 'b' }],
  ['POST', '/runs/RUN/fork', { step: 1, config: { max_steps: 9 }, start: false }],
  ['POST', '/runs/RUN/rollback', { step: 1 }],
  ['POST', '/runs/RUN/actions', { action: 'stop' }],
  ['PATCH', '/view', { run: 'RUN', step: 1 }],
];

/** Sends bytes and waits until the other end has closed the connection, as it does at their end. */
async function thrown(socket: Socket, bytes: Buffer): Promise<void> {
  if (socket.destroyed) return;
  const closed = once(socket, 'close');
  socket.on('error', () => {}).resume();
  socket.end(bytes);
  await Promise.race([closed, wait(5000, null, { ref: false })]);
  socket.destroy();
}

async function bare({ port }: Server): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

const asked = ({ port, secret }: Server, method: string, path: string, body: string): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const outgoing = request({ port, host: '127.0.0.1', method, path, headers, agent: false }, (answer) => {
      let said = '';
      answer.setEncoding('utf8').on('data', (part: string) => (said += part));
      answer.on('end', () => resolve({ status: answer.statusCode!, text: said }));
    });
    outgoing.on('error', reject).end(body);
  });

const KINDS: Record<string, (random: Random, server: Server, run: string) => Promise<void>> = {
  async bytes(random, server) {
    await thrown(await bare(server), bytesOf(random, 500));
  },
  async heads(random, server) {
    const head = `${oneOf(random, ['GET', 'POST', 'BREW', ''])} ${oneOf(random, ['/api/view', '//', '/api/%', '/api/ws', '*', '/\x7f'])} HTTP/${oneOf(random, ['1.1', '9.9', '1.0'])}`;
    const lines = [
      'Host: 127.0.0.1',
      `Host: ${'a'.repeat(below(random, 20_000))}`,
      'Content-Length: -1',
      'Content-Length: 99999999999',
      'Transfer-Encoding: chunked, chunked',
      'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x',
      'Origin: http://[::1',
      ': nothing',
      `Authorization: Bearer ${server.secret}\0`,
    ].filter(() => random() < 0.3);
    await thrown(await bare(server), Buffer.from([head, ...lines, '', ''].join('\r\n'), 'latin1'));
  },
  async frames(random, server) {
    const noise = bytesOf(random, 300);
    noise[0] = below(random, 256);
    await thrown(await opened(doorOf(server)), random() < 0.5 ? noise : frame(below(random, 16), noise));
  },
  async messages(random, server) {
    const socket = await opened(doorOf(server));
    const sent = Array.from({ length: 5 }, () => text(random() < 0.3 ? oneOf(random, MESSAGES) : mutated(random, oneOf(random, MESSAGES))));
    await thrown(socket, Buffer.concat([text(MESSAGES[0]), ...sent]));
  },
  async requests(random, server, run) {
    const [method, path, body] = oneOf(random, REQUESTS);
    const value = random() < 0.05 ? bytesOf(random, 40).toString('latin1') : JSON.stringify(mutated(random, body) ?? null);
    const sent = value.replaceAll('RUN', run);
    const { status, text: said } = await asked(server, method, `/api${path.replace('RUN', run)}`, sent);
    holds(status < 500, `${method} ${path} answers ${status} to ${sent.slice(0, 300)}: ${said.slice(0, 300)}`);
  },
};

let traffic: { home: string; server: Server; run: string; before: number } | undefined;

async function beginning(home: string, server: Server): Promise<NonNullable<typeof traffic>> {
  const made = await asked(server, 'POST', '/api/runs', JSON.stringify({ config: fakeConfig(TINY), start: false })).catch(() => null);
  const run = made?.status === 200 ? (JSON.parse(made.text) as { id: string }).id : 'x';
  return { home, server, run, before: residentBytes(server.child.pid!) };
}

/** A burst of it, after which the server lives, is not larger, and answers. */
async function misused(random: Random, { server, run, before }: NonNullable<typeof traffic>): Promise<void> {
  const kinds = Array.from({ length: 30 }, () => oneOf(random, Object.keys(KINDS)));
  await Promise.all(
    kinds.map((kind) =>
      KINDS[kind](random, server, run).catch((error: unknown) => {
        throw error instanceof Broken ? error : new Broken(`${kind}: ${String(error)}`);
      }),
    ),
  );
  holds(isAlive(server.child.pid!), `the server has ended after ${[...new Set(kinds)].join(', ')}`);
  const view = `http://127.0.0.1:${server.port}/api/view`;
  const unanswered = await answers(view, { authorization: `Bearer ${server.secret}` });
  holds(unanswered === null, `another client gets ${unanswered}`);
  const now = residentBytes(server.child.pid!);
  holds(now - before < MOST_BYTES, `the server grew from ${before >> 20} to ${now >> 20} MB`);
}

fault('W1', {
  lacks,
  setUp: async () => {
    const home = scratch();
    traffic = await beginning(home, await serve(home));
  },
  tearDown: async () => {
    await traffic?.server[Symbol.asyncDispose]();
    if (traffic) remove(traffic.home);
  },
  attempt: (random) => misused(random, traffic!),
  control: async (random) => {
    const home = scratch();
    try {
      await using server = await serve(home, { module: join(import.meta.dirname, 'trusting-server.ts') });
      await misused(random, await beginning(home, server));
    } finally {
      remove(home);
    }
  },
});
