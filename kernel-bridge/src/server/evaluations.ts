/**
 * The evaluations of a home as the server sees them: a queue before the devices of device-pool.ts, and what others (`medr1 eval`) write, noticed by their
 * files. An evaluation runs beside training where it finds no device without.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { errors } from '../evals/errors.ts';
import { evalDirectory, isEvaluating, listEvals, logFile, newestFirst, openEval, summaryOf } from '../evals/evals.ts';
import { Kept, stampOf } from '../log/kept.ts';
import { errorBody, type ErrorBody } from '../protocol/errors.ts';
import type { EvalSettings, EvalState, EvalSummary } from '../protocol/evals.ts';
import { errors as runErrors } from '../runs/errors.ts';
import type { QueuedJob, QueueMove } from '../protocol/devices.ts';
import { EvalQueue } from './eval-queue.ts';
import type { Job, Jobs } from './jobs.ts';
import type { Place, Wish } from './placement.ts';
import type { DevicePool } from './device-pool.ts';

export interface EvaluationsOptions {
  home: string;
  jobs: Jobs;
  pool: DevicePool;
  /** Bytes that an evaluation takes, by the planner's estimate. */
  bytesOf?: (settings: EvalSettings) => number;
  /** Module that the process runs. */
  workerModule?: string;
  publish: (event: { summary: EvalSummary } | { removed: string }) => void;
}

/** How long changes of one evaluation are gathered, and how often others' are looked for. */
const GATHER_MS = 200;
const LOOK_MS = 1000;

export class Evaluations {
  private readonly options: EvaluationsOptions;
  private readonly known = new Kept<EvalSummary>();
  /** What was said of those that cannot be read: they are looked at each second. */
  private readonly said = new Map<string, string>();
  private readonly gathering = new Map<string, NodeJS.Timeout>();
  private timer: NodeJS.Timeout | undefined;
  private waits: QueuedJob[] = [];
  private readonly queue: EvalQueue;
  private closing = false;

  constructor(options: EvaluationsOptions) {
    this.options = options;
    this.queue = new EvalQueue(options.home);
    options.jobs.onFree(() => this.schedule());
  }

  /** Starts what was queued when the last server ended, and follows what others do. */
  recover(): void {
    this.list();
    this.schedule();
    this.timer = setInterval(() => this.look(), LOOK_MS);
    this.timer.unref();
  }

  /** Newest first; one that cannot be read is left out and named in the server's log. */
  list(): EvalSummary[] {
    return listEvals(this.options.home)
      .flatMap((id) => this.summary(id) ?? [])
      .toSorted(newestFirst);
  }

  /** Read anew only when its files have changed, or when it may have died. */
  summary(id: string): EvalSummary | null {
    if (this.known.last(id)?.value.state === 'running') this.known.forget(id);
    try {
      return this.known.of(id, this.database(id), () => {
        using store = openEval(this.options.home, id);
        return summaryOf(store);
      });
    } catch (error) {
      const { message } = errorBody(error);
      if (this.said.get(id) !== message) process.stderr.write(`evaluation ${id}: ${message}\n`);
      this.said.set(id, message);
      return null;
    }
  }

  /** Queues the evaluation, unless somebody works on it already. A process that has written its end is waited for. */
  async start(id: string): Promise<EvalSummary> {
    await this.settled(id);
    if (!this.isBusy(id)) this.setState(id, 'queued');
    this.changed(id);
    this.schedule();
    return this.summary(id)!;
  }

  /** It ends after the batch at hand. Throws EVAL_CONFLICT for one that another process runs. */
  stop(id: string): EvalSummary {
    const { state } = this.summary(id) ?? { state: 'failed' as EvalState };
    const worker = this.worker(id);
    if (worker) worker.stop();
    else if (this.isBusy(id)) throw errors.wrongState(id, 'be stopped from here', state, 'End the `medr1 eval` that runs it.');
    else if (state === 'queued') this.setState(id, 'stopped');
    this.changed(id);
    return this.summary(id)!;
  }

  /** Waits for a process that has written its evaluation's end and is still leaving. */
  async settled(id: string): Promise<void> {
    const { state } = this.summary(id) ?? { state: 'failed' };
    if (state !== 'running' && state !== 'queued') await this.worker(id)?.ended;
  }

  /**
   * Tests how far the answers follow from their reasoning, in a process of its own, unless one is at it. Throws EVAL_CONFLICT while the evaluation is not
   * finished, GENERATE_NO_DEVICE where there is no room.
   */
  async testFaithfulness(id: string, limit: number, mistakes: boolean): Promise<void> {
    await this.settled(id);
    using store = openEval(this.options.home, id);
    const { state, name, settings } = store.row();
    if (state !== 'finished') throw errors.unfinished(id, state);
    if (this.testers.has(id)) return;
    const wish = this.wishOf(settings);
    const never = this.options.pool.impossible(wish);
    if (never) throw never;
    const place = this.options.pool.place(wish);
    if (typeof place === 'string') throw runErrors.noRoomToAnswer(place);
    this.troubles.delete(id);
    this.testers.add(id);
    this.spawn(id, name, place, ['faithfulness', String(limit), String(mistakes)]);
  }
  private readonly testers = new Set<string>();
  private readonly troubles = new Map<string, string>();

