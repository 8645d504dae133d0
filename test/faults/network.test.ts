/** Clients behind a network that delays, splits and breaks: at the backend's socket, and at Jupyter's relay. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
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
import { proxy, type Proxy } from './proxy.ts';

const WEATHER = { late_ms: 30, breaks_after: 8_000 };
const STEPS = 60;
/** A broken connection is tried again at once: what is tried here is not patience. */
const TIMING: ClientOptions['timing'] = { retry_ms: 10, retryMost_ms: 100, silence_ms: 4000 };
/** Websockets are never given up for polling. */
const REACH: ClientOptions['reach'] = { lasts_ms: 0, poll_ms: 1000, again_ms: 60_000, againMost_ms: 60_000 };

/** A way to a home's backend, through the proxy. */
interface Door extends AsyncDisposable {
  home: string;
  network: Proxy;
  client: Client;
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

async function followed({ home, client, network }: Door, random: Random): Promise<string> {
  const { id, seq } = await grow(home, random);
  const before = network.broken;
  const got: number[] = [];
  const stop = client.subscribe(`run:${id}`, { since: 0 }, (_, position) => void got.push(position.seq));
  const last = await seq;
  await until(() => got.length >= last || `${got.length} of ${last} events`);
  // One more step: an event that was told twice before it has come by then.
  const end = oneMore(runDirectory(home, id));
  await until(() => got.at(-1)! >= end || `the last event is ${got.at(-1)}, not ${end}`);
  stop();
  dense(got, end);
  return network.broken === before ? 'no break' : 'broken off';
}

/** Begins anew after each break and keeps all that it is told. */
async function trusted({ home, bare }: Door, random: Random): Promise<void> {
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
  const last = await seq;
  await until(() => got.length >= last || 'too few'); // it may never get to the end
  going = false;
  dense(got, last);
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

async function relayDoor(random: Random): Promise<Door> {
  const lab: Lab = await openLab('/');
  const token = new URL(lab.url).searchParams.get('token')!;
  const port = await freePort(24000 + (process.pid % 1000));
  const network = await proxy({ port }, { port: Number(new URL(lab.base).port), host: '127.0.0.1' }, random, WEATHER);
  const base = `http://127.0.0.1:${port}/medr1/api/`;
  const headers = { Authorization: `token ${token}` };
  const url = `${base.replace('http', 'ws')}ws`;
  class Signed extends WebSocket {
    constructor() {
      super(url, { headers });
      this.on('error', () => {});
    }
  }
  await until(async () => ((await lab.api('api/server')).status === 200 ? true : 'the backend is not there'), 120_000);
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
      await lab[Symbol.asyncDispose]();
    },
  };
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
