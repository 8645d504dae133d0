/** Traffic that is not what it should be. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fakeConfig, TINY } from '../server/harness.ts';
import { below, fault, holds, oneOf, type Random } from './fault.ts';
import { answers, doorOf, serve, type Server } from './flood.ts';
import { bytesOf, MALFORMED, misused, mutated, thirty, thrown, type Misused } from './malformed.ts';

const scratch = (): string => mkdtempSync(join(tmpdir(), 'medr1-traffic-'));
const remove = (path: string): void => rmSync(path, { recursive: true, force: true, maxRetries: 5 });
const lacks = process.platform === 'linux' ? null : 'memory of a process is read from /proc';

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
  frames: (random, server) => MALFORMED.frames(random, doorOf(server)),
  messages: (random, server) => MALFORMED.messages(random, doorOf(server)),
  async requests(random, server, run) {
    const [method, path, body] = oneOf(random, REQUESTS);
    const value = random() < 0.05 ? bytesOf(random, 40).toString('latin1') : JSON.stringify(mutated(random, body) ?? null);
    const sent = value.replaceAll('RUN', run);
    const { status, text: said } = await asked(server, method, `/api${path.replace('RUN', run)}`, sent);
    holds(status < 500, `${method} ${path} answers ${status} to ${sent.slice(0, 300)}: ${said.slice(0, 300)}`);
  },
};

interface Traffic extends Misused {
  home: string;
  server: Server;
  run: string;
}
let traffic: Traffic | undefined;

async function beginning(home: string, server: Server): Promise<Traffic> {
  const made = await asked(server, 'POST', '/api/runs', JSON.stringify({ config: fakeConfig(TINY), start: false })).catch(() => null);
  const run = made?.status === 200 ? (JSON.parse(made.text) as { id: string }).id : 'x';
  const view = `http://127.0.0.1:${server.port}/api/view`;
  const others = (): ReturnType<typeof answers> => answers(view, { authorization: `Bearer ${server.secret}` });
  return { home, server, run, ...misused([server.child.pid!], others) };
}

const burst = (random: Random, { server, run, ...rest }: Traffic): Promise<void> =>
  thirty(random, Object.fromEntries(Object.entries(KINDS).map(([name, send]) => [name, () => send(random, server, run)])), rest);

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
  attempt: (random) => burst(random, traffic!),
  control: async (random) => {
    const home = scratch();
    try {
      await using server = await serve(home, { module: join(import.meta.dirname, 'trusting-server.ts') });
      await burst(random, await beginning(home, server));
    } finally {
      remove(home);
    }
  },
});
