/**
 * One websocket. Each subscription is a cursor into its topic's log; events are read, and messages of the client taken, when the socket has
 * room, so that a client that is slow, or sends without reading, costs no memory. Events are read in slices, in turn with other connections
 * and all else that the server does, so that it delays nobody. One that takes nothing for 30 s is closed and resumes from its seq.
 *
 *     subscribe -> subscribed (cursor = since) -> event ... event | reset: cursor = head | unsubscribe, close
 */
import { Compile } from 'typebox/compile';
import type { WebSocket } from 'ws';
import { errorBody, WorkbenchError } from '../protocol/errors.ts';
import { PROTOCOL_VERSION } from '../protocol/rest.ts';
import { ClientMessage, CLOSE, type ServerMessage } from '../protocol/ws.ts';
import { VERSION } from '../version.ts';
import { beginning, eventMessage } from './follow.ts';
import type { Hub, Topic } from './hub.ts';
import { Inflow } from './inflow.ts';
import type { Reader, Rota } from './rota.ts';

const messages = Compile(ClientMessage);

export const LIMITS = {
  /** Bytes waiting in a socket above which nothing more is read for it: 64 connections that nobody reads hold 8 MiB. */
  highWater: 128 << 10,
  /** What is read of a log for one connection before others have their turn. */
  slice: { entries: 64, bytes: 64 << 10 },
  /** Bytes waiting, or time without progress, after which it is closed. */
  closeBytes: 8 << 20,
  stalled_ms: 30_000,
  /** How long a client may take to read that its connection is closed. */
  close_ms: 2000,
  /** A page that comes back follows up to 256 topics at once; after that people and notebooks send a few messages a second. */
  inflow: { burst: 300, rate: 20, unit_bytes: 4 << 10, unread_bytes: 16 << 10, turn_ms: 1 },
  ping_ms: 30_000,
  retry_ms: 50,
  topics: 256,
};

interface Subscription {
  topic: string;
  log: Topic;
  epoch: string;
  cursor: number;
}

export class Connection implements Reader {
  private readonly socket: WebSocket;
  private readonly hub: Hub;
  private readonly rota: Rota;
  private readonly limits: typeof LIMITS;
  private readonly subscriptions = new Map<string, Subscription>();
  /** Those whose log may hold more than was sent. */
  private readonly hungry = new Set<Subscription>();
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly inflow: Inflow;
  private greeted = false;
  private alive = true;
  private retry: NodeJS.Timeout | null = null;
  private sentBytes = 0;
  /** Bytes that the client had taken when it last took any, and when that was; since 0: nothing waits. */
  private progress = { taken: 0, since: 0 };

  constructor(socket: WebSocket, hub: Hub, rota: Rota, limits = LIMITS) {
    this.socket = socket;
    this.hub = hub;
    this.rota = rota;
    this.limits = limits;
    const stopListening = hub.onChange((topic) => {
      const subscription = this.subscriptions.get(topic);
      if (subscription) this.feed(subscription);
    });
    socket.on('error', () => {}); // 'close' follows; without a listener it would end the process
    this.inflow = new Inflow(socket, limits.inflow, () => rota.ask(this));
    socket.on('message', (data: Buffer, isBinary) => {
      const text = isBinary ? null : String(data);
      this.arrived(data.length, () => this.receive(text));
    });
    socket.on('ping', (data: Buffer) => this.arrived(data.length, () => this.isOpen && socket.pong(data)));
    socket.on('pong', (data: Buffer) => this.arrived(data.length, () => undefined));
    this.timers.push(setInterval(() => this.ping(), limits.ping_ms));
    socket.on('close', () => {
      stopListening();
      for (const timer of this.timers) clearInterval(timer);
      if (this.retry) clearTimeout(this.retry);
      this.subscriptions.clear();
      this.hungry.clear();
      rota.leave(this);
    });
  }

  private get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  private arrived(bytes: number, take: () => void): void {
    this.alive = true;
    this.inflow.arrived(bytes, take);
  }

  private receive(text: string | null): void {
    if (!this.isOpen) return; // closed for what came before
    const message = text === null ? undefined : parse(text);
    if (!messages.Check(message)) return this.socket.close(CLOSE.malformed, 'not a ClientMessage');
    switch (message.type) {
      case 'hello':
        if (message.protocol !== PROTOCOL_VERSION)
          return this.socket.close(CLOSE.protocol, `this server speaks protocol ${PROTOCOL_VERSION}`);
        this.greeted = true;
        return this.send({ type: 'welcome', protocol: PROTOCOL_VERSION, version: VERSION });
      case 'ping':
        return this.send({ type: 'pong', ...(message.id === undefined ? {} : { id: message.id }) });
      case 'unsubscribe':
        this.drop(message.topic);
        return;
      case 'subscribe':
        if (!this.greeted) return this.socket.close(CLOSE.malformed, 'hello comes first');
        return this.subscribe(message.topic, message.epoch ?? null, message.since);
    }
  }

