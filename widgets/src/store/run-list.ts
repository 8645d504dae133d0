/** All runs and the server behind them, fed by one subscription; hands out a followed run to as many views as ask. */
import type { Connector, Devices, ErrorBody, RunsEvent, RunSummary, ServerInfo, Subscription } from '../connector.ts';
import { isLive } from '../connector.ts';
import { Latest } from '../load.ts';
import { Observable } from '../observable.ts';
import { FollowedRun } from './followed-run.ts';

export interface RunListState {
  status: 'loading' | 'ready' | 'error';
  error: ErrorBody | null;
  server: ServerInfo | null;
  /** Null where it has not been read. */
  devices: Devices | null;
  /** Newest first. */
  runs: RunSummary[];
}

/** Milliseconds between looks at the device while somebody looks at the list. */
const SERVER_POLL_MS = 10_000;
const GATHER_MS = 300;
/** First and longest wait before a failed start is tried again by itself. */
const RETRY_MS = [2_000, 30_000] as const;

export class RunList {
  readonly state = new Observable<RunListState>({ status: 'loading', error: null, server: null, devices: null, runs: [] });
  readonly #connector: Connector;
  readonly #held = new Map<string, { run: FollowedRun; users: number }>();
  #subscription: Subscription | null = null;
  #poll: ReturnType<typeof setInterval> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #soon: ReturnType<typeof setTimeout> | undefined;
  #wait: number = RETRY_MS[0];
  readonly #list = new Latest<[ServerInfo, RunSummary[]]>();
  readonly #device = new Latest<ServerInfo>();
  readonly #devices = new Latest<Devices>();
  /** What was told while a list was on its way that may be older; null when none is. */
  #told: RunsEvent[] | null = null;
  readonly #stopWatching: () => void;

  constructor(connector: Connector) {
    this.#connector = connector;
    this.#stopWatching = connector.connection.subscribe(() => {
      // What happened while the line was down is in no event: look again.
      if (isLive(connector.connection.value) && this.#subscription) void this.start();
    });
  }

  /** Reads server and runs and follows them; on failure says so and tries again later. Never throws. */
  async start(): Promise<void> {
    const told: RunsEvent[] = (this.#told = []);
    clearTimeout(this.#retry);
    clearInterval(this.#poll);
    this.#device.stop();
    const list = await this.#list.ask((signal) => Promise.all([this.#connector.server(signal), this.#connector.runs(signal)]));
    if (!list) return;
    this.#told = null;
    if (list.status === 'error') {
      this.state.update((state) => ({ ...state, ...list }));
      this.#retry = setTimeout(() => void this.start(), this.#wait);
      this.#wait = Math.min(2 * this.#wait, RETRY_MS[1]);
      return;
    }
    const [server, runs] = list.value;
    this.state.update(({ devices }) => ({ status: 'ready', error: null, server, devices, runs: sorted(runs) }));
    void this.lookAtDevices();
    for (const event of told) this.apply(event);
    this.#wait = RETRY_MS[0];
    for (const { run } of this.#held.values()) if (run.status === 'error') void run.load();
    this.#subscription ??= this.#connector.subscribeRuns(
      (event) => this.apply(event),
      () => void this.start(),
    );
    this.#poll = setInterval(() => void this.#look(), SERVER_POLL_MS);
  }

  /** The user asked to try again: at once, and with a short wait next time. */
  retry(): void {
    this.#wait = RETRY_MS[0];
    void this.start();
  }

  apply(event: RunsEvent): void {
    this.#told?.push(event);
    this.state.update((state) => {
      if ('removed' in event) return { ...state, runs: state.runs.filter((run) => run.id !== event.removed) };
      const known = state.runs.find((run) => run.id === event.summary.id);
      if (known && known.seq > event.summary.seq) return state;
      // Several runs may move at once.
      if (!known || moved(known, event.summary)) this.#soon ??= setTimeout(() => void this.lookAtDevices(), GATHER_MS);
      return { ...state, runs: sorted([event.summary, ...state.runs.filter((run) => run.id !== event.summary.id)]) };
    });
  }

  get(id: string): RunSummary | undefined {
    return this.state.value.runs.find((run) => run.id === id);
  }

  /** The run as it is followed for some view. */
  followed(id: string): FollowedRun | undefined {
    return this.#held.get(id)?.run;
  }

  /** The run, followed from its first use on; give it back with `release`. */
  acquire(id: string): FollowedRun {
    let entry = this.#held.get(id);
    if (!entry) {
      entry = { run: new FollowedRun(this.#connector, id), users: 0 };
      this.#held.set(id, entry);
      void entry.run.load();
    }
    entry.users++;
    return entry.run;
  }

  release(id: string): void {
    const entry = this.#held.get(id);
    if (!entry || --entry.users > 0) return;
    entry.run.dispose();
    this.#held.delete(id);
  }

  dispose(): void {
    this.#list.stop();
    this.#device.stop();
    this.#devices.stop();
    clearTimeout(this.#retry);
    clearTimeout(this.#soon);
    clearInterval(this.#poll);
    this.#stopWatching();
    this.#subscription?.close();
    for (const { run } of this.#held.values()) run.dispose();
    this.#held.clear();
  }

  /** What fails shows in the look at the server. */
  async lookAtDevices(): Promise<void> {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    const devices = await this.#devices.ask((signal) => this.#connector.devices(signal));
    if (devices?.status === 'ready') this.state.update((state) => ({ ...state, devices: devices.value }));
  }

  async #look(): Promise<void> {
    if (this.state.observed === 0 || globalThis.document?.hidden) return;
    void this.lookAtDevices();
    const device = await this.#device.ask((signal) => this.#connector.server(signal));
    if (device?.status === 'ready') this.state.update((state) => ({ ...state, server: device.value }));
    else if (device) void this.start(); // says what is wrong, and keeps trying
  }
}

/** Whether who is on which device, or waits for it, may have changed. */
const moved = (before: RunSummary, after: RunSummary): boolean =>
  before.state !== after.state || before.waits_since !== after.waits_since || before.held !== after.held;

const sorted = (runs: RunSummary[]): RunSummary[] => [...runs].sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? 1 : -1));
