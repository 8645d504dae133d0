import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { byProxy, proxySettings } from './proxy.ts';

/** A proxy that takes whatever it is asked for to one server, and writes down what it was asked. */
let origin: Server;
let proxy: Server;
let port: number;
let asked: string[] = [];

const listen = (server: Server) =>
  new Promise<number>((ready) => server.listen(0, '127.0.0.1', () => ready((server.address() as AddressInfo).port)));

beforeAll(async () => {
  origin = createServer((_, answer) => answer.end('from the origin'));
  const originPort = await listen(origin);
  proxy = createServer((incoming: IncomingMessage, answer) => {
    asked.push(`${incoming.method} ${incoming.url} ${incoming.headers['proxy-authorization'] ?? ''}`.trim());
    incoming.pipe(request({ port: originPort, method: incoming.method }, (got) => got.pipe(answer)));
  });
  proxy.on('connect', (incoming, socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    const upstream = connect(originPort, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
  });
  port = await listen(proxy);
});
afterAll(() => {
  origin.close();
  proxy.close();
});
beforeEach(() => {
  asked = [];
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY']) {
    vi.stubEnv(name, undefined);
    vi.stubEnv(name.toLowerCase(), undefined);
  }
});
afterAll(() => void vi.unstubAllEnvs());

const text = async (url: string): Promise<string> => (await fetch(url)).text();
const by = (env: Record<string, string>) => byProxy(() => text('http://hub.invalid/api'), env);

describe('a download', () => {
  it.each(['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'])('goes by the proxy that %s names', async (name) => {
    expect(await by({ [name]: `http://127.0.0.1:${port}` })).toBe('from the origin');
    expect(asked.join()).toContain('hub.invalid');
  });

  it('takes a proxy without a scheme, and one that wants a name and a password', async () => {
    expect(await by({ http_proxy: `127.0.0.1:${port}` })).toBe('from the origin');
    expect(await by({ http_proxy: `http://user:word@127.0.0.1:${port}` })).toBe('from the origin');
    expect(asked).toHaveLength(2);
  });

  it('asks the proxy for a tunnel where the address is https', async () => {
    const secure = byProxy(() => text('https://hub.invalid/api'), { HTTPS_PROXY: `http://127.0.0.1:${port}` });
    await expect(secure).rejects.toThrow(); // the origin here speaks no TLS
    expect(asked).toContain('CONNECT hub.invalid:443');
  });

  it('does without it where NO_PROXY or the machine itself is meant, and afterwards', async () => {
    const env = { HTTP_PROXY: `http://127.0.0.1:${port}`, no_proxy: '.invalid' };
    await expect(byProxy(() => text('http://hub.invalid/api'), env)).rejects.toThrow();
    const local = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`;
    expect(await byProxy(() => text(local), { HTTP_PROXY: 'http://127.0.0.1:1' })).toBe('from the origin');
    await expect(text('http://hub.invalid/api')).rejects.toThrow();
    expect(asked).toEqual([]);
  });

  it('goes by it to its end, also when another one that began earlier has ended', async () => {
    const env = { HTTP_PROXY: `http://127.0.0.1:${port}` };
    const end = Promise.withResolvers<void>();
    const first = byProxy(() => end.promise, env);
    const second = byProxy(async () => {
      end.resolve();
      await first;
      return text('http://hub.invalid/api');
    }, env);
    expect(await second).toBe('from the origin');
  });

  it('names a proxy that is no HTTP proxy, without its password', () => {
    const name = () => proxySettings({ HTTPS_PROXY: 'socks5://me:secret@host:1080' });
    expect(name).toThrow('HTTPS_PROXY (or ALL_PROXY) is socks5://***@host:1080');
    expect(name).not.toThrow('secret');
    expect(proxySettings({})).toBeNull();
    expect(proxySettings({ HTTP_PROXY: '' })).toBeNull();
  });
});
