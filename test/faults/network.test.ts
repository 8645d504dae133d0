/** Clients behind a network that delays, splits and breaks: at the backend's socket, and at Jupyter's relay. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll } from 'vitest';
import WebSocket from 'ws';
import { createClient, type Client, type ClientOptions } from '../../kernel-bridge/src/client/index.ts';
import type { SocketLike } from '../../kernel-bridge/src/client/socket.ts';
import { PROTOCOL_VERSION } from '../../kernel-bridge/src/protocol/rest.ts';
import { completeConfig } from '../../kernel-bridge/src/runs/config.ts';
import { newRunId, runDirectory } from '../../kernel-bridge/src/runs/home.ts';
import { RunStore } from '../../kernel-bridge/src/runs/store.ts';
import { connectTo } from '../../kernel-bridge/src/server/connect.ts';
import { freePort } from '../../kernel-bridge/setup/jupyter.mjs';
import { openLab, type Lab } from '../e2e/lab.ts';
import { fakeStep } from '../server/fake-trainer.ts';
import { testServer, until, type TestServer } from '../server/harness.ts';
import { below, fault, holds, type Random } from './fault.ts';
import { answers, flooded, SENDERS, serve, type Door as Opening, type Server } from './flood.ts';
import { MALFORMED, misused, thirty, type Misused } from './malformed.ts';
import { messageProxy, proxy, type Proxy } from './proxy.ts';

const MEMORY = process.platform === 'linux' ? null : 'memory of a process is read from /proc';
const WEATHER = { late_ms: 30, breaks_after: 8_000 };
const STEPS = 60;
/** Machines are shared: slow is not wrong. */
const PATIENCE_MS = 300_000;
/** A broken connection is tried again at once: what is tried here is not patience. */
const TIMING: ClientOptions['timing'] = { retry_ms: 10, retryMost_ms: 100, silence_ms: 4000 };
/** Websockets are never given up for polling. */
const REACH: ClientOptions['reach'] = { lasts_ms: 0, poll_ms: 1000, again_ms: 60_000, againMost_ms: 60_000 };

interface Followed {
  home: string;
  client: Client;
  network: { disturbed: number };
}

/** A way to a home's backend, through the proxy. */
interface Door extends AsyncDisposable, Followed {
  network: Proxy;
  /** A websocket as it is, without the client's care. */
  bare: () => WebSocket;
}

/** A run that grows while it is followed: its own process's commits reach the server by its files. */
async function grow(home: string, random: Random): Promise<{ id: string; seq: Promise<number> }> {
  const id = newRunId();
  const directory = runDirectory(home, id);
  mkdirSync(directory, { recursive: true });
  const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd' });
  const store = RunStore.create(directory, { id, name: id, parent: null, config, root: '', data_hash: '' });
  const write = async (): Promise<number> => {
    for (let step = 1; step <= STEPS; step++) {
      store.commitStep(fakeStep(step, undefined, 2, 1));
      if (random() < 0.3) await wait(below(random, 30));
    }
    const { seq } = store;
    store[Symbol.dispose]();
    return seq;
  };
  return { id, seq: write() };
}

function oneMore(directory: string): number {
  using store = RunStore.open(directory);
  store.commitStep(fakeStep(STEPS + 1, undefined, 2, 1));
  return store.seq;
}

const dense = (got: readonly number[], last: number): void => {
  const wrong = got.findIndex((seq, i) => seq !== i + 1);
  holds(wrong === -1, `after ${got.slice(0, wrong).length} events comes event ${got[wrong]}`);
  holds(got.length === last, `${got.length} events of ${last}`);
};

async function followed({ home, client, network }: Followed, random: Random): Promise<string> {
  const { id, seq } = await grow(home, random);
  const before = network.disturbed;
  const got: number[] = [];
  const stop = client.subscribe(`run:${id}`, { since: 0 }, (_, position) => void got.push(position.seq));
  const last = await seq;
  await until(() => got.length >= last || `${got.length} of ${last} events`, PATIENCE_MS);
  // One more step: an event that was told twice before it has come by then.
  const end = oneMore(runDirectory(home, id));
  await until(() => got.at(-1)! >= end || `the last event is ${got.at(-1)}, not ${end}`);
  stop();
  dense(got, end);
  return network.disturbed === before ? 'undisturbed' : 'disturbed';
}

