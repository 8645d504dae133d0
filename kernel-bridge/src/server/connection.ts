/**
 * One websocket. Each subscription is a cursor into its topic's log; events are read when the socket has room, so that a slow client costs
 * no memory and delays nobody. One that takes nothing for 30 s is closed and resumes from its seq.
 *
 *     subscribe -> subscribed (cursor = since) -> event ... event | reset: cursor = head | unsubscribe, close
 */
import { Compile } from 'typebox/compile';
import type { WebSocket } from 'ws';
import { errorBody, WorkbenchError } from '../protocol/errors.ts';
import { PROTOCOL_VERSION } from '../protocol/rest.ts';
import { ClientMessage, CLOSE, type ServerMessage } from '../protocol/ws.ts';
import { VERSION } from '../version.ts';
import type { Hub, Topic } from './hub.ts';

const messages = Compile(ClientMessage);

export const LIMITS = {
  /** Bytes waiting in a socket above which nothing more is read for it. */
  highWater: 1 << 20,
  /** Bytes waiting, or time without progress, after which it is closed. */
  closeBytes: 8 << 20,
  stalled_ms: 30_000,
  ping_ms: 30_000,
  retry_ms: 50,
  batch: 64,
  topics: 256,
};

interface Subscription {
  topic: string;
  log: Topic;
  epoch: string;
  cursor: number;
}

export class Connection {
  private readonly socket: WebSocket;
  private readonly hub: Hub;
  private readonly limits: typeof LIMITS;
  private readonly subscriptions = new Map<string, Subscription>();
  private readonly timers: NodeJS.Timeout[] = [];
  private greeted = false;
  private alive = true;
  private retry: NodeJS.Timeout | null = null;
  private waiting = { bytes: 0, since: 0 };

  constructor(socket: WebSocket, hub: Hub, limits = LIMITS) {
    this.socket = socket;
    this.hub = hub;
    this.limits = limits;
    const stopListening = hub.onChange((topic) => {
      const subscription = this.subscriptions.get(topic);
      if (subscription) this.pump(subscription);
    });
    socket.on('error', () => {}); // 'close' follows; without a listener it would end the process
    socket.on('message', (data, isBinary) => this.receive(isBinary ? null : String(data)));
    socket.on('pong', () => (this.alive = true));
    this.timers.push(setInterval(() => this.ping(), limits.ping_ms));
    socket.on('close', () => {
      stopListening();
      for (const timer of this.timers) clearInterval(timer);
      if (this.retry) clearTimeout(this.retry);
      this.subscriptions.clear();
    });
  }

  private receive(text: string | null): void {
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
        this.subscriptions.delete(message.topic);
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
      const { head } = log;
      const cursor = since ?? head;
      const reset = (epoch !== null && epoch !== log.epoch) || cursor > head || cursor < log.oldest;
      const subscription = { topic, log, epoch: log.epoch, cursor: reset ? head : cursor };
      this.subscriptions.set(topic, subscription);
      this.send({ type: 'subscribed', topic, epoch: log.epoch, seq: subscription.cursor, reset });
      this.pump(subscription);
    } catch (error) {
      this.send({ type: 'error', topic, ...errorBody(error) });
    }
  }

  /** Sends what the log holds beyond the cursor, as far as the socket has room. */
  private pump(subscription: Subscription): void {
    const { topic, log } = subscription;
    try {
      while (this.socket.readyState === this.socket.OPEN && this.subscriptions.get(topic) === subscription) {
        if (this.socket.bufferedAmount > this.limits.highWater) return this.wait();
        if (log.epoch !== subscription.epoch) {
          subscription.epoch = log.epoch;
          subscription.cursor = log.head;
          this.send({ type: 'subscribed', topic, epoch: log.epoch, seq: subscription.cursor, reset: true });
        }
        const entries = log.read(subscription.cursor, this.limits.batch);
        if (entries.length === 0) return;
        for (const { seq, event } of entries) {
          if (this.socket.bufferedAmount > this.limits.highWater) break;
          this.send({ type: 'event', topic, epoch: subscription.epoch, seq, event });
          subscription.cursor = seq;
        }
      }
    } catch (error) {
      this.subscriptions.delete(topic);
      this.send({ type: 'error', topic, ...errorBody(error) });
    }
  }

  /** The socket is full: look again soon, and close it when it takes nothing. */
  private wait(): void {
    const now = Date.now();
    const { bufferedAmount } = this.socket;
    if (this.waiting.since === 0 || bufferedAmount < this.waiting.bytes) this.waiting = { bytes: bufferedAmount, since: now };
    if (bufferedAmount > this.limits.closeBytes || now - this.waiting.since > this.limits.stalled_ms) {
      return this.socket.close(CLOSE.slowConsumer, 'slow consumer'); // ws ends the connection itself when the peer never reads this
    }
    this.retry ??= setTimeout(() => {
      this.retry = null;
      if (this.socket.bufferedAmount <= this.limits.highWater) this.waiting = { bytes: 0, since: 0 };
      for (const subscription of this.subscriptions.values()) this.pump(subscription);
    }, this.limits.retry_ms);
  }

  private ping(): void {
    if (!this.alive) return this.socket.terminate();
    this.alive = false;
    this.socket.ping();
  }

  private send(message: ServerMessage): void {
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(JSON.stringify(message));
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const tooManyTopics = (): WorkbenchError =>
  new WorkbenchError({ code: 'TOO_MANY_TOPICS', message: 'This connection follows too many topics.', remedy: 'Unsubscribe from some.' });
