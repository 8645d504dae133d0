/** The protocol of ws.ts over real sockets: what a client is told, what it must not be able to do. */
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import WebSocket from 'ws';
import { PROTOCOL_VERSION } from '../../kernel-bridge/src/protocol/rest.ts';
import { CLOSE } from '../../kernel-bridge/src/protocol/ws.ts';
import { openRun } from '../../kernel-bridge/src/runs/runs.ts';
import { LIMITS } from '../../kernel-bridge/src/server/connection.ts';
import { fakeStep } from './fake-trainer.ts';
import { testServer, until, type TestServer } from './harness.ts';

/** Far above what a busy machine holds a reader up. */
const STALLED_MS = 1500;
let t: TestServer;
beforeEach(async () => {
  t = await testServer({ limits: { ...LIMITS, highWater: 64 << 10, stalled_ms: STALLED_MS, close_ms: 60_000 } });
});
afterEach(() => t.close());

/** Any server message, by its fields. */
type Message = {
  type: string;
  topic: string;
  seq: number;
  epoch: string;
  event: { summary?: { id: string; step: number }; removed?: string };
};

/** A client that does nothing by itself. */
class Raw {
  readonly socket: WebSocket;
  readonly messages: Message[] = [];
  closed: number | null = null;

  constructor(options: WebSocket.ClientOptions = {}) {
    const { port } = t.server.address as { port: number };
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/api/ws`, { headers: { authorization: `Bearer ${t.server.secret}` }, ...options });
    this.socket.on('message', (data) => this.messages.push(JSON.parse(String(data))));
    this.socket.on('close', (code) => (this.closed = code));
    this.socket.on('error', () => {});
  }

  async hello(): Promise<this> {
    await until(() => this.socket.readyState === WebSocket.OPEN || 'not open');
    this.say({ type: 'hello', protocol: PROTOCOL_VERSION });
    await this.get('welcome');
    return this;
  }

  say(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  get = (type: string): Promise<Message> => until(() => this.messages.findLast((message) => message.type === type) ?? `no ${type}`);
  closedWith = (): Promise<number> => until(() => this.closed ?? 'still open');
  seqs = (): number[] => this.messages.filter(({ type }) => type === 'event').map(({ seq }) => seq);
}

/** A queued run with this many steps in its log, written by this process. */
async function runWithSteps(count: number): Promise<{ id: string; add: (steps: number) => void }> {
  const { id } = await t.client.createRun(t.config(), { start: false });
  const add = (steps: number): void => {
    using store = openRun(t.home, id);
    for (let i = 0; i < steps; i++) store.commitStep(fakeStep(store.step + 1, undefined, 2, 1));
  };
  add(count);
  return { id, add };
}

describe('a subscription', () => {
  it('brings what was missed and then what comes, each once, in order', async () => {
    const { id, add } = await runWithSteps(200);
    const raw = await new Raw().hello();
    raw.say({ type: 'subscribe', topic: `run:${id}`, since: 10 });
    expect(await raw.get('subscribed')).toMatchObject({ seq: 10, reset: false });
    add(5);
    await until(() => raw.seqs().length >= 196 || `${raw.seqs().length} events`);
    expect(raw.seqs()).toEqual(Array.from({ length: 196 }, (_, i) => 11 + i));
  });

  it('without since starts at the head', async () => {
    const { id, add } = await runWithSteps(7);
    const raw = await new Raw().hello();
    raw.say({ type: 'subscribe', topic: `run:${id}` });
    expect(await raw.get('subscribed')).toMatchObject({ seq: 8, reset: false });
    add(1);
    await until(() => raw.seqs().length > 0 || 'nothing');
    expect(raw.seqs()).toEqual([9]);
  });

  it('with an epoch that is gone, or a seq from the future, is reset to the head', async () => {
    const { id } = await runWithSteps(3);
    const raw = await new Raw().hello();
    raw.say({ type: 'subscribe', topic: `run:${id}`, epoch: 'other', since: 2 });
    expect(await raw.get('subscribed')).toMatchObject({ seq: 4, reset: true });
    raw.messages.length = 0;
    raw.say({ type: 'subscribe', topic: `run:${id}`, since: 99 });
    expect(await raw.get('subscribed')).toMatchObject({ seq: 4, reset: true });
    expect(raw.seqs()).toEqual([]);
  });

  it('is told when steps are dropped under it', async () => {
    const { id } = await runWithSteps(5);
    const raw = await new Raw().hello();
    raw.say({ type: 'subscribe', topic: `run:${id}`, since: 0 });
    await until(() => raw.seqs().length === 6 || 'not all');
    const { epoch } = await raw.get('subscribed');
    {
      using store = openRun(t.home, id);
      store.dropAfter(2, { revisions: 'drop' });
    }
    await until(() => raw.messages.filter(({ type }) => type === 'subscribed').length === 2 || 'no reset');
    expect(await raw.get('subscribed')).toMatchObject({ reset: true, seq: 4, epoch: expect.not.stringMatching(epoch) });
  });

  it('to a run that does not exist is an error, not an end', async () => {
    const raw = await new Raw().hello();
    raw.say({ type: 'subscribe', topic: 'run:20260101-000000-aaaa' });
    expect(await raw.get('error')).toMatchObject({ code: 'RUN_UNKNOWN', topic: 'run:20260101-000000-aaaa' });
    raw.say({ type: 'subscribe', topic: 'run:../../etc' });
    raw.say({ type: 'ping', id: 7 });
    expect(await raw.get('pong')).toEqual({ type: 'pong', id: 7 });
  });

  it('ends with unsubscribe', async () => {
    const { id, add } = await runWithSteps(1);
    const raw = await new Raw().hello();
    raw.say({ type: 'subscribe', topic: `run:${id}` });
    await raw.get('subscribed');
    raw.say({ type: 'unsubscribe', topic: `run:${id}` });
    raw.say({ type: 'ping' });
    raw.say({ type: 'subscribe', topic: 'runs' });
    await until(() => raw.messages.some(({ topic, type }) => topic === 'runs' && type === 'subscribed') || 'not following');
    add(3);
    await until(() => raw.messages.some(({ event }) => event?.summary?.step === 4) || 'no summary of the fourth step');
    expect(raw.messages.filter(({ topic, type }) => topic === `run:${id}` && type === 'event')).toEqual([]);
  });

  it('to the runs topic tells of every run that changes and every one that leaves', async () => {
    const raw = await new Raw().hello();
    raw.say({ type: 'subscribe', topic: 'runs' });
    await raw.get('subscribed');
    const { id } = await t.client.createRun(t.config(), { start: false });
    await until(() => raw.messages.some((message) => message.event?.summary?.id === id) || 'no summary');
    await t.client.deleteRun(id);
    await until(() => raw.messages.some((message) => message.event?.removed === id) || 'not removed');
  });
});

describe('a client that does not keep to the protocol', () => {
  it.each([
    ['text that is no JSON', 'hello'],
    ['a message of an unknown type', { type: 'dance' }],
    ['a subscription before hello', { type: 'subscribe', topic: 'runs' }],
    ['a key too many', { type: 'hello', protocol: PROTOCOL_VERSION, admin: true }],
    ['a negative since', { type: 'subscribe', topic: 'runs', since: -1 }],
    ['a topic longer than allowed', { type: 'subscribe', topic: 'x'.repeat(200) }],
  ])('%s closes the connection as malformed', async (_, message) => {
    const raw = new Raw();
    await until(() => raw.socket.readyState === WebSocket.OPEN || 'not open');
    raw.say(message);
    expect(await raw.closedWith()).toBe(CLOSE.malformed);
  });

  it('another protocol version is refused with its own code', async () => {
    const raw = new Raw();
    await until(() => raw.socket.readyState === WebSocket.OPEN || 'not open');
    raw.say({ type: 'hello', protocol: 999 });
    expect(await raw.closedWith()).toBe(CLOSE.protocol);
  });

  it('a message over 1 MiB ends the connection with 1009', async () => {
    const raw = await new Raw().hello();
    raw.say('x'.repeat((1 << 20) + 1));
    expect(await raw.closedWith()).toBe(1009);
  });

  it('random frames and requests cut short leave the server and its other clients as they were', async () => {
    const witness = await new Raw().hello();
    const { port } = t.server.address as { port: number };
    const upgrade = `GET /api/ws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${t.server.secret}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`;
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.boolean(), async (bytes, upgraded) => {
        const socket = connect(port, '127.0.0.1');
        socket.on('error', () => {});
        await new Promise((resolve) => socket.once('connect', resolve));
        if (upgraded) socket.write(upgrade);
        socket.end(bytes);
        await new Promise((resolve) => socket.once('close', resolve).resume());
      }),
      { numRuns: 200 },
    );
    witness.say({ type: 'ping', id: 1 });
    expect(await witness.get('pong')).toEqual({ type: 'pong', id: 1 });
  });

  it('one that stops reading is closed with 1013 while others get everything', async () => {
    const { id, add } = await runWithSteps(10);
    const stalled = await new Raw().hello();
    const good = await new Raw().hello();
    stalled.say({ type: 'subscribe', topic: `run:${id}`, since: 0 });
    await until(() => stalled.seqs().length === 11 || 'not following');
    using close = vi.spyOn(WebSocket.prototype, 'close');
    stalled.socket.pause();
    good.say({ type: 'subscribe', topic: `run:${id}`, since: 0 });
    using store = openRun(t.home, id);
    const long = 'x'.repeat(100_000);
    for (let i = 0; i < 120; i++) store.alert({ code: 'LONG', message: long, remedy: '' }); // 12 MB: more than the kernel's buffers take
    add(1);
    await until(() => good.seqs().length === 132 || `${good.seqs().length} of 132, closed ${good.closed}`);
    // a socket that is not read cannot tell when the server gave it up
    await vi.waitFor(() => expect(close).toHaveBeenCalledWith(CLOSE.slowConsumer, 'slow consumer'), { timeout: 60_000 });
    stalled.socket.resume();
    expect(await stalled.closedWith()).toBe(CLOSE.slowConsumer);
    expect(stalled.seqs().length).toBeLessThan(132);
    expect(stalled.seqs()).toEqual(stalled.seqs().map((_, i) => i + 1)); // what it got has no gap: it can resume
  });
});

describe('requests piled up on one connection', () => {
  const pile = async (count: number): Promise<string> => {
    const { port } = t.server.address as { port: number };
    const socket = connect(port, '127.0.0.1');
    const request = `GET /api/view HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${t.server.secret}\r\n`;
    let answer = '';
    socket.on('error', () => {});
    socket.on('data', (data) => (answer += String(data)));
    socket.write(`${request}\r\n`.repeat(count - 1) + `${request}Connection: close\r\n\r\n`);
    await new Promise((resolve) => socket.once('close', resolve));
    return answer;
  };

  it('are answered while they are few and end it when they are many', async () => {
    expect((await pile(5)).match(/HTTP\/1.1 200/g)).toHaveLength(5);
    expect(await pile(500)).not.toContain('HTTP/1.1');
    expect(await t.client.runs()).toEqual([]);
  });
});
