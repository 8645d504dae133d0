/**
 * The queue of runs: each gets devices of device-pool.ts and a process of jobs.ts, and the end of that process is written to its run. Runs start in the order
 * in which they were asked to, as many side by side as fit; one that waits keeps the devices it may have from those who asked later. A paused run lends
 * its turn. The two of a pair have a device each where there are two, and take turns step by step where they share one.
 */
import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { AnswerTo, AnyAsk } from '../protocol/channel.ts';
import { errorBody } from '../protocol/errors.ts';

import type { KernelCall, Scored } from '../protocol/kernels.ts';
import { hasEnded, isActive, type RunState } from '../protocol/run.ts';
import { isDiskFull } from '../log/disk-space.ts';
import { reportOf } from '../runs/changes.ts';
import { errors } from '../runs/errors.ts';
import { runDirectory } from '../runs/home.ts';
import { isTraining, listRuns, logFile, openRun, partnerOf, trainedBy } from '../runs/runs.ts';
import type { RunStore } from '../runs/store.ts';
import type { TrainConfig } from '../protocol/config.ts';
import type { QueuedJob } from '../protocol/devices.ts';
import { lastLine, type Job, type Jobs, type Said } from './jobs.ts';
import type { Place, Wish } from './placement.ts';
import { DevicePool } from './device-pool.ts';
import { Turns } from './turns.ts';

export interface SupervisorOptions {
  home: string;
  jobs: Jobs;
  /** Devices of this machine, when left out. */
  pool?: DevicePool;
  /** Module that the worker process runs. */
  workerModule?: string;
  /** Bytes that a run takes, by the planner's estimate; where it cannot tell, 0. */
  bytesOf?: (config: TrainConfig) => Promise<number>;
  /** Called after every commit of any worker and after every change made here. */
  changed: (id: string) => void;
  /** The way to kernels, for workers whose rewards they evaluate. */
  askKernel?: (call: KernelCall, timeout_s: number) => Promise<Scored>;
  /** Called where a worker is to have these devices: who holds their memory may let go of it. */
  starting?: (on: readonly string[]) => void;
}

/** How often the queue is looked at while something waits. */
const LOOK_MS = 10_000;

/** A process that is about to go gives its memory back first. */
const LEAVING_MS = 20_000;
const LOOK_AGAIN_MS = 50;

export class Supervisor {
  /** How workers ended whose end could not be written yet, as on a full disk: their runs are not started again before it is. */
  private readonly unwritten = new Map<string, Pick<Job, 'opened'> & { how: string }>();
  private readonly options: SupervisorOptions;
  private complaint = '';
  private readonly pool: DevicePool;
  /** What runs that wait need, by id. */
  private readonly wishes = new Map<string, Wish>();
  private readonly planning = new Map<string, Promise<void>>();
  /** Those that wait, as the last look at the queue left them. */
  private waiters: QueuedJob[] = [];
  private lookedAt = -Infinity;
  private readonly turns: Turns;
  /** Runs are queued here, and not started by hand alone. */
  private queues = false;

  constructor(options: SupervisorOptions) {
    this.options = options;
    this.pool = options.pool ?? new DevicePool(options.jobs);
    options.jobs.onFree(() => this.schedule());
    this.turns = new Turns({
      rival: (id) => this.rival(id),
      step: (id) => this.read(id, (store) => store.step) ?? 0,
      grant: (id) => this.worker(id)?.send('turn'),
    });
  }

  /** Marks runs whose worker died with the last server, and starts what was queued. */
  recover(): void {
    this.queues = true;
    for (const id of listRuns(this.options.home)) this.markIfDead(id);
    this.schedule();
  }

  /** Starts the run at once, whatever else trains. Throws DEVICE_MISSING, DEVICES_TOO_FEW. */
  startNow(id: string, place?: Place): void {
    using store = openRun(this.options.home, id);
    const wish = this.wishOf(store.row().config);
    this.require(store.row().config);
    this.enqueue(store);
    this.spawn(id, place ?? this.pool.anyhow(wish));
  }

  /** Queues the run for a worker, once the one it had before is gone. One that no device of this machine fits fails at once. */
  async start(id: string): Promise<void> {
    await this.settled(id);
    this.markIfDead(id);
    using store = openRun(this.options.home, id);
    this.enqueue(store);
    this.queues = true;
    this.wishes.delete(id); // the devices may be others now
    this.options.changed(id);
    await this.plan(id);
  }

