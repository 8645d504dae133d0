import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { PROTOCOL_VERSION } from '../protocol/rest.ts';
import { Connection, LIMITS } from './connection.ts';
import type { Hub } from './hub.ts';
import { Inflow } from './inflow.ts';
import { Rota } from './rota.ts';

const limits = { burst: 5, rate: 10, unit_bytes: 100, unread_bytes: 50, turn_ms: 1 };

function source() {
  const state = {
    bufferedAmount: 0,
    isPaused: false,
    pause: () => void (state.isPaused = true),
    resume: () => void (state.isPaused = false),
  };
  return state;
}

describe('what a client sends', () => {
  it('is taken at once within its allowance, then at its rate, in order', () => {
    let now = 0;
    let came = 0;
    const from = source();
    const taken: number[] = [];
    const inflow = new Inflow(
      from,
      limits,
      () => came++,
      () => now,
    );
    for (let i = 0; i < 20; i++) inflow.arrived(1, () => taken.push(i));
    expect([taken.length, from.isPaused, came]).toEqual([0, true, 1]);
    expect(inflow.drain()).toBe('blocked');
    expect(taken).toHaveLength(5);
    now = 300;
    expect(inflow.drain()).toBe('blocked');
    expect(taken).toHaveLength(8);
    for (let second = 1; second < 4; second++) {
      now += 1000;
      inflow.drain();
    }
    expect(taken).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(from.isPaused).toBe(false);
  });

  it('counts by its length too', () => {
    const from = source();
    let taken = 0;
    const inflow = new Inflow(
      from,
      limits,
      () => undefined,
      () => 0,
    );
    for (let i = 0; i < 4; i++) inflow.arrived(201, () => taken++); // three units each
    inflow.drain();
    expect(taken).toBe(2);
  });

  it('waits while the client does not read the answers', () => {
    const from = source();
    let taken = 0;
    const inflow = new Inflow(
      from,
      limits,
      () => undefined,
      () => 0,
    );
    from.bufferedAmount = 51;
    inflow.arrived(1, () => taken++);
    expect([inflow.drain(), taken, from.isPaused]).toEqual(['blocked', 0, true]);
    from.bufferedAmount = 50;
    expect([inflow.drain(), taken, from.isPaused]).toEqual(['empty', 1, false]);
  });

  it('lets others have their turn where its messages take long', () => {
    let now = 0;
    let taken = 0;
    const inflow = new Inflow(
      source(),
      { ...limits, burst: 100 },
      () => undefined,
      () => now,
    );
    for (let i = 0; i < 5; i++)
      inflow.arrived(1, () => {
        taken++;
        now += 0.6;
      });
    expect([inflow.drain(), taken]).toEqual(['more', 2]);
    expect([inflow.drain(), taken]).toEqual(['more', 4]);
    expect([inflow.drain(), taken]).toEqual(['empty', 5]);
  });
});

/** A socket whose peer reads nothing. */
class Unread extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  isPaused = false;
  frames = 0;
  closed: number | null = null;
  terminated = false;

  pause = (): void => void (this.isPaused = true);
  resume = (): void => void (this.isPaused = false);
  ping = (): void => undefined;
  send(data: Buffer): void {
    this.frames++;
    this.bufferedAmount += data.length + 2;
  }
  pong = (data: Buffer): void => this.send(data);
  close(code: number): void {
    this.readyState = 2;
    this.closed = code;
  }
  terminate(): void {
    this.terminated = true;
    this.emit('close');
  }
}

describe('a client that sends and never reads', () => {
  afterEach(() => vi.useRealTimers());

  it.each([
    ['messages', (socket: Unread) => socket.emit('message', Buffer.from('{"type":"ping","id":123456789}'), false)],
    ['subscriptions that fail', (socket: Unread) => socket.emit('message', Buffer.from('{"type":"subscribe","topic":"run:x"}'), false)],
    ['pings of the protocol', (socket: Unread) => socket.emit('ping', Buffer.alloc(125))],
  ])('has few answers waiting and is closed: %s', (_, flood) => {
    vi.useFakeTimers();
    const socket = new Unread();
    const hub = { onChange: () => () => undefined, topic: () => { throw new Error('there is none'); } } as unknown as Hub; // prettier-ignore
    new Connection(socket as unknown as WebSocket, hub, new Rota(), LIMITS);
    socket.emit('message', Buffer.from(JSON.stringify({ type: 'hello', protocol: PROTOCOL_VERSION })), false);
    for (let second = 0; second < 60; second++) {
      for (let i = 0; i < 2000; i++) flood(socket);
      vi.advanceTimersByTime(1000);
    }
    expect(socket.isPaused).toBe(true);
    expect(socket.bufferedAmount).toBeLessThan(32 << 10);
    expect(socket.frames).toBeLessThan(LIMITS.inflow.burst + 1000);
    expect([socket.closed, socket.terminated]).toEqual([1013, true]);
  });
});
