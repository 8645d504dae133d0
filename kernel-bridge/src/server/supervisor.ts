/**
 * The queue of runs: each gets a process of jobs.ts, and the end of that process is written to its run. Runs wait in the order they were queued while
 * another one trains: one at a time trains (a paused one lends its turn); the two of a pair count as one and take turns step by step, or have a GPU
 * each. Evaluations and answers share the device with them.
 */
import { existsSync } from 'node:fs';
import { errorBody } from '../protocol/errors.ts';
import type { Answer, Ask } from '../protocol/generate.ts';
import type { KernelCall, Scored } from '../protocol/kernels.ts';
import { hasEnded, isActive, type RunState } from '../protocol/run.ts';
import { isDiskFull } from '../log/room.ts';
import { errors } from '../runs/errors.ts';
import { runDirectory } from '../runs/home.ts';
import { isTraining, listRuns, logFile, openRun, partnerOf, trainedBy } from '../runs/runs.ts';
import type { RunStore } from '../runs/store.ts';
import { gpuOfPair, visibleGpus } from './gpus.ts';
import { lastLine, type Job, type Jobs, type Said } from './jobs.ts';
import { Turns } from './turns.ts';

export interface SupervisorOptions {
  home: string;
  jobs: Jobs;
  /** Module that the worker process runs. */
  workerModule?: string;
  /** Workers that train at the same time. */
  maxTraining?: number;
  /** Called after every commit of any worker and after every change made here. */
  changed: (id: string) => void;
  /** The way to kernels, for workers whose rewards they evaluate. */
  askKernel?: (call: KernelCall, timeout_s: number) => Promise<Scored>;
  /** Called before a worker is started: who holds memory of the device may let go of it. */
  starting?: () => void;
  /** GPUs that runs may use. */
  gpus?: () => string[];
}

export class Supervisor {
  /** How workers ended whose end could not be written yet, as on a full disk: their runs are not started again before it is. */
  private readonly unwritten = new Map<string, string>();
  private readonly options: SupervisorOptions;
  private complaint = '';
  private readonly turns: Turns;

  constructor(options: SupervisorOptions) {
    this.options = options;
    this.turns = new Turns({
      rival: (id) => this.rival(id),
      step: (id) => this.read(id, (store) => store.step) ?? 0,
      grant: (id) => this.worker(id)?.send('turn'),
    });
  }

  /** Marks runs whose worker died with the last server, and starts what was queued. */
  recover(): void {
    for (const id of listRuns(this.options.home)) this.markIfDead(id);
    this.schedule();
  }

  /** Starts the run at once, whatever else trains. */
  startNow(id: string): void {
    using store = openRun(this.options.home, id);
    this.enqueue(store);
    this.spawn(id);
  }