  /** Throws DEVICE_MISSING or DEVICES_TOO_FEW for a run that this machine can never train. */
  require(config: TrainConfig): void {
    const never = this.pool.impossible(this.wishOf(config));
    if (never) throw never;
  }

  private wishOf({ device, devices = 1, exclusive = false, processes = 1 }: TrainConfig, bytes = 0): Wish {
    // Processes of one run take GPUs in turn, without being told to.
    const spread = this.pool.kindOf(device) === 'cuda' ? Math.min(processes, this.pool.candidates({ device }).length) : 1;
    return { kind: 'train', device, devices: Math.max(devices, spread), exclusive, bytes };
  }

  /** Finds out what a run that waits needs, and has it start when that is there. */
  private plan(id: string): Promise<void> {
    const planned = this.planning.get(id) ?? this.findWish(id).finally(() => this.planning.delete(id));
    this.planning.set(id, planned);
    return planned;
  }

  private async findWish(id: string): Promise<void> {
    const config = this.read(id, (store) => store.row().config);
    if (config === null) return;
    const bytes = (await this.options.bytesOf?.(config).catch(() => 0)) ?? 0;
    await this.pool.refresh();
    const wish = this.wishOf(config, bytes);
    const never = this.pool.impossible(wish);
    this.wishes.set(id, wish);
    if (never) {
      this.read(id, (store) => store.row().state === 'queued' && store.setState('failed', never.toJSON()));
      this.options.changed(id);
    }
    this.schedule();
  }

  /** Throws RUN_CONFLICT where another process trains the run: its state is that process's to write. */
  private enqueue(store: RunStore): void {
    if (isTraining(store.directory)) throw errors.runLocked(store.row().id, trainedBy(store.directory));
    store.enqueue();
  }

  /** Tells the run's worker to look for commands, if it is ours; another's worker looks by itself. */
  nudge(id: string): void {
    this.worker(id)?.send('nudge');
  }

  private worker(id: string): Job | undefined {
    return this.options.jobs.find('train', id);
  }

  /** The other run of its pair, where that is in this home. */
  partner(id: string): string | null {
    return this.read(id, (store) => partnerOf(this.options.home, store.row()));
  }

  /** Asks the policy being trained, between two steps; null when no worker of ours trains the run. */
  ask<A extends AnyAsk>(id: string, ask: A, signal: AbortSignal): Promise<{ answer: AnswerTo<A>; step: number | null }> | null {
    const worker = this.worker(id);
    const state = this.stateOf(id);
    return worker && state !== null && isActive(state) ? worker.ask(ask, null, signal) : null;
  }

  isTraining(id: string): boolean {
    return this.worker(id) !== undefined || isTraining(runDirectory(this.options.home, id));
  }

  /**
   * Resolves when a worker that has written its run's end has also left: one of ours, or one that outlived the server that started it. The latter is
   * waited for only so long, since another program may hold the run's lock for another reason.
   */
  async settled(id: string): Promise<void> {
    const ended = (): boolean => {
      const state = this.stateOf(id);
      return state === null || hasEnded(state);
    };
    if (ended()) await this.worker(id)?.ended;
    const directory = runDirectory(this.options.home, id);
    for (const until = performance.now() + LEAVING_MS; performance.now() < until && ended() && isTraining(directory);)
      await wait(LOOK_AGAIN_MS);
  }

  /** Ids of runs with a worker of this supervisor. */
  get ids(): string[] {
    return this.options.jobs.all('train').map(({ id }) => id);
  }

  /** Starts runs that wait, in their order, where there is room. */
  schedule(): void {
    if (this.options.jobs.closing || !this.queues) return;
    const kept = new Set<string>();
    this.waiters = [];
    for (const { id, name, held } of this.queue()) {
      const reason = held ? 'held' : this.startOr(id, kept);
      if (reason !== null) this.waiters.push({ kind: 'train', id, name, held, reason });
    }
  }

  /** Null when the run was started; otherwise why it waits. Those behind it do not get the devices that it may have. */
  private startOr(id: string, kept: Set<string>): string | null {
    const wish = this.wishes.get(id);
    const place = wish ? this.placeOf(id, wish, kept) : 'waits for the estimate of its memory';
    if (typeof place !== 'string') this.spawn(id, place);
    else for (const device of wish ? this.pool.candidates(wish) : this.pool.devices.map((one) => one.id)) kept.add(device);
    if (!wish) void this.plan(id);
    else if (typeof place === 'string') this.options.starting?.(this.pool.candidates(wish));
    return typeof place === 'string' ? place : null;
  }

