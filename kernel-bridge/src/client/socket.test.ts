/** The client's half and the server's half of the protocol, joined by a wire that delays, repeats, loses and breaks. */
import { EventEmitter } from 'node:events';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { jsonParts } from '../files/json-parts.ts';
import type { ServerMessage } from '../protocol/ws.ts';
import { Connection } from '../server/connection.ts';
import type { Entry, Hub, Slice, Topic } from '../server/hub.ts';
import { PROTOCOL_VERSION } from '../protocol/rest.ts';
import { readTopics } from '../server/follow.ts';
import { Rota } from '../server/rota.ts';
import { PollingSocket, type Follow } from './polling.ts';
import { SharedSocket, type SocketLike, type Status } from './socket.ts';

/** A log that grows and can be rewritten from a point on, as a resume after a crash does. */
class Log implements Topic {
  epoch = 'epoch-0';
  entries: Entry[] = [];
  oldest = 0;
  private written = 0;

  get head(): number {
    return this.entries.length;
  }
  add(): void {
    this.entries.push({ seq: this.head + 1, text: JSON.stringify({ value: this.written++ }) });
  }
  rewrite(keep: number): void {
    this.entries.length = Math.min(keep, this.head);
    this.epoch = `epoch-${this.written++}`;
    this.add();
  }
  read(after: number, { entries }: Slice): Entry[] {
    return this.entries.slice(after, after + entries);
  }
}

/** One connection: what the server says waits here until `deliver`. */
class Wire {
  readonly waiting: string[] = [];
  readonly client: SocketLike;
  private readonly server = Object.assign(new EventEmitter(), {
    OPEN: 1,
    readyState: 1,
    bufferedAmount: 0,
    isPaused: false,
    pause: () => undefined,
    resume: () => undefined,
    send: (text: string) => void this.waiting.push(text),
    close: (code: number) => this.break(code),
    terminate: () => this.break(1006),
    ping: () => void this.server.emit('pong', Buffer.alloc(0)), // ws gives the ping's payload back
  });
  open = true;

  constructor(hub: Hub, rota: Rota) {
    new Connection(this.server as unknown as WebSocket, hub, rota);
    this.client = {
      readyState: 1,
      onopen: null,
      onmessage: null,
      onclose: null,
      onerror: null,
      send: (text) => void (this.open && this.server.emit('message', text, false)),
      close: () => this.break(1000),
    };
    queueMicrotask(() => this.client.onopen?.({} as never));
  }

  deliver(): void {
    const text = this.waiting.shift();
    if (text !== undefined && this.open) this.client.onmessage?.({ data: text } as never);
  }
  repeat(): void {
    if (this.waiting.length) this.waiting.unshift(this.waiting[0]);
  }
  lose(): void {
    if (this.waiting[0]?.includes('"type":"event"')) this.waiting.shift();
  }
  break(code: number): void {
    if (!this.open) return;
    this.open = false;
    this.server.readyState = 3;
    this.server.emit('close');
    this.client.onclose?.({ code } as never);
  }
}

class World {
  readonly log = new Log();
  wire: Wire | null = null;
  private readonly listeners = new Set<(topic: string) => void>();
  private readonly hub = {
    topic: () => this.log,
    onChange: (listener: (topic: string) => void) => (this.listeners.add(listener), () => this.listeners.delete(listener)),
  } as unknown as Hub;
  private readonly rota = new Rota();
  poll: PollingSocket | null = null;
  readonly socket: SharedSocket;

  constructor(by: 'websocket' | 'polling' = 'websocket') {
    const follow: Follow = async (positions) => ({
      protocol: PROTOCOL_VERSION,
      version: '',
      messages: JSON.parse([...jsonParts(readTopics(this.hub, positions))].join('')) as ServerMessage[],
    });
    const polls = () => (this.poll = new PollingSocket(follow, 500));
    this.socket = new SharedSocket(by === 'polling' ? polls : () => (this.wire = new Wire(this.hub, this.rota)).client);
  }

  changed(): void {
    for (const listener of this.listeners) listener('runs');
  }

