/**
 * How the server is reached: by a websocket, and by asking every second where two websockets in a row did not last. That is what a proxy does that lets no
 * upgrade through or cuts connections. A server that is down is reached by neither, and says nothing of the proxy. A websocket is tried again now and then.
 */
import { CLOSE } from '../protocol/ws.ts';
import type { SocketLike } from './socket.ts';

export interface ReachTiming {
  /** A websocket that lives for less did not last. */
  lasts_ms: number;
  /** Between requests. */
  poll_ms: number;
  /** How long is polled before a websocket is tried again; doubled each time up to the most. */
  again_ms: number;
  againMost_ms: number;
}

export const REACH_TIMING: ReachTiming = { lasts_ms: 10_000, poll_ms: 1000, again_ms: 60_000, againMost_ms: 30 * 60_000 };

/** Websockets in a row that did not last. */
const TRIES = 2;
/** Codes that our own server or Jupyter's relay closes with: the websocket went through. */
const OURS: readonly number[] = [1000, 1009, 1013, ...Object.values(CLOSE)];

export class Reach {
  readonly #webSocket: () => SocketLike;
  readonly #polling: () => SocketLike;
  readonly #timing: ReachTiming;
  #failed = 0;
  #again: number;
  polling = false;

  constructor(webSocket: () => SocketLike, polling: () => SocketLike, timing: ReachTiming = REACH_TIMING) {
    this.#webSocket = webSocket;
    this.#polling = polling;
    this.#timing = timing;
    this.#again = timing.again_ms;
  }

  open(): SocketLike {
    this.polling = this.#failed >= TRIES;
    return this.polling ? this.#poll() : this.#connect();
  }

  #connect(): SocketLike {
    const begun = performance.now();
    const lost = (code: number): void => {
      const lasted = performance.now() - begun >= this.#timing.lasts_ms;
      if (!lasted && !OURS.includes(code)) return void this.#failed++;
      this.#failed = 0;
      if (lasted) this.#again = this.#timing.again_ms;
    };
    try {
      return new Watched(this.#webSocket(), lost);
    } catch (error) {
      this.#failed++; // browsers refuse some addresses outright
      throw error;
    }
  }

  #poll(): SocketLike {
    const socket = new Watched(this.#polling(), () => {
      clearTimeout(timer);
      this.#failed = TRIES - 1; // the server cannot be reached either way: begin with a websocket when it is back
    });
    const timer = setTimeout(() => socket.close(1000), this.#again);
    this.#again = Math.min(2 * this.#again, this.#timing.againMost_ms);
    return socket;
  }
}

/** A socket, and word of its end. */
class Watched implements SocketLike {
  readonly #inner: SocketLike;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;

  constructor(inner: SocketLike, ended: (code: number) => void) {
    this.#inner = inner;
    inner.onopen = (event) => this.onopen?.(event);
    inner.onmessage = (event) => this.onmessage?.(event);
    inner.onerror = (event) => this.onerror?.(event);
    inner.onclose = (event: { code: number }) => {
      ended(event.code);
      this.onclose?.(event as never);
    };
  }

  get readyState(): number {
    return this.#inner.readyState;
  }
  send(data: string): void {
    this.#inner.send(data);
  }
  close(code?: number): void {
    this.#inner.close(code);
  }
}