  /** Of a pair the second has the place of the first where it finds none of its own: they take turns there. */
  private placeOf(id: string, wish: Wish, kept: ReadonlySet<string>): Place | string {
    const place = this.pool.place(wish, kept);
    const partner = this.partner(id);
    const first = partner === null ? undefined : this.worker(partner);
    if (typeof place !== 'string' || !first) return place;
    return this.pool.kindOf(wish.device) === 'cpu' ? this.pool.beside(first, wish) : this.pool.place({ ...wish, device: first.on[0] });
  }

  /** Looks at the queue again now and then: other programs may have given memory back. */
  look(): void {
    if (!this.waiters.some(({ held }) => !held) || performance.now() - this.lookedAt < LOOK_MS) return;
    this.lookedAt = performance.now();
    void this.pool.refresh().then(() => this.schedule());
  }

  /** Runs that wait, first to start first, each with its reason. */
  get waiting(): readonly QueuedJob[] {
    return this.waiters;
  }

  waits(id: string): boolean {
    return this.queue().some((run) => run.id === id);
  }

  /** Puts a run that waits before the others that do. */
  first(id: string): void {
    this.move(id, this.queue()[0]?.id ?? null);
  }

  /** Puts a run that waits, with the other of its pair, before another one, or at the end. Throws RUN_CONFLICT where one of them does not wait. */
  move(id: string, before: string | null): void {
    const moved = [id, this.partner(id)];
    const queue = this.queue();
    for (const one of [id, before ?? id])
      if (!queue.some((run) => run.id === one))
        throw errors.wrongState(one, 'be moved in the queue', this.stateOf(one) ?? 'gone', 'It waits for no device.');
    if (before !== null && moved.includes(before)) return;
    const others = queue.filter((run) => !moved.includes(run.id));
    const pair = before === null ? [] : [before, this.partner(before)];
    const at = before === null ? others.length : others.findIndex((run) => pair.includes(run.id));
    const [previous, next] = [others[at - 1]?.since, others[at]?.since];
    const since = next === undefined ? (previous ?? 0) + 1 : previous === undefined ? next - 1 : (previous + next) / 2;
    for (const one of moved) {
      if (!queue.some((run) => run.id === one)) continue;
      using store = openRun(this.options.home, one!);
      store.askToStart(since);
      this.options.changed(one!);
    }
    this.schedule();
  }

  /** Passes over a run that waits, with the other of its pair, or lets it go. Throws RUN_CONFLICT for one that does not wait. */
  hold(id: string, held: boolean): void {
    const queue = this.queue();
    if (!queue.some((run) => run.id === id)) throw errors.wrongState(id, 'be held', this.stateOf(id) ?? 'gone', 'It waits for no device.');
    for (const one of [id, this.partner(id)]) {
      if (!queue.some((run) => run.id === one)) continue;
      using store = openRun(this.options.home, one!);
      store.hold(held);
      this.options.changed(one!);
    }
    this.schedule();
  }

  /** Runs that wait for a worker, in the order in which they are to start. */
  private queue(): { id: string; name: string; since: number; held: boolean }[] {
    return listRuns(this.options.home)
      .flatMap((id) => {
        const waits = this.worker(id) ? null : this.waitsSince(id);
        return waits === null ? [] : [{ id, ...waits }];
      })
      .sort((a, b) => a.since - b.since || (a.id < b.id ? -1 : 1));
  }

  /** Since when, and whether it is held; null where it does not wait. */
  private waitsSince(id: string): { name: string; since: number; held: boolean } | null {
    if (this.unwritten.has(id)) return null;
    try {
      if (isTraining(runDirectory(this.options.home, id))) return null;
      using store = openRun(this.options.home, id);
      const { state, name } = store.row();
      if (reportOf(store.db)) return null; // waits on the machine that reports it
      const pending = state === 'queued' ? store.pending() : [];
      const start = pending.find(({ action }) => action === 'start');
      return start ? { name, since: start.created_at, held: pending.some(({ action }) => action === 'hold') } : null;
    } catch {
      return null; // a damaged run shows as such in the list
    }
  }