  /** Whether it is being tested, and how the last test ended that did not come to its end. */
  testing(id: string): { running: boolean; trouble: string } {
    return { running: this.testers.has(id), trouble: this.troubles.get(id) ?? '' };
  }

  isBusy(id: string): boolean {
    return this.worker(id) !== undefined || isEvaluating(evalDirectory(this.options.home, id));
  }

  /** It was moved to the trash. */
  removed(id: string): void {
    this.known.forget(id);
    this.options.publish({ removed: id });
  }

  changed(id: string): void {
    this.known.forget(id);
    if (this.gathering.has(id) || this.closing) return;
    const publish = (): void => {
      this.gathering.delete(id);
      const summary = existsSync(evalDirectory(this.options.home, id)) ? this.summary(id) : null;
      if (summary) this.options.publish({ summary });
    };
    this.gathering.set(id, setTimeout(publish, GATHER_MS));
  }

  /** The processes themselves are the owner's to end. */
  close(): void {
    this.closing = true;
    clearInterval(this.timer);
    for (const timer of this.gathering.values()) clearTimeout(timer);
  }

  private worker(id: string): Job | undefined {
    return this.options.jobs.find('evaluate', id);
  }

  /** Evaluations that wait, first to start first, each with its reason. */
  get waiting(): readonly QueuedJob[] {
    return this.waits;
  }

  /** Puts one that waits to another place of the queue, holds it or lets it go. Throws EVAL_CONFLICT where it, or the one before which it goes, does not wait. */
  moveInQueue(id: string, { before, held }: QueueMove): EvalSummary {
    const waiting = this.queued();
    for (const one of [id, before ?? id])
      if (!waiting.some((each) => each.id === one))
        throw errors.wrongState(one, 'be moved in the queue', this.known.last(one)?.value.state ?? 'gone', 'It waits for no device.');
    if (before !== undefined) this.queue.move(id, before, waiting);
    if (held !== undefined) this.queue.hold(id, held, waiting);
    this.schedule();
    return this.summary(id)!;
  }

  /** Starts queued evaluations, in their order, where there is room. One that no device fits fails. */
  private schedule(): void {
    const { jobs, pool } = this.options;
    if (jobs.closing) return;
    this.waits = [];
    for (const { id, name, settings } of this.queued()) {
      if (this.queue.isHeld(id)) {
        this.waits.push({ kind: 'evaluate', id, name, held: true, reason: 'held: others go past it' });
        continue;
      }
      const wish = this.wishOf(settings);
      const never = pool.impossible(wish);
      const place = pool.place(wish);
      if (never) this.setState(id, 'failed', never.toJSON());
      else if (typeof place !== 'string') this.spawn(id, name, place);
      else this.waits.push({ kind: 'evaluate', id, name, held: false, reason: place });
      if (never) this.changed(id);
    }
  }

  private queued(): EvalSummary[] {
    return this.queue.ordered(this.list().filter(({ id, state }) => state === 'queued' && !this.isBusy(id)));
  }

  private wishOf(settings: EvalSettings): Wish {
    return { kind: 'evaluate', device: settings.device, devices: 1, exclusive: false, bytes: this.options.bytesOf?.(settings) ?? 0 };
  }

  private spawn(id: string, name: string, place: Place, more: readonly string[] = []): void {
    const { home, jobs, workerModule: module } = this.options;
    const directory = evalDirectory(home, id);
    jobs.start({
      kind: 'evaluate',
      id,
      label: `evaluation ${name}`,
      module,
      args: [directory, home, ...more],
      log: logFile(directory),
      place,
      heard: () => this.changed(id),
      gone: (how, job) => {
        if (this.testers.delete(id) && how !== 'exit code 0') this.troubles.set(id, job.lastWords() || how);
        this.gone(id, how);
      },
    });
  }

  private gone(id: string, how: string): void {
    if (existsSync(evalDirectory(this.options.home, id))) {
      using store = openEval(this.options.home, id);
      const { state } = store.row();
      if (state === 'running' || state === 'queued') store.setState('interrupted', runErrors.workerDied(how, '').toJSON());
    }
    this.changed(id);
  }

  private setState(id: string, state: EvalState, error: ErrorBody | null = null): void {
    using store = openEval(this.options.home, id);
    store.setState(state, error);
  }

  private look(): void {
    const ids = listEvals(this.options.home);
    for (const id of ids) {
      const before = this.known.last(id);
      const died = before?.value.state === 'running' && !this.isBusy(id);
      if (before?.stamp !== stampOf(this.database(id)).text || died) this.changed(id);
    }
    for (const id of this.known.keys()) if (!ids.includes(id)) this.removed(id);
  }

  private database(id: string): string {
    return join(evalDirectory(this.options.home, id), 'eval.db');
  }
}
