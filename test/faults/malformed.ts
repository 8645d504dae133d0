/** What comes over a websocket and is not what it should be. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { PROTOCOL_VERSION } from '../../kernel-bridge/src/protocol/rest.ts';
import { isAlive } from '../server/harness.ts';
import { below, Broken, holds, oneOf, type Random } from './fault.ts';
import { frame, opened, residentBytes, text, type answers, type Door } from './flood.ts';

export const bytesOf = (random: Random, most: number): Buffer =>
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
export function mutated(random: Random, value: unknown): unknown {
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

/** Sends bytes and waits until the other end has closed the connection, as it does at their end. */
export async function thrown(socket: Socket, bytes: Buffer): Promise<void> {
  if (socket.destroyed) return;
  const closed = once(socket, 'close');
  socket.on('error', () => {}).resume();
  socket.end(bytes);
  await Promise.race([closed, wait(5000, null, { ref: false })]);
  socket.destroy();
}

/** By a connection of their own each, which ends with them. */
export const MALFORMED = {
  async frames(random: Random, door: Door): Promise<void> {
    const noise = bytesOf(random, 300);
    noise[0] = below(random, 256);
    await thrown(await opened(door), random() < 0.5 ? noise : frame(below(random, 16), noise));
  },
  async messages(random: Random, door: Door): Promise<void> {
    const socket = await opened(door);
    const sent = Array.from({ length: 5 }, () => text(random() < 0.3 ? oneOf(random, MESSAGES) : mutated(random, oneOf(random, MESSAGES))));
    await thrown(socket, Buffer.concat([text(MESSAGES[0]), ...sent]));
  },
};

const MOST_BYTES = 50 << 20;

/** Processes that get it. */
export interface Misused {
  pids: readonly number[];
  /** Of each, in bytes. */
  before: readonly number[];
  /** Whether another client gets its answer. */
  others: () => ReturnType<typeof answers>;
}

export const misused = (pids: readonly number[], others: Misused['others']): Misused => ({ pids, before: pids.map(residentBytes), others });

/** Thirty of these at once, after which the processes live, are not larger, and answer others. */
export async function thirty(random: Random, kinds: Record<string, () => Promise<void>>, { pids, before, others }: Misused): Promise<void> {
  const drawn = Array.from({ length: 30 }, () => oneOf(random, Object.keys(kinds)));
  await Promise.all(
    drawn.map((kind) =>
      kinds[kind]().catch((error: unknown) => {
        throw error instanceof Broken ? error : new Broken(`${kind}: ${String(error)}`);
      }),
    ),
  );
  for (const pid of pids) holds(isAlive(pid), `process ${pid} has ended after ${[...new Set(drawn)].join(', ')}`);
  const unanswered = await others();
  holds(unanswered === null, `another client gets ${unanswered}`);
  for (const [at, pid] of pids.entries()) {
    const now = residentBytes(pid);
    holds(now - before[at] < MOST_BYTES, `process ${pid} grew from ${before[at] >> 20} to ${now >> 20} MB`);
  }
}
