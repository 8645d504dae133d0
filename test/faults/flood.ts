/** Clients that do harm, as those that send as fast as they can and read nothing, against a server in a process of its own. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { PROTOCOL_VERSION } from '../../kernel-bridge/src/protocol/rest.ts';
import { until } from '../server/harness.ts';
import { holds, oneOf, type Random } from './fault.ts';

const MODULE = resolve(import.meta.dirname, '../server/fake-serve.ts');

/** As JupyterLab's extension starts a backend (app.py). */
const FLAGS = ['--max-semi-space-size=2'];

export interface Server extends AsyncDisposable {
  port: number;
  secret: string;
  child: ChildProcess;
}

/** `options`: those of fake-serve.ts, or another module in its place. */
export async function serve(home: string, ...options: (string | { module: string })[]): Promise<Server> {
  const { module } = options.find((one) => typeof one !== 'string') ?? { module: MODULE };
  const words = options.filter((one) => typeof one === 'string');
  const file = join(home, 'server.json');
  rmSync(file, { force: true }); // of one that was killed
  const env = { ...process.env, MEDR1_CHECK_ANSWERS: '' }; // which would make each answer whole
  const child = fork(module, [home, ...words], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'], execArgv: [...FLAGS], env });
  const exited = once(child, 'exit');
  const { port, secret } = await until(() => {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as { port: number; secret: string };
    } catch {
      return 'the server is not there';
    }
  });
  return {
    port,
    secret,
    child,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** What the kernel says of a process's memory, in bytes. */
export const residentBytes = (pid: number): number => 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);

/** Where websockets are opened, and what lets them in. */
export interface Door {
  port: number;
  path: string;
  authorization: string;
}

export const doorOf = ({ port, secret }: Server): Door => ({ port, path: '/api/ws', authorization: `Bearer ${secret}` });

/** A frame of a client; a mask of zeros leaves the bytes as they are. */
export function frame(opcode: number, payload: Buffer): Buffer {
  const long = payload.length >= 126;
  const head = Buffer.from(
    long ? [0x80 | opcode, 0x80 | 126, payload.length >> 8, payload.length & 255] : [0x80 | opcode, 0x80 | payload.length],
  );
  return Buffer.concat([head, Buffer.alloc(4), payload]);
}
export const text = (message: unknown): Buffer => frame(1, Buffer.from(JSON.stringify(message)));

/** A connection that has become a websocket. */
export async function opened({ port, path, authorization }: Door): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: ${authorization}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  await once(socket, 'data');
  return socket;
}

/** A websocket that was opened and greeted, and is not read from then on. */
export async function deaf(door: Door): Promise<Socket> {
  const socket = await opened(door);
  socket.pause();
  socket.write(text({ type: 'hello', protocol: PROTOCOL_VERSION }));
  return socket;
}

/** Resolves when more can be written, or never will. */
const free = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });

/** A client that does harm until it is disposed of. */
export type Flood = (door: Door) => AsyncDisposable;

/** Does it over a connection, and over a new one when that is done or closed. */
export const endless =
  (begin: (door: Door) => Promise<{ socket: Socket; done: Promise<unknown> }>): Flood =>
  (door) => {
    let going = true;
    let current: Socket | undefined;
    const over = (async () => {
      while (going) {
        try {
          const { socket, done } = await begin(door);
          current = socket;
          if (going) await done;
          socket.destroy();
        } catch {
          await wait(20);
        }
      }
    })();
    return {
      async [Symbol.asyncDispose]() {
        going = false;
        current?.destroy();
        await over;
      },
    };
  };

/** Sends a message without end, in blocks, and reads nothing. */
const sender = (message: Buffer): Flood => {
  const block = Buffer.concat(Array.from({ length: Math.ceil(65536 / message.length) }, () => message));
  return endless(async (door) => {
    const socket = await deaf(door);
    const send = async (): Promise<void> => {
      while (!socket.destroyed) if (!socket.write(block)) await free(socket);
    };
    return { socket, done: send() };
  });
};

export const SENDERS: Record<string, Flood> = {
  messages: sender(text({ type: 'ping', id: 123456789 })),
  'subscriptions that fail': sender(text({ type: 'subscribe', topic: 'run:x' })),
  'pings of the protocol': sender(frame(9, Buffer.alloc(125))),
  'long messages': sender(text({ type: 'subscribe', topic: `run:${'x'.repeat(100)}` })),
};

/** What a client gets in place of an answer. */
type Unanswered = string;

/**
 * Whether a client gets its answer (null), over a connection of its own: one that is kept for the next request may be closed by the server, which is no
 * fault, while that request is on its way.
 */
export const answers = (url: string, headers: Record<string, string>): Promise<Unanswered | null> =>
  new Promise((resolve) => {
    const failed = (error: Error): void => resolve(String(error));
    const asked = get(url, { headers, agent: false }, (answer) => {
      answer.resume().on('error', failed);
      answer.on('end', () => resolve(answer.statusCode === 200 ? null : `status ${answer.statusCode}`));
    });
    asked.on('error', failed);
  });

/** Machines are shared: slow is not wrong. */
const PATIENCE_MS = 60_000;

export interface Flooding {
  door: Door;
  /** Those whose memory counts. */
  pids: number[];
  /** What the clients do, one of these. */
  kinds: Record<string, Flood>;
  clients: number;
  lasts_ms: number;
  most_bytes: number;
  /** Whether another client gets its answer. */
  answers: () => Promise<Unanswered | null>;
}

interface Asked {
  since: number;
  answer?: Unanswered | null;
}

function ask(answers: Flooding['answers']): Asked {
  const asked: Asked = { since: performance.now() };
  void answers().then((answer) => (asked.answer = answer));
  return asked;
}

/** So many clients do their harm. Throws Broken where that takes too much memory, or another client gets no answer. */
export async function flooded(random: Random, { door, pids, kinds, clients, lasts_ms, most_bytes, answers }: Flooding): Promise<string> {
  const resident = (): number => pids.reduce((sum, pid) => sum + residentBytes(pid), 0);
  for (let i = 0; i < 200; i++) await answers(); // what a server has after a while anyway
  const before = resident();
  const kind = oneOf(random, Object.keys(kinds));
  const floods = Array.from({ length: clients }, () => kinds[kind](door));
  try {
    const end = performance.now() + lasts_ms;
    let asked: Asked | null = null;
    while (performance.now() < end || asked !== null) {
      const now = resident(); // also while a server that is swamped answers nobody
      holds(now - before < most_bytes, `${kind}: from ${before >> 20} to ${now >> 20} MB`);
      asked ??= ask(answers);
      holds(typeof asked.answer !== 'string', `${kind}: another client gets ${asked.answer}`);
      holds(performance.now() < asked.since + PATIENCE_MS, `${kind}: another client has had no answer for ${PATIENCE_MS} ms`);
      if (asked.answer === null) asked = null;
      await wait(20);
    }
  } finally {
    for (const one of floods) await one[Symbol.asyncDispose]();
  }
  return kind;
}
