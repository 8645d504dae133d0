/**
 * The one websocket of a client, shared by all its subscriptions. Each subscription remembers (epoch, seq) of what it delivered: after a
 * break it resumes there, drops what it has had, and asks again when something is missing, so that a handler sees every event once and
 * in order.
 *
 *     closed -> connecting -> open -> (break) -> connecting ...      refused: the server speaks another protocol; no more tries
 */
import { PROTOCOL_VERSION } from '../protocol/rest.ts';
import { CLOSE, type ClientMessage, type ServerMessage } from '../protocol/ws.ts';

export type Status = 'connecting' | 'open' | 'closed' | 'refused';

export interface Position {
  epoch: string;
  seq: number;
}

export interface SubscribeOptions {
  /** Deliver events after this seq; left out = from now on, 0 = all. */
  since?: number;
  /** Epoch that `since` belongs to (MetricTable has both). */
  epoch?: string;
  /** The log was rewritten: read the state anew and drop events up to the seq read. */
  onReset?: (position: Position) => void;
  /** The server refused the subscription, for example because the run was deleted. */
  onError?: (error: { code: string; message: string; remedy: string }) => void;
}

export type OnEvent<E> = (event: E, position: Position) => void;

/** What is used of a WebSocket: browsers', Node's, Deno's and ws' fit. */
export interface SocketLike {
  readonly readyState: number;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
}

export interface Timing {
  /** First and longest wait before another try; the wait is drawn between half of it and all of it. */
  retry_ms: number;
  retryMost_ms: number;
  /** Without a message for this long the connection counts as dead; asked for a sign of life at half of it. */
  silence_ms: number;
}

export const TIMING: Timing = { retry_ms: 250, retryMost_ms: 15_000, silence_ms: 45_000 };
const OPEN = 1;

interface Subscription {
  topic: string;
  epoch: string | null;
  seq: number | undefined;
  /** True between `subscribed` and the next break. */
  live: boolean;
  options: SubscribeOptions;
  onEvent: OnEvent<never>;
}

export class SharedSocket {
  private readonly open: () => SocketLike;
  private readonly timing: Timing;
  private readonly topics = new Map<string, Set<Subscription>>();
  /** Position last asked for, by topic. */
  private readonly asked = new Map<string, number | undefined>();
  private readonly listeners = new Set<(status: Status) => void>();
  private socket: SocketLike | null = null;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private silenceTimer: ReturnType<typeof setTimeout> | undefined;
  private attempts = 0;
  status: Status = 'closed';

  constructor(open: () => SocketLike, timing: Timing = TIMING) {
    this.open = open;
    this.timing = timing;
  }

