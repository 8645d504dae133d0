/** Node only: finds the server of a home by its server.json, over its unix socket or port. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import WebSocket from 'ws';
import { errors } from '../runs/errors.ts';
import { serverFile, type ServerFile } from './server-file.ts';
import { createClient, type Client, type ClientOptions, type Fetch, type SocketLike } from '../client/index.ts';

export type Address = { socket: string } | { port: number };

export function connectTo(address: Address, secret: string, options: Partial<ClientOptions> = {}): Client {
  const headers = { authorization: `Bearer ${secret}` };
  const viaSocket = 'socket' in address;
  const base = viaSocket ? 'http://localhost/api/' : `http://127.0.0.1:${address.port}/api/`;
  const wsUrl = viaSocket ? `ws+unix:${address.socket}:/api/ws` : `ws://127.0.0.1:${address.port}/api/ws`;
  class AuthenticatedSocket extends WebSocket {
    constructor(url: string) {
      super(url, { headers: { ...headers, host: 'localhost' + (viaSocket ? '' : `:${address.port}`) }, perMessageDeflate: false });
      this.on('error', () => {}); // onclose follows
    }
  }
  return createClient({
    baseUrl: base,
    wsUrl,
    headers,
    fetch: fetchOver(viaSocket ? { socketPath: address.socket } : { host: '127.0.0.1', port: address.port }),
    WebSocket: AuthenticatedSocket as unknown as new (url: string) => SocketLike,
    ...options,
  });
}

/** A client of the server that works on this home; throws SERVER_ABSENT when none answers. */
export async function connectHome(home: string): Promise<Client> {
  let file: ServerFile;
  try {
    file = JSON.parse(readFileSync(serverFile(home), 'utf8')) as ServerFile;
  } catch {
    throw errors.noServer(home);
  }
  const client = connectTo(file.socket ? { socket: file.socket } : { port: file.port! }, file.secret);
  await client.server().catch(() => {
    throw errors.noServer(home); // server.json of one that was killed
  });
  return client;
}

/** An agent of our own asks no proxy, whatever the environment says (NODE_USE_ENV_PROXY): the server is this machine's. */
const direct = new Agent({ keepAlive: true });

/**
 * fetch over a unix socket or a port of this machine, for requests with a text body. A server closes a connection that nobody uses, and may do so in the
 * moment in which it is used again: what only reads is then asked once more, over a new one.
 */
function fetchOver(to: { socketPath: string } | { host: string; port: number }): Fetch {
  return (url, init = {}) =>
    new Promise((resolve, reject) => {
      const { pathname, search, host } = new URL(url);
      const headers = { ...(init.headers as Record<string, string>), host };
      const { method = 'GET', signal } = init;
      const ask = (agent: Agent | false): void => {
        const options = { ...to, path: pathname + search, method, headers, agent, signal: signal ?? undefined };
        const outgoing = request(options, (incoming) => {
          const parts: Buffer[] = [];
          incoming.on('data', (part: Buffer) => parts.push(part));
          incoming.on('error', reject);
          incoming.on('end', () => {
            const body = incoming.statusCode === 204 ? null : Buffer.concat(parts);
            resolve(new Response(body, { status: incoming.statusCode, headers: incoming.headers as Record<string, string> }));
          });
        });
        outgoing.on('error', (error: NodeJS.ErrnoException) => {
          if (outgoing.reusedSocket && method === 'GET' && error.code === 'ECONNRESET') ask(false);
          else reject(error);
        });
        outgoing.end(init.body as string | undefined);
      };
      ask(direct);
    });
}
