/** A network of the worst kind between a client and a server: bytes come late and in pieces, and connections break in the middle of them. */
import { createServer, connect, type NetConnectOpts, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { below, type Random } from './fault.ts';

export interface Weather {
  /** Longest that a piece is held back, in milliseconds. */
  late_ms: number;
  /** Most bytes that a connection carries before it breaks, in both directions together; half of them may be fewer. */
  breaks_after: number;
}

export interface Proxy extends AsyncDisposable {
  /** Connections that broke so far. */
  broken: number;
}

/** Listens on `at` and carries what comes to `to`. */
export async function proxy(at: { path: string } | { port: number }, to: NetConnectOpts, random: Random, weather: Weather): Promise<Proxy> {
  const open = new Set<Socket>();
  const made: Proxy = {
    broken: 0,
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
            made.broken++;
            return cut();
          }
        });
      });
    }
  });
  await new Promise<void>((listening, failed) => server.once('error', failed).listen({ ...at, host: '127.0.0.1' }, listening));
  return made;
}
