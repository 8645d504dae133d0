/** Clients that do harm: floods from many connections. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fault, holds, oneOf, type Random } from './fault.ts';
import { flood, frame, residentBytes, serve, text, type Server } from './flood.ts';

const CLIENTS = 60;
/** Of resident memory: up to 34 MB more were seen with the limits that are in force. */
const MOST_BYTES = 48 << 20;
const FLOOD_MS = 4000;

const FLOODS: Record<string, Buffer> = {
  messages: text({ type: 'ping', id: 123456789 }),
  'subscriptions that fail': text({ type: 'subscribe', topic: 'run:x' }),
  'pings of the protocol': frame(9, Buffer.alloc(125)),
  'long messages': text({ type: 'subscribe', topic: `run:${'x'.repeat(100)}` }),
};

/** Whether another client gets its answer. */
const answers = ({ port, secret }: Server): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/api/view`, { headers: { authorization: `Bearer ${secret}` } }).then(
    ({ status }) => status === 200,
    () => false,
  );

/** The server's memory while sixty clients send without reading, and whether it answers others. */
async function flooded(random: Random, ...options: string[]): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), 'medr1-flood-'));
  try {
    await using server = await serve(home, ...options);
    for (let i = 0; i < 200; i++) await answers(server); // what a server has after a while anyway
    const before = residentBytes(server.child);
    const kind = oneOf(random, Object.keys(FLOODS));
    const floods = Array.from({ length: CLIENTS }, () => flood(server, FLOODS[kind]));
    let most = before;
    for (const end = Date.now() + FLOOD_MS; Date.now() < end; await wait(20)) {
      holds(await answers(server), 'another client gets no answer');
      most = Math.max(most, residentBytes(server.child));
    }
    for (const one of floods) await one[Symbol.asyncDispose]();
    holds(most - before < MOST_BYTES, `${kind}: from ${before >> 20} to ${most >> 20} MB`);
    return kind;
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

fault('W5', {
  lacks: process.platform === 'linux' ? null : 'memory of a process is read from /proc',
  attempt: (random) => flooded(random),
  control: (random) => flooded(random, 'unlimited'),
});