  onStatus(listener: (status: Status) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Returns the function that ends the subscription. The connection opens with the first one and closes after the last. */
  subscribe<E>(topic: string, options: SubscribeOptions, onEvent: OnEvent<E>): () => void {
    const subscription: Subscription = { topic, epoch: options.epoch ?? null, seq: options.since, live: false, options, onEvent };
    const same = this.topics.get(topic) ?? new Set();
    this.topics.set(topic, same.add(subscription));
    if (this.status === 'open') this.ask(topic);
    else if (!this.socket && this.status !== 'refused') this.connect();
    return () => {
      same.delete(subscription);
      if (same.size > 0 || this.topics.get(topic) !== same) return;
      this.topics.delete(topic);
      this.send({ type: 'unsubscribe', topic });
      if (this.topics.size === 0) this.close();
    };
  }

  close(): void {
    this.topics.clear();
    this.drop();
    this.setStatus('closed');
  }

  private connect(): void {
    clearTimeout(this.retryTimer);
    this.setStatus('connecting');
    let socket: SocketLike;
    try {
      socket = this.open();
    } catch {
      return this.retry();
    }
    this.socket = socket;
    socket.onopen = () => this.send({ type: 'hello', protocol: PROTOCOL_VERSION });
    socket.onmessage = (event: { data: unknown }) => {
      this.heard();
      this.receive(JSON.parse(String(event.data)) as ServerMessage);
    };
    socket.onerror = () => {}; // onclose follows
    socket.onclose = (event: { code: number }) => this.lost(event.code);
    this.heard();
  }

  private receive(message: ServerMessage): void {
    switch (message.type) {
      case 'welcome':
        this.attempts = 0;
        this.setStatus('open');
        for (const topic of this.topics.keys()) this.ask(topic);
        return;
      case 'subscribed':
        this.confirmed(message);
        return;
      case 'event':
        for (const each of this.topics.get(message.topic) ?? []) this.deliver(each, message);
        return;
      case 'error':
        for (const each of this.topics.get(message.topic ?? '') ?? []) each.options.onError?.(message);
        return;
      case 'pong':
        return;
    }
  }

  private confirmed({ topic, epoch, seq, reset }: { topic: string; epoch: string; seq: number; reset: boolean }): void {
    let behind = false;
    for (const each of this.topics.get(topic) ?? []) {
      const sameEpoch = each.epoch === null || each.epoch === epoch;
      const rewritten = !sameEpoch || (reset && (each.seq === undefined || each.seq === this.asked.get(topic)));
      each.live = true;
      each.epoch = epoch;
      if (rewritten || each.seq === undefined) each.seq = seq;
      if (each.seq < seq) behind = true; // the reset was another handler's
      if (rewritten) each.options.onReset?.({ epoch, seq });
    }
    if (behind) this.ask(topic);
  }

  private deliver(subscription: Subscription, message: { epoch: string; seq: number; event: unknown }): void {
    const { epoch, seq } = message;
    if (!subscription.live || epoch !== subscription.epoch || seq <= subscription.seq!) return; // had it, or not ours yet
    if (seq > subscription.seq! + 1) return this.ask(subscription.topic); // a gap: read on from what was delivered
    subscription.seq = seq;
    subscription.onEvent(message.event as never, { epoch, seq });
  }

  /** One subscription on the wire serves all handlers of a topic. It starts at the event that the slowest of them has seen. */
  private ask(topic: string): void {
    const all = [...(this.topics.get(topic) ?? [])];
    if (all.length === 0) return;
    const { epoch, seq } = all.reduce((a, b) => ((b.seq ?? Infinity) < (a.seq ?? Infinity) ? b : a));
    this.asked.set(topic, seq);
    this.send({ type: 'subscribe', topic, ...(epoch === null ? {} : { epoch }), ...(seq === undefined ? {} : { since: seq }) });
  }

  private send(message: ClientMessage): void {
    if (this.socket?.readyState === OPEN) this.socket.send(JSON.stringify(message));
  }

  private lost(code: number): void {
    this.drop();
    if (code === CLOSE.protocol) return this.setStatus('refused');
    if (this.topics.size > 0) this.retry();
    else this.setStatus('closed');
  }

  private retry(): void {
    this.setStatus('connecting');
    const longest = Math.min(this.timing.retry_ms * 2 ** this.attempts++, this.timing.retryMost_ms);
    this.retryTimer = setTimeout(() => this.connect(), longest * (0.5 + Math.random() / 2));
  }

  /** Half-open connections say nothing: ask once, then give up on it. */
  private heard(): void {
    clearTimeout(this.silenceTimer);
    this.silenceTimer = setTimeout(() => {
      this.send({ type: 'ping' });
      this.silenceTimer = setTimeout(() => this.lost(1006), this.timing.silence_ms / 2);
    }, this.timing.silence_ms / 2);
  }

  private drop(): void {
    clearTimeout(this.retryTimer);
    clearTimeout(this.silenceTimer);
    for (const set of this.topics.values()) for (const each of set) each.live = false;
    const { socket } = this;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    try {
      socket.close();
    } catch {
      // already gone
    }
  }

  private setStatus(status: Status): void {
    if (status === this.status) return;
    this.status = status;
    for (const listener of this.listeners) listener(status);
  }
}