/** Begins anew after each break and keeps all that it is told. */
async function trusted({ home, bare }: Pick<Door, 'home' | 'bare'>, random: Random): Promise<void> {
  const { id, seq } = await grow(home, random);
  const got: number[] = [];
  let going = true;
  const open = (): void => {
    const socket = bare();
    socket.on('error', () => {});
    socket.on('open', () => {
      socket.send(JSON.stringify({ type: 'hello', protocol: PROTOCOL_VERSION }));
      socket.send(JSON.stringify({ type: 'subscribe', topic: `run:${id}`, since: 0 }));
    });
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as { type: string; seq: number };
      if (message.type === 'event') got.push(message.seq);
    });
    socket.on('close', () => going && open());
  };
  open();
  await seq;
  const end = oneMore(runDirectory(home, id));
  // A connection that always breaks before the last event tells the first ones again and again.
  await until(() => got.includes(end) || got.length > end || 'neither the last event is there nor one too many', PATIENCE_MS);
  going = false;
  dense(got, end);
}

async function socketDoor(random: Random): Promise<Door> {
  const home = mkdtempSync(join(tmpdir(), 'medr1-network-'));
  const [own, theirs] = [join(home, 'own.sock'), join(home, 'theirs.sock')];
  const server: TestServer = await testServer({ home, socket: own });
  const network = await proxy({ path: theirs }, { path: own }, random, WEATHER);
  const client = connectTo({ socket: theirs }, server.server.secret, { timing: TIMING, reach: REACH });
  const headers = { authorization: `Bearer ${server.server.secret}`, host: 'localhost' };
  return {
    home,
    network,
    client,
    bare: () => new WebSocket(`ws+unix:${theirs}:/api/ws`, { headers }),
    async [Symbol.asyncDispose]() {
      client.close();
      await network[Symbol.asyncDispose]();
      await server.close();
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

let lab: Promise<Lab> | undefined;
/** One JupyterLab for all that is tried through it. */
const theLab = (): Promise<Lab> => (lab ??= openLab('/'));
afterAll(async () => (await lab)?.[Symbol.asyncDispose]());

async function relayDoor(random: Random): Promise<Door> {
  const lab = await theLab();
  const port = await freePort(24000 + (process.pid % 1000));
  const network = await proxy({ port }, { port: Number(new URL(lab.base).port), host: '127.0.0.1' }, random, WEATHER);
  const base = `http://127.0.0.1:${port}/medr1/api/`;
  const headers = { Authorization: `token ${tokenOf(lab)}` };
  const url = `${base.replace('http', 'ws')}ws`;
  class Signed extends WebSocket {
    constructor() {
      super(url, { headers });
      this.on('error', () => {});
    }
  }
  await backendOf(lab);
  const client = createClient({
    baseUrl: base,
    headers,
    timing: TIMING,
    reach: REACH,
    WebSocket: Signed as unknown as new (url: string) => SocketLike,
  });
  return {
    home: dirname(lab.command),
    network,
    client,
    bare: () => new Signed(),
    async [Symbol.asyncDispose]() {
      client.close();
      await network[Symbol.asyncDispose]();
    },
  };
}

const tokenOf = ({ url }: Lab): string => new URL(url).searchParams.get('token')!;

/** The pid of the backend, once it answers. */
async function backendOf(lab: Lab): Promise<number> {
  await until(async () => ((await lab.api('api/server')).status === 200 ? true : 'the backend is not there'), 120_000);
  return ((await lab.api('api/server')).json as { pid: number }).pid;
}

const ofDoor = (open: (random: Random) => Promise<Door>): Parameters<typeof fault>[1] => {
  let door: Promise<Door> | undefined;
  return {
    tearDown: async () => (await door)?.[Symbol.asyncDispose](),
    attempt: async (random) => followed(await (door ??= open(random)), random),
    control: async (random) => trusted(await (door ??= open(random)), random),
    controls: 3,
  };
};

fault('W3', ofDoor(socketDoor));
fault('W6', ofDoor(relayDoor));

/** A run is followed through Jupyter by way of something that loses, doubles, delays and reorders events. */
async function disordered(random: Random, { trusting = false } = {}): Promise<string> {
  const lab = await theLab();
  await backendOf(lab);
  const headers = { Authorization: `token ${tokenOf(lab)}` };
  const url = `${lab.base.replace('http', 'ws')}medr1/api/ws`;
  await using network = await messageProxy(() => new WebSocket(url, { headers }), random);
  const bare = (): WebSocket => new WebSocket(`ws://127.0.0.1:${network.port}`).on('error', () => {});
  const home = dirname(lab.command);
  if (trusting) {
    await trusted({ home, bare }, random);
    return '';
  }
  class Through extends WebSocket {
    constructor() {
      super(`ws://127.0.0.1:${network.port}`);
      this.on('error', () => {});
    }
  }
  const client = createClient({
    baseUrl: `${lab.base}medr1/api/`,
    headers,
    timing: TIMING,
    reach: REACH,
    WebSocket: Through as unknown as new (url: string) => SocketLike,
  });
  try {
    return await followed({ home, client, network }, random);
  } finally {
    client.close();
  }
}

fault('W8', {
  attempt: (random) => disordered(random),
  controls: 3,
  control: (random) => disordered(random, { trusting: true }),
});

/** A relay that passes on whatever comes and waits for nobody, before a backend. */
async function hastyRelay(
  option: string | { module: string },
  use: (server: Server, relay: { pid: number; door: Opening }) => Promise<unknown>,
): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'medr1-hasty-'));
  try {
    await using server = await serve(home, option);
    const child = fork(join(import.meta.dirname, 'hasty-relay.ts'), [String(server.port), server.secret], { stdio: 'inherit' });
    try {
      const [port] = (await once(child, 'message')) as [number];
      await use(server, { pid: child.pid!, door: { port, path: '/', authorization: '' } });
    } finally {
      child.kill('SIGKILL');
    }
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

const FLOODING = { kinds: SENDERS, clients: 20, lasts_ms: 4000, most_bytes: 64 << 20 };

/** How websockets are opened at Jupyter's relay, the processes behind it, and whether others are answered. */
async function throughJupyter(): Promise<{ door: Opening; pids: number[]; others: Misused['others'] }> {
  const lab = await theLab();
  const pids = [lab.pid, await backendOf(lab)];
  const door = { port: Number(new URL(lab.base).port), path: '/medr1/api/ws', authorization: `token ${tokenOf(lab)}` };
  return { door, pids, others: () => answers(`${lab.base}medr1/api/view`, { authorization: door.authorization }) };
}

const viewOf =
  ({ port, secret }: Server) =>
  () =>
    answers(`http://127.0.0.1:${port}/api/view`, { authorization: `Bearer ${secret}` });

fault('W7', {
  lacks: MEMORY,
  attempt: async (random) => {
    const { others, ...jupyter } = await throughJupyter();
    return flooded(random, { ...FLOODING, ...jupyter, answers: others });
  },
  control: (random) =>
    hastyRelay('unlimited', (server, { pid, door }) =>
      // 60 s: as long as it takes
      flooded(random, { ...FLOODING, lasts_ms: 60_000, door, pids: [pid, server.child.pid!], answers: viewOf(server) }),
    ),
});

const malformed = (random: Random, door: Opening, who: Misused): Promise<void> =>
  thirty(random, { frames: () => MALFORMED.frames(random, door), messages: () => MALFORMED.messages(random, door) }, who);

let jupyter: { door: Opening; who: Misused } | undefined;
fault('W10', {
  lacks: MEMORY,
  setUp: async () => {
    const { door, pids, others } = await throughJupyter();
    jupyter = { door, who: misused(pids, others) };
  },
  attempt: (random) => malformed(random, jupyter!.door, jupyter!.who),
  control: (random) =>
    hastyRelay({ module: join(import.meta.dirname, 'trusting-server.ts') }, (server, { pid, door }) =>
      malformed(random, door, misused([pid, server.child.pid!], viewOf(server))),
    ),
});