  private stateOf(id: string): RunState | null {
    return this.read(id, (store) => store.row().state);
  }

  /** Null when the run cannot be read, as when its directory was removed. */
  private read<T>(id: string, what: (store: RunStore) => T): T | null {
    try {
      using store = openRun(this.options.home, id);
      return what(store);
    } catch {
      return null;
    }
  }

  /** The other run of the pair while it is on the same device and is to make a step too. */
  private rival(id: string): string | null {
    const partner = this.partner(id);
    const [own, other] = [this.worker(id), partner === null ? undefined : this.worker(partner)];
    if (!own || !other || !own.on.some((device) => other.on.includes(device))) return null;
    const state = this.stateOf(other.id);
    return state === null || state === 'paused' || hasEnded(state) ? null : other.id;
  }

  private spawn(id: string, place: Place): void {
    const { home, jobs, workerModule: module, starting } = this.options;
    starting?.(place.on);
    const directory = runDirectory(home, id);
    const partner = this.partner(id);
    this.wishes.delete(id);
    jobs.start({
      kind: 'train',
      id,
      label: `run ${this.read(id, (store) => store.row().name) ?? id}`,
      module,
      args: [directory, home, ...(partner === null ? [] : ['turns'])],
      log: logFile(directory),
      place,
      heard: (message, worker) => this.heard(message, worker, partner),
      gone: (how, worker) => this.gone(worker, how),
    });
  }

  private heard(message: Said, worker: Job, partner: string | null): void {
    const { id } = worker;
    if (typeof message === 'object') return void this.score(worker, message);
    if (message === 'turn?') return this.turns.ask(id);
    if (message === 'turn-done') this.turns.done(id);
    if (message === 'committed') this.committed(worker);
    if (partner !== null) this.turns.look(partner);
  }

  private committed(worker: Job): void {
    const rested = worker.resting;
    worker.opened = true;
    worker.resting = this.stateOf(worker.id) === 'paused';
    this.options.changed(worker.id);
    if (worker.resting && !rested) this.schedule(); // it has lent the device
  }

  /** Keys of calls are a run's own: two runs may give one function the same completions. */
  private async score(worker: Job, { call, timeout_s }: Extract<Said, { type: 'score' }>): Promise<void> {
    const { askKernel } = this.options;
    const absent: Scored = { unanswered: 'absent', waited_s: 0 };
    const scored = askKernel ? await askKernel({ ...call, key: `${worker.id} ${call.key}` }, timeout_s) : absent;
    worker.send({ type: 'scored', key: call.key, scored });
  }

  private gone({ id, opened }: Job, how: string): void {
    const partner = this.partner(id);
    this.turns.done(id);
    if (partner !== null) this.turns.look(partner);
    this.unwritten.set(id, { how, opened });
    this.markIfDead(id);
    this.options.changed(id);
  }

  /** Tries again to write how workers ended, once that can be written. */
  markUnwritten(): void {
    if (this.unwritten.size === 0) return;
    for (const id of [...this.unwritten.keys()]) this.markIfDead(id);
    if (this.unwritten.size === 0) this.schedule();
  }

  /**
   * Marks a run `interrupted` when its log says active and no process holds its lock. A run that is still queued counts too when our worker
   * ended before it had opened the run: that run failed to start and waits for nothing. One that our worker had opened was queued anew since,
   * by another process that goes on with it.
   */
  markIfDead(id: string): void {
    const directory = runDirectory(this.options.home, id);
    const ended = this.unwritten.get(id);
    try {
      if (!this.worker(id) && existsSync(directory) && !isTraining(directory)) {
        using store = openRun(this.options.home, id);
        const { state } = store.row();
        if (reportOf(store.db)) return; // trained by another machine
        if (isActive(state) || (ended?.opened === false && state === 'queued')) {
          const how = ended?.how ?? 'no process trains it any more';
          store.setState('interrupted', errors.workerDied(how, lastLine(logFile(directory))).toJSON());
          this.options.changed(id);
        }
      }
      this.unwritten.delete(id);
    } catch (error) {
      this.complain(`${id}: ${errorBody(error).message}`);
      if (!isDiskFull(error)) this.unwritten.delete(id);
    }
  }

  /** Once, however often it is tried again. */
  private complain(what: string): void {
    if (what !== this.complaint) process.stderr.write(`${what}\n`);
    this.complaint = what;
  }
}
