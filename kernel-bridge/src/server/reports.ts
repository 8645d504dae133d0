/**
 * Copies of runs that other machines train (medr1 train --report). Rows come as they change (runs/changes.ts). What people want of such a run waits for the
 * process that trains it, which polls, carries it out in its own home and brings the answer; what that changed comes back as rows.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Making } from '../log/making.ts';
import { WorkbenchError, type ErrorBody } from '../protocol/errors.ts';
import type { PollReports, ReportAnswer, ReportRequest, ReportRows, ReportTaken } from '../protocol/reports.ts';
import { ROUTES, type Route, type RouteName } from '../protocol/routes.ts';
import { hasEnded } from '../protocol/run.ts';
import { createDatabase } from '../runs/database.ts';
import { reportOf, takeChanges } from '../runs/changes.ts';
import { errors } from '../runs/errors.ts';
import { isRunId, runDirectory, runsDirectory } from '../runs/home.ts';
import { openRun } from '../runs/runs.ts';
import type { Hub } from './hub.ts';
import type { GroupOf, Handlers, Request } from './mount.ts';
import { Pauses } from './pauses.ts';

/** Without an open poll for this long nothing is heard of the process. */
const SILENT_MS = 5000;
/** How long somebody waits for an answer from there. */
const PATIENCE_MS = 30_000;

/** Carried out by the process that trains, with files that lie there. */
const FORWARDED = ['action', 'editRewards', 'editSettings', 'revert', 'raiseAlert', 'tokenTexts', 'image', 'log'] as const;
/** Not to be had from a copy. */
const REFUSED = { rollback: 'be rolled back', fork: 'be forked', moveInQueue: 'be moved in a queue' } as const;

/** It goes with each poll until its answer is here. */
interface Asked {
  request: ReportRequest;
  resolve: (answer: ReportAnswer) => void;
}

interface Reporter {
  asked: Map<string, Asked>;
  heard: number;
  /** The open ones; one that is woken looks again. */
  polls: Pauses;
  /** Begins anew whenever something is heard. */
  silence: NodeJS.Timeout;
}

type Ask = Pick<Request<'action'>, 'id' | 'signal'> & { query?: Record<string, unknown>; body?: unknown };

