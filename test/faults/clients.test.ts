/** Clients that do harm: floods from many connections. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fault, type Random } from './fault.ts';
import { answers, doorOf, flooded, serve } from './flood.ts';

/** Of resident memory: up to 10 MB more were seen with the limits that are in force. */
const MOST_BYTES = 32 << 20;

/** The server's memory while sixty clients send without reading, and whether it answers others. */
async function tried(random: Random, lasts_ms: number, ...options: string[]): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), 'medr1-flood-'));
  try {
    await using server = await serve(home, ...options);
    const door = doorOf(server);
    const view = () => answers(`http://127.0.0.1:${server.port}/api/view`, { authorization: door.authorization });
    const of = { door, pids: [server.child.pid!], answers: view };
    return await flooded(random, { ...of, clients: 60, lasts_ms, most_bytes: MOST_BYTES });
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

fault('W5', {
  lacks: process.platform === 'linux' ? null : 'memory of a process is read from /proc',
  attempt: (random) => tried(random, 4000),
  control: (random) => tried(random, 60_000, 'unlimited'), // as long as it takes
});
