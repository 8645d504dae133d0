/** A network of the worst kind between a client and a server: bytes come late and in pieces, and connections break in the middle of them. */
import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type NetConnectOpts, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { below, oneOf, type Random } from './fault.ts';

export interface Weather {
  /** Longest that a piece is held back, in milliseconds. */
  late_ms: number;
  /** Most bytes that a connection carries before it breaks, in both directions together; half of them may be fewer. */
  breaks_after: number;
}

export interface Proxy extends AsyncDisposable {
  /** Connections that broke so far. */
  disturbed: number;
}

/** Listens on `at` and carries what comes to `to`. */
export async function proxy(at: { path: string } | { port: number }, to: NetConnectOpts, random: Random, weather: Weather): Promise<Proxy> {
  const open = new Set<Socket>();
  const made: Proxy = {
    disturbed: 0,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
  const server = createServer((client) => {
    const far = connect(to);
    let left = below(random, weather.breaks_after);
    const cut = (): void => {
      client.destroy();
      far.destroy();
    };
    for (const [from, into] of [
      [client, far],
      [far, client],
    ]) {
      open.add(from);
      from.on('error', cut).on('close', () => (open.delete(from), cut()));
      let last: Promise<void> = Promise.resolve();
      from.on('data', (bytes: Buffer) => {
        last = last.then(async () => {
          for (let rest = bytes; rest.length > 0 && !into.destroyed;) {
            const piece = rest.subarray(0, 1 + below(random, 2000));
            rest = rest.subarray(piece.length);
            if (random() < 0.3) await wait(below(random, weather.late_ms));
            into.write(piece.subarray(0, left)); // the last one is half a message
            left -= piece.length;
            if (left > 0) continue;
            made.disturbed++;
            return cut();
          }
        });
      });
    }
  });
  await new Promise<void>((listening, failed) => server.once('error', failed).listen({ ...at, host: '127.0.0.1' }, listening));
  return made;
}

/** What becomes of an event that another one follows. */
const FATES = ['lost', 'doubled', 'late', 'swapped', 'kept', 'kept', 'kept', 'kept'] as const;

export interface MessageProxy extends AsyncDisposable {
  port: number;
  /** Events that came in another way than they were sent. */
  disturbed: number;
}

/** A websocket between `open` and whoever connects, which loses, doubles, delays and reorders events. The last of a burst comes as it is. */
export async function messageProxy(open: () => WebSocket, random: Random): Promise<MessageProxy> {
  const sockets = new Set<WebSocket>();
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const made: MessageProxy = {
    port: (server.address() as AddressInfo).port,
    disturbed: 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.terminate();
      await new Promise((closed) => server.close(closed));
    },
  };
  server.on('connection', (client) => {
    const far = open();
    const pass = (text: string): void => void (client.readyState === WebSocket.OPEN && client.send(text));
    let held: string | null = null;
    let flush: NodeJS.Timeout | undefined;
    const release = (): void => {
      if (held !== null) pass(held);
      held = null;
    };
    const followed = (text: string): void => {
      const fate = oneOf(random, FATES);
      if (fate !== 'kept') made.disturbed++;
      if (fate === 'late') setTimeout(pass, below(random, 60), text);
      else if (fate === 'swapped') setImmediate(pass, text);
      else if (fate !== 'lost') pass(text);
      if (fate === 'doubled') pass(text);
    };
    far.on('message', (data) => {
      const text = String(data);
      clearTimeout(flush);
      if ((JSON.parse(text) as { type: string }).type !== 'event') {
        release();
        return pass(text);
      }
      if (held !== null) followed(held);
      held = text;
      flush = setTimeout(release, 30);
    });
    const early: string[] = [];
    client.on('message', (data) => (far.readyState === WebSocket.OPEN ? far.send(String(data)) : early.push(String(data))));
    far.on('open', () => early.forEach((text) => far.send(text)));
    for (const [one, other] of [
      [client, far],
      [far, client],
    ]) {
      sockets.add(one);
      one.on('error', () => one.terminate()).on('close', () => (sockets.delete(one), other.terminate()));
    }
  });
  return made;
}