  /** A view as ours are: events by the stream, everything anew by REST on a reset. */
  view(since: number | undefined): number[] {
    const values: number[] = since === undefined ? this.values(this.log.head) : this.values(since);
    let read = { epoch: '', seq: 0 };
    this.socket.subscribe<{ value: number }>(
      'runs',
      {
        since: since ?? this.log.head,
        epoch: this.log.epoch,
        onReset: () => {
          read = { epoch: this.log.epoch, seq: this.log.head };
          values.splice(0, values.length, ...this.values(this.log.head));
        },
      },
      (event, { epoch, seq }) => {
        if (epoch === read.epoch && seq <= read.seq) return;
        values.push(event.value);
      },
    );
    return values;
  }

  values = (upTo: number): number[] => this.log.entries.slice(0, upTo).map(({ text }) => (JSON.parse(text) as { value: number }).value);

  async settle(): Promise<void> {
    for (let i = 0; i < 6; i++) {
      await vi.advanceTimersByTimeAsync(20_000);
      while (this.wire?.waiting.length) this.wire.deliver();
    }
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const action = fc.oneof(
  { weight: 6, arbitrary: fc.constant('add' as const) },
  { weight: 8, arbitrary: fc.constant('deliver' as const) },
  { weight: 2, arbitrary: fc.constantFrom('repeat' as const, 'lose' as const, 'break' as const, 'wait' as const) },
  { weight: 1, arbitrary: fc.constantFrom('rewrite' as const, 'view' as const) },
);

describe('the view of a client', () => {
  it('equals the log after any delays, repeats, losses, breaks and rewritten histories', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 80 }), fc.nat(5), async (actions, keep) => {
        const world = new World();
        const views = [world.view(0)];
        for (const each of actions) {
          if (each === 'add') world.log.add();
          if (each === 'rewrite') world.log.rewrite(keep);
          if (each === 'add' || each === 'rewrite') world.changed();
          if (each === 'deliver') world.wire?.deliver();
          if (each === 'repeat') world.wire?.repeat();
          if (each === 'lose') world.wire?.lose();
          if (each === 'break') world.wire?.break(1006);
          if (each === 'wait') await vi.advanceTimersByTimeAsync(700);
          if (each === 'view') views.push(world.view(undefined));
          await vi.advanceTimersByTimeAsync(0); // the server's turns
        }
        world.log.add(); // shows a loss at the very end, as the next step does
        world.changed();
        await world.settle();
        for (const values of views) expect(values).toEqual(world.values(world.log.head));
        world.socket.close();
      }),
      { numRuns: 500 },
    );
  });
});

describe('the view of a client that polls', () => {
  it('equals the log after any breaks and rewritten histories', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60 }), fc.nat(5), async (actions, keep) => {
        const world = new World('polling');
        const views = [world.view(0)];
        for (const each of actions) {
          if (each === 'add') world.log.add();
          if (each === 'rewrite') world.log.rewrite(keep);
          if (each === 'break') world.poll?.close(1006);
          if (each === 'wait' || each === 'deliver') await vi.advanceTimersByTimeAsync(each === 'wait' ? 700 : 20);
          if (each === 'view') views.push(world.view(undefined));
          await Promise.resolve();
        }
        world.log.add();
        await world.settle();
        for (const values of views) expect(values).toEqual(world.values(world.log.head));
        world.socket.close();
      }),
      { numRuns: 200 },
    );
  });
});

describe('the connection', () => {
  it('tells its status, tries again after a break and resumes', async () => {
    const world = new World();
    const seen: Status[] = [];
    world.socket.onStatus((status) => seen.push(status));
    world.view(0);
    await world.settle();
    world.wire!.break(1006);
    await world.settle();
    expect(seen).toEqual(['connecting', 'open', 'connecting', 'open']);
    world.socket.close();
    expect(world.socket.status).toBe('closed');
  });

  it('gives up where the server speaks another protocol', async () => {
    const world = new World();
    world.view(0);
    await world.settle();
    const before = world.wire;
    before!.break(4010);
    await world.settle();
    expect(world.socket.status).toBe('refused');
    expect(world.wire).toBe(before);
  });

  it('that falls silent is given up and made anew', async () => {
    const world = new World();
    world.view(0);
    await world.settle();
    const before = world.wire!;
    before.client.send = () => {}; // half open: nothing arrives any more
    await vi.advanceTimersByTimeAsync(60_000);
    expect(world.wire).not.toBe(before);
    expect(before.open).toBe(false);
  });

  it('closes after the last subscription ends', async () => {
    const world = new World();
    const end = world.socket.subscribe('runs', {}, () => {});
    await world.settle();
    end();
    expect([world.socket.status, world.wire!.open]).toEqual(['closed', false]);
  });
});