  private subscribe(topic: string, epoch: string | null, since: number | undefined): void {
    try {
      if (this.subscriptions.size >= this.limits.topics) throw tooManyTopics();
      const log = this.hub.topic(topic);
      const { cursor, reset } = beginning(log, { epoch, since });
      const subscription = { topic, log, epoch: log.epoch, cursor };
      this.drop(topic);
      this.subscriptions.set(topic, subscription);
      this.send({ type: 'subscribed', topic, epoch: log.epoch, seq: subscription.cursor, reset });
      this.feed(subscription);
    } catch (error) {
      this.send({ type: 'error', topic, ...errorBody(error) });
    }
  }

  private drop(topic: string): void {
    const subscription = this.subscriptions.get(topic);
    if (subscription) this.hungry.delete(subscription);
    this.subscriptions.delete(topic);
  }

  private feed(subscription: Subscription): void {
    this.hungry.add(subscription);
    this.rota.ask(this);
  }

  /** Takes messages, and sends one subscription what a slice of its log holds beyond the cursor, as far as there is room. */
  turn(): void {
    if (!this.isOpen) return;
    const inflow = this.inflow.drain();
    const [subscription] = this.hungry;
    const full = subscription !== undefined && this.isFull;
    if (subscription !== undefined && !full) {
      this.hungry.delete(subscription);
      if (this.sendSlice(subscription)) this.hungry.add(subscription); // behind the others
    }
    if (inflow === 'more' || (this.hungry.size > 0 && !full)) this.rota.ask(this);
    if (inflow === 'blocked' || full) this.wait();
    else this.progress.since = 0;
  }

  private get isFull(): boolean {
    return this.socket.bufferedAmount > this.limits.highWater;
  }

  /** Whether the log may hold more. */
  private sendSlice(subscription: Subscription): boolean {
    const { topic, log } = subscription;
    try {
      if (log.epoch !== subscription.epoch) {
        subscription.epoch = log.epoch;
        subscription.cursor = log.head;
        this.send({ type: 'subscribed', topic, epoch: log.epoch, seq: subscription.cursor, reset: true });
      }
      const entries = log.read(subscription.cursor, this.limits.slice);
      for (const { seq, text } of entries) {
        this.sendText(eventMessage(topic, subscription.epoch, seq, text));
        subscription.cursor = seq;
      }
      return entries.length > 0;
    } catch (error) {
      this.drop(topic);
      this.send({ type: 'error', topic, ...errorBody(error) });
      return false;
    }
  }

  /** The socket is full, or the client's allowance used up: look again soon, and close it when it takes nothing. */
  private wait(): void {
    this.retry ??= setTimeout(() => {
      this.retry = null;
      if (this.isOpen && !this.isStalled()) this.rota.ask(this);
    }, this.limits.retry_ms);
  }

  /** What waited in the socket has gone, or some of it. */
  private readonly flushed = (): void => {
    if (this.hungry.size > 0 && !this.isFull) this.rota.ask(this);
  };

  /** Whether the client has taken nothing for too long, and is closed for it. */
  private isStalled(): boolean {
    const now = performance.now();
    const { bufferedAmount } = this.socket;
    const taken = this.sentBytes - bufferedAmount;
    if (this.progress.since === 0 || bufferedAmount === 0 || taken > this.progress.taken) this.progress = { taken, since: now };
    const stalled = now - this.progress.since > this.limits.stalled_ms;
    if (stalled || bufferedAmount > this.limits.closeBytes) this.closeSlow();
    return !this.isOpen;
  }

  /** ws waits half a minute for the peer's answer, which one that does not read will not send. */
  private closeSlow(): void {
    this.socket.close(CLOSE.slowConsumer, 'slow consumer');
    this.timers.push(setTimeout(() => this.socket.terminate(), this.limits.close_ms));
  }

  private ping(): void {
    if (!this.alive) return this.socket.terminate();
    this.alive = false;
    this.socket.ping();
  }

  private send(message: ServerMessage): void {
    this.sendText(JSON.stringify(message));
  }

  private sendText(message: string): void {
    if (!this.isOpen) return;
    const bytes = Buffer.from(message);
    this.sentBytes += bytes.length + headerBytes(bytes.length);
    this.socket.send(bytes, { binary: false }, this.flushed);
  }
}

/** Of a frame that a server sends (RFC 6455, 5.2). */
const headerBytes = (length: number): number => (length < 126 ? 2 : length < 65536 ? 4 : 10);

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const tooManyTopics = (): WorkbenchError =>
  new WorkbenchError({ code: 'TOO_MANY_TOPICS', message: 'This connection follows too many topics.', remedy: 'Unsubscribe from some.' });
