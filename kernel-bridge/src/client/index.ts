/**
 * The typed client of the backend, for browsers, Node and Deno. Through JupyterLab's relay the base URL is `<base>/medr1/api/`.
 *
 *     const client = createClient({ baseUrl: 'http://127.0.0.1:8000/api/', headers: { authorization: `Bearer ${secret}` } });
 *     const run = await client.createRun({ model_name_or_path, dataset_name });
 *     client.subscribe(`run:${run.id}`, { since: 0 }, (event) => console.log(event.kind, event.step));
 */
import type { EvalSummary } from '../protocol/evals.ts';
import type { RunEvent, RunSummary } from '../protocol/run.ts';
import type { MoveView } from '../protocol/view.ts';
import { restClient, type RestClient } from './rest.ts';
import type { Fetch } from './transport.ts';
import { PollingSocket } from './polling.ts';
import { Reach, REACH_TIMING, type ReachTiming } from './reach.ts';
import { SharedSocket, TIMING, type OnEvent, type SocketLike, type Status, type SubscribeOptions, type Timing } from './socket.ts';

export type { DataClient, ImagePicture } from './data.ts';
export type { EvalsClient } from './evals.ts';
export type { RestClient, SearchClient } from './rest.ts';
export type { Fetch } from './transport.ts';
export type { OnEvent, Position, SocketLike, Status, SubscribeOptions } from './socket.ts';

export type RunsEvent = { summary: RunSummary } | { removed: string };
export type EvalsEvent = { summary: EvalSummary } | { removed: string };
type EventOf<T extends string> = T extends 'runs'
  ? RunsEvent
  : T extends 'evals'
    ? EvalsEvent
    : T extends 'view'
      ? MoveView
      : T extends `run:${string}`
        ? RunEvent
        : never;

export interface ClientOptions {
  baseUrl: string;
  fetch?: Fetch;
  /** Must authenticate by itself where headers cannot be set on websockets (browsers: Jupyter's cookie does). */
  WebSocket?: new (url: string) => SocketLike;
  /** Websocket URL where it does not follow from baseUrl. */
  wsUrl?: string;
  headers?: Record<string, string>;
  timing?: Timing;
  reach?: ReachTiming;
}

export interface Client extends RestClient {
  /** Events of topic `runs`, `evals`, `view` or `run:<id>`, each once and in order, across reconnects. Returns the function that ends it. */
  subscribe<T extends 'runs' | 'evals' | 'view' | `run:${string}`>(
    topic: T,
    options: SubscribeOptions,
    onEvent: OnEvent<EventOf<T>>,
  ): () => void;
  /** State of the websocket; `closed` while nothing is subscribed. */
  readonly status: Status;
  /** Whether events come by asking every second, for websockets do not last here. */
  readonly polling: boolean;
  onStatus(listener: (status: Status) => void): () => void;
  close(): void;
}

export function createClient(options: ClientOptions): Client {
  const rest = restClient({
    baseUrl: options.baseUrl,
    headers: options.headers,
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
  });
  const Socket = options.WebSocket ?? (globalThis.WebSocket as unknown as new (url: string) => SocketLike);
  const url = options.wsUrl ?? `${options.baseUrl.replace(/^http/, 'ws').replace(/\/*$/, '')}/ws`;
  const { poll_ms } = options.reach ?? REACH_TIMING;
  const polling = () => new PollingSocket((topics, signal) => rest.follow({ topics }, signal), poll_ms);
  const reach = new Reach(() => new Socket(url), polling, options.reach);
  const socket = new SharedSocket(() => reach.open(), options.timing ?? TIMING);
  return {
    ...rest,
    subscribe: (topic, where, onEvent) => socket.subscribe(topic, where, onEvent),
    get status() {
      return socket.status;
    },
    get polling() {
      return reach.polling;
    },
    onStatus: (listener) => socket.onStatus(listener),
    close: () => socket.close(),
  };
}