  /** Queues the run for a worker, once the one it had before is gone. */
  async start(id: string): Promise<void> {
    await this.settled(id);
    this.markIfDead(id);
    using store = openRun(this.options.home, id);
    this.enqueue(store);
    this.options.changed(id);
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
  ask(id: string, ask: Ask, signal: AbortSignal): Promise<{ answer: Answer; step: number | null }> | null {
    const worker = this.worker(id);
    const state = this.stateOf(id);
    return worker && state !== null && isActive(state) ? worker.ask(ask, null, signal) : null;
  }

  isTraining(id: string): boolean {
    return this.worker(id) !== undefined || isTraining(runDirectory(this.options.home, id));
  }

  /** Resolves when a worker that has written its run's end has also left. */
  async settled(id: string): Promise<void> {
    const state = this.stateOf(id);
    if (state === null || hasEnded(state)) await this.worker(id)?.ended;
  }

  /** Ids of runs with a worker of this supervisor. */
  get ids(): string[] {
    return this.options.jobs.all('train').map(({ id }) => id);
  }

  /** Starts queued runs, oldest first, while the device has room. */
  schedule(): void {
    if (this.options.jobs.closing) return;
    for (const { id } of this.queue()) {
      const partner = this.partner(id);
      const joins = partner !== null && this.worker(partner) !== undefined; // the place of its pair
      if (joins || this.training() < (this.options.maxTraining ?? 1)) this.spawn(id);
    }
  }

  /** Puts a run that waits before the others that do. */
  first(id: string): void {
    const queue = this.queue();
    const before = Math.min(...queue.map(({ since }) => since)) - 1;
    for (const one of [id, this.partner(id)]) {
      if (!queue.some((waiting) => waiting.id === one)) continue;
      using store = openRun(this.options.home, one!);
      store.askToStart(before);
    }
    this.schedule();
  }

  /** Runs that wait for a worker, in the order in which they were asked to start. */
  private queue(): { id: string; since: number }[] {
    return listRuns(this.options.home)
      .flatMap((id) => {
        const since = this.worker(id) ? null : this.waitsSince(id);
        return since === null ? [] : [{ id, since }];
      })
      .sort((a, b) => a.since - b.since || (a.id < b.id ? -1 : 1));
  }

  private training(): number {
    const training = this.ids.filter((id) => this.stateOf(id) !== 'paused');
    return new Set(training.map((id) => this.read(id, (store) => store.row().pair?.id) ?? id)).size;
  }

  /** When it was asked to start; null where it does not wait. */
  private waitsSince(id: string): number | null {
    if (this.unwritten.has(id)) return null;
    try {
      if (isTraining(runDirectory(this.options.home, id))) return null;
      using store = openRun(this.options.home, id);
      return store.row().state === 'queued' ? (store.pending().find(({ action }) => action === 'start')?.created_at ?? null) : null;
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

  /** The other run of the pair while it is to make a step too. */
  private rival(id: string): string | null {
    const partner = this.partner(id);
    if (partner === null || this.worker(partner) === undefined) return null;
    const state = this.stateOf(partner);
    return state === null || state === 'paused' || hasEnded(state) ? null : partner;
  }

  private spawn(id: string): void {
    const { home, jobs, workerModule: module, starting } = this.options;
    starting?.();
    const directory = runDirectory(home, id);
    const partner = this.partner(id);
    const gpu = partner === null ? null : this.gpuOf(id, partner);
    const turns = partner !== null && gpu === null;
    jobs.start({
      kind: 'train',
      id,
      module,
      args: [directory, home, ...(turns ? ['turns'] : [])],
      log: logFile(directory),
      env: gpu === null ? {} : { CUDA_VISIBLE_DEVICES: gpu },
      heard: (message, worker) => this.heard(message, worker, turns ? partner : null),
      gone: (how) => this.gone(id, how),
    });
  }

  /** `rival`: the run that shares the device with this one. */
  private heard(message: Said, worker: Job, rival: string | null): void {
    const { id } = worker;
    if (typeof message === 'object') return void this.score(worker, message);
    if (message === 'turn?') return this.turns.ask(id);
    if (message === 'turn-done') this.turns.done(id);
    if (message === 'committed') this.options.changed(id);
    if (message === 'committed' && this.stateOf(id) === 'paused') this.schedule(); // it has lent the device
    if (rival !== null) this.turns.look(rival);
  }

  /** A GPU for itself; null where the two of the pair share a device. */
  private gpuOf(id: string, partner: string): string | null {
    const row = this.read(id, (store) => store.row());
    return row && gpuOfPair(row.config, id < partner ? 0 : 1, this.options.gpus ?? visibleGpus);
  }

  /** Keys of calls are a run's own: two runs may give one function the same completions. */
  private async score(worker: Job, { call, timeout_s }: Extract<Said, { type: 'score' }>): Promise<void> {
    const { askKernel } = this.options;
    const absent: Scored = { unanswered: 'absent', waited_s: 0 };
    const scored = askKernel ? await askKernel({ ...call, key: `${worker.id} ${call.key}` }, timeout_s) : absent;
    worker.send({ type: 'scored', key: call.key, scored });
  }

  private gone(id: string, how: string): void {
    const partner = this.partner(id);
    this.turns.done(id);
    if (partner !== null) this.turns.look(partner);
    this.unwritten.set(id, how);
    this.markIfDead(id);
    this.options.changed(id);
    this.schedule();
  }

  /** Tries again to write how workers ended, once that can be written. */
  markUnwritten(): void {
    if (this.unwritten.size === 0) return;
    for (const id of [...this.unwritten.keys()]) this.markIfDead(id);
    if (this.unwritten.size === 0) this.schedule();
  }

  /**
   * Marks a run `interrupted` when its log says active and no process holds its lock. A run that is still queued counts too when our worker
   * ended before it had opened the run: that run failed to start and waits for nothing.
   */
  markIfDead(id: string): void {
    const directory = runDirectory(this.options.home, id);
    const ended = this.unwritten.get(id);
    try {
      if (!this.worker(id) && existsSync(directory) && !isTraining(directory)) {
        using store = openRun(this.options.home, id);
        const { state } = store.row();
        if (isActive(state) || (ended !== undefined && state === 'queued')) {
          const how = ended ?? 'no process trains it any more';
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
