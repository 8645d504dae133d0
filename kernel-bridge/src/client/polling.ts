/**
 * A socket that asks every second by GET, for networks whose proxy refuses websockets or closes them soon. It speaks the protocol of ws.ts to its
 * owner and remembers, for each topic, what it has handed on; the server keeps nothing of it.
 */
import { PROTOCOL_VERSION } from '../protocol/rest.ts';
import { CLOSE, type ClientMessage, type ServerMessage } from '../protocol/ws.ts';
import type { SocketLike } from './socket.ts';

/** Topics of one request: its address stays below what proxies take. */
const AT_ONCE = 48;

export type Follow = (
  positions: string[],
  signal: AbortSignal,
) => Promise<{ protocol: number; version: string; messages: ServerMessage[] }>;

interface Followed {
  epoch: string;
  since: number | undefined;
  /** Until the answer that confirms it. */
  asked: boolean;
}

export class PollingSocket implements SocketLike {
  readyState = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly #follow: Follow;
  readonly #every: number;
  readonly #topics = new Map<string, Followed>();
  readonly #abort = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking = false;
  #again = false;

  /** `every`: milliseconds from an answer to the next request. */
  constructor(follow: Follow, every: number) {
    this.#follow = follow;
    this.#every = every;
    this.#timer = setTimeout(() => {
      this.readyState = 1;
      this.onopen?.({} as never);
    });
  }

  send(data: string): void {
    const message = JSON.parse(data) as ClientMessage;
    if (message.type === 'ping') return this.#tell({ type: 'pong', ...(message.id === undefined ? {} : { id: message.id }) });
    if (message.type === 'unsubscribe') return void this.#topics.delete(message.topic);
    if (message.type === 'subscribe') this.#topics.set(message.topic, { epoch: message.epoch ?? '', since: message.since, asked: true });
    void this.#ask(message.type === 'hello');
  }

  close(code = 1000): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    clearTimeout(this.#timer);
    this.#abort.abort();
    this.onclose?.({ code } as never);
  }

  async #ask(greet = false): Promise<void> {
    if (this.#asking) return void (this.#again = true);
    clearTimeout(this.#timer);
    this.#asking = true;
    try {
      do {
        this.#again = false;
        const topics = [...this.#topics];
        for (let at = 0; at === 0 || at < topics.length; at += AT_ONCE) {
          const part = new Map(topics.slice(at, at + AT_ONCE));
          const { protocol, version, messages } = await this.#follow([...part].map(positionOf), this.#abort.signal);
          if (this.readyState !== 1) return;
          if (protocol !== PROTOCOL_VERSION) return this.close(CLOSE.protocol);
          if (greet) this.#tell({ type: 'welcome', protocol, version });
          greet = false;
          for (const message of messages) this.#take(message, part);
        }
      } while (this.#again && this.readyState === 1);
    } catch {
      return this.close(1006);
    } finally {
      this.#asking = false;
    }
    if (this.readyState === 1) this.#timer = setTimeout(() => void this.#ask(), this.#every);
  }

  /** Hands a message on, unless the topic was asked for anew meanwhile. */
  #take(message: ServerMessage, part: ReadonlyMap<string, Followed>): void {
    if (!('topic' in message) || message.topic === undefined) return;
    const followed = this.#topics.get(message.topic);
    if (followed === undefined || followed !== part.get(message.topic)) return;
    if (message.type === 'error') {
      this.#topics.delete(message.topic);
      return this.#tell(message);
    }
    if (message.type === 'subscribed') {
      const said = followed.asked || message.reset;
      Object.assign(followed, { epoch: message.epoch, since: message.seq, asked: false });
      if (said) this.#tell(message);
    }
    if (message.type === 'event') {
      followed.since = message.seq;
      this.#again = true; // there may be more
      this.#tell(message);
    }
  }

  #tell(message: ServerMessage): void {
    this.onmessage?.({ data: JSON.stringify(message) } as never);
  }
}

const positionOf = ([topic, { epoch, since }]: [string, Followed]): string => [topic, epoch, since ?? ''].join('@').replace(/@+$/, '');