export class Reports {
  readonly #hub: Hub;
  readonly #reporters = new Map<string, Reporter>();
  #closed = false;

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  handlers(): Handlers<GroupOf<'reports'>> {
    return {
      'reports.take': ({ id, body }) => this.#take(id, body),
      'reports.poll': async ({ id, body, signal }) => ({ requests: await this.#poll(id, body, signal) }),
    };
  }

  /** These handlers, of which some go to the machine that trains where the run is a copy. */
  forwarding(handlers: Handlers): Handlers {
    const own = handlers as unknown as Record<string, (request: Ask) => unknown>;
    const forwarded = Object.fromEntries(
      FORWARDED.map((name) => [
        name,
        (request: Ask) => (this.#from(request.id) ? this.#ask(name, request, own[name]) : own[name](request)),
      ]),
    );
    const refused = Object.fromEntries(
      Object.entries(REFUSED).map(([name, action]) => [
        name,
        (request: Ask) => {
          const from = this.#from(request.id);
          if (from) throw errors.reportedElsewhere(request.id, action, from);
          return own[name](request);
        },
      ]),
    );
    return { ...handlers, ...forwarded, ...refused };
  }

  /** Whether nothing is heard of the process that trains the run. */
  isAway(id: string): boolean {
    const reporter = this.#reporters.get(id);
    return !reporter || (reporter.polls.size === 0 && performance.now() - reporter.heard > SILENT_MS);
  }

  close(): void {
    this.#closed = true;
    for (const { polls } of this.#reporters.values()) polls.wake();
  }

  #from(id: string): { host: string; directory: string } | null {
    return reportOf(this.#hub.store(id).db);
  }

  #take(id: string, sent: ReportRows): ReportTaken {
    if (!isRunId(id)) throw errors.runUnknown(id);
    if (existsSync(runDirectory(this.#hub.home, id))) {
      const { db } = this.#hub.store(id);
      if (reportOf(db) === null) throw errors.notReported(id);
      const taken = takeChanges(db, sent);
      this.#hear(id); // whoever sends rows trains it, though after a start of this server the poll may come later
      this.#hub.changed(id);
      return taken;
    }
    if (sent.tables.length === 0 || !sent.anew) return { source: null, at: 0 };
    const taken = this.#make(id, sent);
    this.#hear(id);
    this.#hub.changed(id);
    return taken;
  }

  /** A copy is there whole, or not at all: what makes it a run comes with the first message. */
  #make(id: string, sent: ReportRows): ReportTaken {
    using making = Making.in(runsDirectory(this.#hub.home));
    const taken = first(join(making.directory, 'run.db'), id, sent);
    making.become(runDirectory(this.#hub.home, id));
    return taken;
  }

  async #poll(id: string, { answers, wait_s }: PollReports, signal: AbortSignal): Promise<ReportRequest[]> {
    const wasAway = this.isAway(id);
    const reporter = this.#hear(id);
    for (const answer of answers) reporter.asked.get(answer.key)?.resolve(answer);
    const end = performance.now() + wait_s * 1000;
    while (!signal.aborted && !this.#closed) {
      this.#hear(id);
      if (reporter.asked.size > 0 || performance.now() >= end) break;
      const pause = reporter.polls.wait(end - performance.now(), signal);
      if (wasAway) this.#hub.changed(id);
      await pause;
    }
    this.#hear(id);
    return signal.aborted ? [] : [...reporter.asked.values()].map(({ request }) => request);
  }

  #hear(id: string): Reporter {
    const reporter = this.#reporters.get(id) ?? this.#meet(id);
    reporter.heard = performance.now();
    reporter.silence.refresh();
    return reporter;
  }

  #meet(id: string): Reporter {
    const silence = setTimeout(() => this.isAway(id) && this.#tellAway(id), SILENT_MS + 100).unref();
    const reporter = { asked: new Map(), heard: 0, polls: new Pauses(), silence };
    this.#reporters.set(id, reporter);
    return reporter;
  }

  /** Summaries say that a process is away. */
  #tellAway(id: string): void {
    if (!this.#closed && existsSync(runDirectory(this.#hub.home, id))) this.#hub.changed(id);
  }

  /** What lies there alone is looked for here where the process is away, for a home that both machines see. */
  async #ask(name: RouteName, request: Ask, here: (request: Ask) => unknown): Promise<unknown> {
    const { id, signal } = request;
    const row: Route = ROUTES[name];
    const from = this.#from(id)!;
    if (this.isAway(id)) {
      if (name === 'action' && (request.body as { action: string }).action === 'stop') return this.#letGo(id, from);
      if (row.method === 'GET') return here(request);
      throw errors.reportAway(id, from);
    }
    const answer = await this.#answerOf(
      id,
      { method: row.method, path: pathOf(row, id, request.query), body: request.body ?? null },
      signal,
    );
    if (answer === null) throw errors.reportAway(id, from);
    const bytes = Buffer.from(answer.body, 'base64');
    if (answer.status >= 400) throw refusal(answer.status, bytes);
    return row.answer ? JSON.parse(String(bytes)) : new Response(new Uint8Array(bytes), { status: answer.status, headers: answer.headers });
  }

  /** Null where none came in time. */
  #answerOf(id: string, asked: Omit<ReportRequest, 'key'>, signal: AbortSignal): Promise<ReportAnswer | null> {
    const reporter = this.#reporters.get(id)!;
    const key = randomBytes(12).toString('hex');
    return new Promise((resolve) => {
      const done = (answer: ReportAnswer | null): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', gone);
        reporter.asked.delete(key);
        resolve(answer);
      };
      const gone = (): void => done(null);
      const timer = setTimeout(gone, PATIENCE_MS);
      signal.addEventListener('abort', gone);
      reporter.asked.set(key, { request: { key, ...asked }, resolve: done });
      reporter.polls.wake();
    });
  }

  /**
   * Nothing is heard of who trains the run, and somebody wants it to end: here it has, until it is heard of again. Then the copy is made anew, for its log is
   * another one.
   */
  #letGo(id: string, { host }: { host: string }) {
    const store = openRun(this.#hub.home, id);
    try {
      if (!hasEnded(store.row().state)) {
        store.setState('interrupted', errors.workerDied(`nothing was heard of ${host}`, '').toJSON());
        store.db.exec("UPDATE report SET source = ''");
      }
      return store.summary();
    } finally {
      store[Symbol.dispose]();
      this.#hub.changed(id);
    }
  }
}

function first(file: string, id: string, sent: ReportRows): ReportTaken {
  const db = createDatabase(file);
  try {
    const taken = takeChanges(db, sent);
    if (db.prepare('SELECT id FROM run').get()?.id !== id) throw errors.reportFormat(`no run ${id}`);
    return taken;
  } finally {
    db.close();
  }
}

function pathOf({ path }: Route, id: string, query: Record<string, unknown> = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return path.replace(':id', encodeURIComponent(id)) + (pairs.length > 0 ? `?${new URLSearchParams(pairs)}` : '');
}

function refusal(http: number, bytes: Buffer): WorkbenchError {
  const { code, message, remedy } = JSON.parse(String(bytes)) as ErrorBody;
  return new WorkbenchError({ code, http, message, remedy });
}
