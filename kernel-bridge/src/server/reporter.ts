/**
 * Tells a workbench on another machine of a run in this home: the rows of its database as they change, and the answers to what people there want of it. All
 * connections go out from here, so that a firewall around a cluster is no hindrance. Whatever becomes of them, training goes on; what was not told is told
 * when the workbench can be reached again.
 */
import { hostname } from 'node:os';
import { createClient, type Client, type Fetch } from '../client/index.ts';
import { WorkbenchError } from '../protocol/errors.ts';
import type { ReportAnswer, ReportRequest } from '../protocol/reports.ts';
import { changeAll, dropChanges, hasChangesAfter, logChanges, readChanges } from '../runs/changes.ts';
import type { RunStore } from '../runs/store.ts';
import { Pauses } from './pauses.ts';

/** A request without an answer for this long goes over a connection that is none any more. */
const PATIENCE_MS = 20_000;
/** How long a poll waits there. */
const POLL_S = 15;
/** Of a message: below what relay and server take, of rows with short values too. */
const BYTES = { least: 4 << 10, most: 1 << 20 };
const AGAIN_MS = { first: 100, most: 3000 };
/** How often the database is looked at where nobody says that it changed. */
const LOOK_MS = 500;
/** Changes that the workbench has are dropped so many at a time: each time is a write beside the worker's. */
const KEEP_CHANGES = 5000;

/** Answers the requests of people there: method, path below /api, body. */
export type CarryOut = (request: Pick<ReportRequest, 'method' | 'path' | 'body'>) => Promise<Response>;

export interface ReporterOptions {
  store: RunStore;
  workbench: Client;
  /** Left out for a run that is only copied. */
  carryOut?: CarryOut;
  /** Told what a person should know: that the workbench is away, is back, or refuses. */
  note: (line: string) => void;
}

/**
 * A client of the workbench at this address: that of JupyterLab with its token (http://host:8888/lab?token=...), or of `medr1 serve` (http://127.0.0.1:PORT/api).
 * The token is taken from MEDR1_REPORT_TOKEN where the address has none, so that it need not stand in a list of processes.
 */
export function workbenchAt(address: string, env: Readonly<Record<string, string | undefined>> = process.env, send: Fetch = fetch): Client {
  let url: URL;
  try {
    url = new URL(address);
    if (!/^https?:$/.test(url.protocol)) throw new Error(`it begins with ${url.protocol}`);
  } catch (cause) {
    throw new WorkbenchError({
      code: 'REPORT_ADDRESS',
      exit: 2,
      message: `--report ${address} is no address of a workbench: ${(cause as Error).message}.`,
      remedy: "Give JupyterLab's own address, for example http://host:8888/?token=TOKEN.",
      cause,
    });
  }
  const token = url.searchParams.get('token') ?? env.MEDR1_REPORT_TOKEN ?? '';
  const base = /\/api\/?$/.test(url.pathname)
    ? url.pathname
    : `${url.pathname.replace(/\/(lab|tree|notebooks)(\/.*)?$/, '').replace(/\/*$/, '')}/medr1/api`;
  return createClient({ baseUrl: `${url.origin}${base}/`, headers: { authorization: `Bearer ${token}` }, fetch: send });
}

/** What JupyterLab itself refuses, or what else is at that address, in words for a terminal: its own speak of a page. Other errors are as they are. */
export function refusedThere(error: unknown): unknown {
  if (!(error instanceof WorkbenchError) || error.code !== 'HTTP_ERROR') return error;
  const { http, cause } = error;
  if (http === 401 || http === 403)
    return new WorkbenchError({
      code: 'REPORT_TOKEN',
      http,
      message: `JupyterLab does not take the token of --report (status ${http}).`,
      remedy: 'Give its address with its token as its log prints it (jupyter server list shows both), or the token in MEDR1_REPORT_TOKEN.',
      cause,
    });
  if (http !== 404) return error;
  return new WorkbenchError({
    code: 'REPORT_ADDRESS',
    http,
    message: 'There is no workbench at the address of --report (status 404).',
    remedy:
      "Give JupyterLab's own address with the prefix that it has, for example http://host:8888/user/name/?token=TOKEN, of a JupyterLab with the workbench.",
    cause,
  });
}

