/** Clients that do harm from many connections: that send without end, or ask and do not read. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRun } from '../../kernel-bridge/src/runs/runs.ts';
import { makeHome } from '../server/harness.ts';
import { fault, type Random } from './fault.ts';
import { answers, doorOf, flooded, SENDERS, serve, type Flooding } from './flood.ts';
import { lengthen, long, makeLong, readers, type Long } from './readers.ts';
import { makeRun } from './writer.ts';

const lacks = process.platform === 'linux' ? null : 'memory of a process is read from /proc';

/** Of resident memory, for sixty connections of one client. */
const MOST_BYTES = 32 << 20;
/** As long as it takes. */
const LONG_MS = 60_000;

/** The server's memory while sixty clients do their harm, and whether it answers others. */
async function tried(
  random: Random,
  home: string,
  of: Pick<Flooding, 'kinds' | 'lasts_ms'> & { known?: string[] },
  ...options: string[]
): Promise<string> {
  await using server = await serve(home, ...options);
  const door = doorOf(server);
  const view = () => answers(`http://127.0.0.1:${server.port}/api/view`, { authorization: door.authorization });
  for (let k = 0; k < 10; k++)
    for (const path of of.known ?? []) await answers(`http://127.0.0.1:${server.port}/api${path}`, { authorization: door.authorization });
  return await flooded(random, { most_bytes: MOST_BYTES, ...of, door, pids: [server.child.pid!], answers: view, clients: 60 });
}

async function sent(random: Random, lasts_ms: number, ...options: string[]): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), 'medr1-flood-'));
  try {
    return await tried(random, home, { kinds: SENDERS, lasts_ms }, ...options);
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

fault('W5', {
  lacks,
  attempt: (random) => sent(random, 4000),
  control: (random) => sent(random, LONG_MS, 'unlimited'),
});

let made: ReturnType<typeof makeHome> | undefined;
let run: string;

/** The log that they ask for becomes longer meanwhile. */
async function asked(random: Random, kinds: Flooding['kinds'], lasts_ms: number, ...options: string[]): Promise<string> {
  using store = openRun(made!.home, run);
  const growing = setInterval(() => lengthen(store, 2), 100);
  try {
    return await tried(random, made!.home, { kinds, lasts_ms }, ...options);
  } finally {
    clearInterval(growing);
  }
}

/** Of one answer to each connection, all that there is without limits, the server holds less than the log that it would send to followers. */
const followers = (): Flooding['kinds'] => {
  const name = 'followers that read nothing';
  return { [name]: readers(run)[name] };
};

fault('W4', {
  lacks,
  setUp: async () => {
    made = makeHome();
    run = await makeRun(made.home, made.model);
    using store = openRun(made.home, run);
    lengthen(store, 100);
  },
  tearDown: async () => made?.remove(),
  attempt: (random) => asked(random, readers(run), 4000),
  control: (random) => asked(random, followers(), LONG_MS, 'unlimited'),
});

let filled: ReturnType<typeof makeHome> | undefined;
let lengthy: Long;

/** What a page asks of such a run, the server has answered before. */
const longAsked = (random: Random, kinds: Flooding['kinds'], lasts_ms: number, ...options: string[]): Promise<string> =>
  tried(
    random,
    filled!.home,
    { kinds, lasts_ms, known: ['groups?step=1', 'metrics'].map((path) => `/runs/${lengthy.run}/${path}`) },
    ...options,
  );

/** Without limits each answer is made whole. */
const untaken = (): Flooding['kinds'] => {
  const name = 'groups that nobody takes';
  return { [name]: long(lengthy)[name] };
};

fault('W9', {
  lacks,
  setUp: async () => {
    filled = makeHome();
    lengthy = await makeLong(filled);
  },
  tearDown: async () => filled?.remove(),
  attempt: (random) => longAsked(random, long(lengthy), 4000),
  control: (random) => longAsked(random, untaken(), LONG_MS, 'unlimited'),
});