export class Reporter {
  readonly #options: ReporterOptions;
  readonly #stop = new AbortController();
  readonly #pushed: Promise<void>;
  readonly #polled: Promise<void>;
  /** Until the database is looked at again. */
  readonly #pauses = new Pauses();
  /** Of a poll that did not get through. */
  readonly #retries = new Pauses();
  #ending = false;
  #at = 0;
  #dropped = 0;
  #away = false;
  #refused: WorkbenchError | null = null;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#pushed = this.#push(logChanges(options.store.db));
    this.#polled = options.carryOut ? this.#poll(options.carryOut) : Promise.resolve();
  }

  /** Something of the run was committed. */
  look(): void {
    this.#pauses.wake();
  }

  /**
   * Sends what is left, for so long at most where the workbench does not answer. Resolves to whether the workbench has it all, as one that works in the home
   * of the run does.
   */
  async end(most_ms = 60_000): Promise<boolean> {
    this.#ending = true;
    this.#pauses.wake();
    const timer = setTimeout(() => this.#stop.abort(), most_ms);
    await this.#pushed;
    clearTimeout(timer);
    const { db } = this.#options.store;
    const whole = this.#refused === null ? readChanges(db, this.#at) === null : this.#refused.code === 'REPORT_HOME';
    if (whole) dropChanges(db, this.#at);
    this.#stop.abort();
    await this.#polled;
    this.#options.workbench.close();
    return whole;
  }

  async #push(source: string): Promise<void> {
    const { store, workbench } = this.#options;
    const { id } = store.row();
    const from = { source, host: hostname(), directory: store.directory };
    const nothing = { since: 0, to: 0, anew: false, tables: [] };
    let known = false; // where the workbench stands
    let again = AGAIN_MS.first;
    let bytes = BYTES.most;
    while (!this.#stop.signal.aborted) {
      try {
        const changes = known ? readChanges(store.db, this.#at, bytes) : nothing;
        if (changes === null) {
          if (this.#ending) return;
          await this.#pauses.wait(LOOK_MS, this.#stop.signal);
          continue;
        }
        const taken = await workbench.reports.take(id, { ...from, ...changes }, this.#patience());
        again = AGAIN_MS.first;
        bytes = Math.min(bytes * 2, BYTES.most);
        this.#reached();
        const goesOn = taken.source === source && hasChangesAfter(store.db, taken.at);
        this.#at = goesOn ? taken.at : changeAll(store.db);
        known = true;
        if (goesOn) this.#forget();
      } catch (error) {
        if (!this.#isLost(error)) return;
        bytes = Math.max(bytes / 2, BYTES.least); // over a poor connection less comes through at once
        await this.#pauses.wait(again, this.#stop.signal);
        again = Math.min(again * 2, AGAIN_MS.most);
      }
    }
  }

  async #poll(carryOut: CarryOut): Promise<void> {
    const { store, workbench } = this.#options;
    const { id } = store.row();
    /** Of requests that may come again, because their answer did not arrive. */
    let answers: ReportAnswer[] = [];
    let again = AGAIN_MS.first;
    while (!this.#stop.signal.aborted && this.#refused === null) {
      try {
        const requests = await workbench.reports.poll(id, { answers, wait_s: POLL_S }, this.#patience(POLL_S * 1000));
        again = AGAIN_MS.first;
        answers = await Promise.all(
          requests.map(async (request) => answers.find(({ key }) => key === request.key) ?? (await answerOf(carryOut, request))),
        );
      } catch (error) {
        if (!this.#isLost(error)) return;
        await this.#retries.wait(again, this.#stop.signal);
        again = Math.min(again * 2, AGAIN_MS.most);
      }
    }
  }

  /** False for what trying again does not mend: the workbench does not want this run. */
  #isLost(cause: unknown): boolean {
    if (this.#stop.signal.aborted) return false;
    const error = refusedThere(cause);
    const { http, message, remedy, code } = error instanceof WorkbenchError ? error : ({ http: 503 } as WorkbenchError);
    if (http >= 400 && http < 500 && http !== 408 && http !== 429) {
      this.#refused ??= error as WorkbenchError;
      const why = code === 'REPORT_HOME' ? 'needs no report' : `takes nothing of this run (${code})`;
      this.#options.note(`the workbench ${why}: ${message} ${remedy}`);
      this.#stop.abort();
      return false;
    }
    if (!this.#away) this.#options.note('the workbench cannot be reached; what it misses is sent when it can');
    this.#away = true;
    return true;
  }

  #reached(): void {
    if (this.#away) this.#options.note('the workbench is reached again');
    this.#away = false;
    this.#retries.wake();
  }

  #forget(): void {
    if (this.#at - this.#dropped < KEEP_CHANGES) return;
    dropChanges(this.#options.store.db, this.#at);
    this.#dropped = this.#at;
  }

  #patience(more_ms = 0): AbortSignal {
    return AbortSignal.any([this.#stop.signal, AbortSignal.timeout(PATIENCE_MS + more_ms)]);
  }
}

async function answerOf(carryOut: CarryOut, request: ReportRequest): Promise<ReportAnswer> {
  const response = await carryOut(request);
  return {
    key: request.key,
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: Buffer.from(await response.arrayBuffer()).toString('base64'),
  };
}
