/**
 * Works a plan off, a part on each device of the machine: every checkpoint is a run of the store, every evaluation one of the evaluation store, and
 * what is done is read from there alone. So nothing is done twice and nothing is lost, whenever the process is killed. The order in which parts end
 * is told nobody: what is made of them is in the plan's order.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from '../client/index.ts';
import { connectHome } from '../server/connect.ts';
import { isEvaluating, logFile, prepareEvaluation, summaryOf as summaryOfEvaluation, type LoadQuestions } from '../evals/evals.ts';
import type { EvalStore } from '../evals/store.ts';
import { errorBody, WorkbenchError, type ErrorBody } from '../protocol/errors.ts';
import { hasEnded, type RunSummary } from '../protocol/run.ts';
import { tryLock } from '../log/lock.ts';
import { errors as runErrors } from '../runs/errors.ts';
import { makeDirectory, runDirectory } from '../runs/home.ts';
import { isRewardFailure } from '../rewards/index.ts';
import { createRun, isTraining, listRuns, openRun, type LoadItems } from '../runs/runs.ts';
import { Jobs } from '../server/jobs.ts';
import type { Place, Wish } from '../server/placement.ts';
import { DevicePool } from '../server/device-pool.ts';
import { Supervisor } from '../server/supervisor.ts';
import { errors } from './errors.ts';
import type { Evaluating, Plan, Training } from './plan.ts';

export interface WorkOptions {
  home: string;
  plan: Plan;
  loadItems: LoadItems & LoadQuestions;
  /** Aborted to stop after the step or batch at hand. */
  signal: AbortSignal;
  /** Told of every part as it goes on. */
  progress: (part: Part) => void;
  /** Processes that train and evaluate; the real ones when left out. */
  workerModule?: string;
  evaluationModule?: string;
  devices?: ConstructorParameters<typeof DevicePool>[1];
}

export interface Part {
  what: 'train' | 'evaluate';
  name: string;
  /** Steps or answers. */
  done: number;
  total: number;
  state: string;
  error: ErrorBody | null;
}

/** Ids by the plan's names. */
export interface Worked {
  runs: Map<string, string>;
  evaluations: Map<string, string>;
  failed: { name: string; error: ErrorBody }[];
}

const LOOK_MS = 300;
/** What waits in another's queue is looked at less often. */
const LOOK_QUEUED_MS = 2000;

/** Who works on parts where no server does. */
interface Crew {
  jobs: Jobs;
  pool: DevicePool;
  supervisor: Supervisor;
  turns: DeviceTurns;
}

export const planDirectory = (home: string, name: string): string => join(home, 'reproduce', name);

/** Throws REPRODUCE_BUSY, REPRODUCE_STOPPED. Parts that fail are named in the answer; the others are done all the same. */
export async function work(options: WorkOptions): Promise<Worked> {
  const { home, plan, signal, workerModule } = options;
  const directory = planDirectory(home, plan.recipe.name);
  makeDirectory(directory);
  using lock = tryLock(join(directory, 'lock'), 2000);
  if (!lock) throw errors.busy(plan.recipe.name);
  const runs = await makeRuns(options);
  const jobs = new Jobs();
  const pool = new DevicePool(jobs, options.devices);
  const supervisor = new Supervisor({ home, jobs, pool, workerModule, changed: () => {} });
  const crew: Crew = { jobs, pool, supervisor, turns: new DeviceTurns(jobs, pool, signal) };
  const parts = plan.evaluations;
  const ends = await Promise.allSettled(
    parts.map(async (part) => {
      if (part.of) await train(part.of, runs.get(part.of.name)!, options, crew);
      return evaluate(part, runs, options, crew);
    }),
  );
  await jobs.close();
  if (signal.aborted) throw errors.stopped(ends.filter(({ status }) => status === 'fulfilled').length, parts.length);
  const worked: Worked = { runs, evaluations: new Map(), failed: [] };
  for (const [at, end] of ends.entries()) {
    if (end.status === 'fulfilled') worked.evaluations.set(parts[at].name, end.value);
    else worked.failed.push({ name: parts[at].name, error: errorBody(end.reason) });
  }
  return worked;
}

/** Hands devices to parts in the order in which they ask, one part a device. */
class DeviceTurns {
  readonly #pool: DevicePool;
  readonly #signal: AbortSignal;
  readonly #waiting: { wish: Wish; start: (place: Place) => void; give: (error: unknown) => void }[] = [];

  constructor(jobs: Jobs, pool: DevicePool, signal: AbortSignal) {
    this.#pool = pool;
    this.#signal = signal;
    jobs.onFree(() => this.#look());
    signal.addEventListener('abort', () => this.#waiting.splice(0).forEach(({ give }) => give(signal.reason)));
  }

  /** Calls `start` with a place once there is one; it starts the process there and then. Throws what makes that impossible. */
  take<T>(wish: Pick<Wish, 'kind' | 'device' | 'devices'>, start: (place: Place) => T): Promise<T> {
    const whole: Wish = { ...wish, exclusive: true, bytes: 0 };
    const never = this.#pool.impossible(whole);
    if (never) return Promise.reject(never);
    return new Promise((resolve, reject) => {
      if (this.#signal.aborted) return reject(this.#signal.reason as Error);
      const begin = (place: Place): void => {
        try {
          resolve(start(place));
        } catch (error) {
          reject(error as Error);
        }
      };
      this.#waiting.push({ wish: whole, start: begin, give: reject });
      this.#look();
    });
  }

  #look(): void {
    const kept = new Set<string>();
    for (const one of [...this.#waiting]) {
      const place = this.#pool.place(one.wish, kept);
      if (typeof place === 'string') {
        for (const id of this.#pool.candidates(one.wish)) kept.add(id);
        continue;
      }
      this.#waiting.splice(this.#waiting.indexOf(one), 1);
      one.start(place);
    }
  }
}

/** Every checkpoint's run, found again or made: those that wait show as queued in the Runs panel. */
async function makeRuns({ home, plan, loadItems }: WorkOptions): Promise<Map<string, string>> {
  const known = runsByRequest(home);
  const runs = new Map<string, string>();
  for (const { name, config, request_id } of plan.trainings) {
    let id = known.get(request_id);
    if (id === undefined) {
      using made = await createRun(home, config, { loadItems, request_id });
      id = made.row().id;
    }
    runs.set(name, id);
  }
  return runs;
}

export function runsByRequest(home: string): Map<string, string> {
  const found = listRuns(home).flatMap((id): [string, string][] => {
    try {
      using store = openRun(home, id);
      const { request_id } = store.row();
      return request_id === null ? [] : [[request_id, id]];
    } catch {
      return []; // a damaged run stands in nobody's way
    }
  });
  return new Map(found);
}

/** Trains the run to its end, on the server of this home when there is one, else under this process. Throws what ended it otherwise. */
async function train(training: Training, id: string, options: WorkOptions, crew: Crew): Promise<void> {
  const { home, signal } = options;
  const directory = runDirectory(home, id);
  const tell = teller(training.name, options);
  using store = openRun(home, id); // once: opening takes many times what a look takes
  let trainer: RunTrainer | null = null;
  let failed: WorkbenchError | null = null;
  try {
    for (;;) {
      if (!existsSync(directory)) throw runErrors.runUnknown(id); // it was moved to the trash
      const summary = store.summary();
      tell(summary);
      if (isTraining(directory) || trainer?.holds(id)) {
        failed = waitsForReward(summary) ?? failed;
        if (failed && trainer === null) throw failed; // another's, who may mend it
        if (signal.aborted || failed) await trainer?.stop(id);
      } else {
        if (summary.state === 'finished') return;
        if (failed) throw failed;
        signal.throwIfAborted();
        const left = summary.error?.code === 'SERVER_STOPPED' || (trainer !== null && !(await trainer.alive()));
        if (left) {
          await trainer?.close();
          trainer = null; // go on without the server
        }
        if (trainer === null) trainer = await beginTraining(id, summary, options, crew);
        else if (hasEnded(summary.state)) throw ended(summary);
      }
      await wait(summary.state === 'queued' && !trainer?.holds(id) ? LOOK_QUEUED_MS : LOOK_MS);
    }
  } finally {
    await trainer?.close();
  }
}

/** Paused until somebody mends its reward: that must not hold up the other checkpoints. */
function waitsForReward({ state, error }: RunSummary): WorkbenchError | null {
  if (state !== 'paused' || !error) return null;
  const failure = new WorkbenchError({ ...error });
  return isRewardFailure(failure) ? failure : null;
}

function teller(name: string, { progress }: WorkOptions): (summary: RunSummary) => void {
  let told = '';
  return ({ step, total_steps, state, error }) => {
    const part: Part = { what: 'train', name, done: step, total: total_steps, state, error };
    if (told !== JSON.stringify(part)) progress(part);
    told = JSON.stringify(part);
  };
}

/** Who trains a run. */
interface RunTrainer {
  /** Its process lives, though it may not have the run's lock yet: a state that says ended is somebody else's last word. */
  holds(id: string): boolean;
  stop(id: string): Promise<void>;
  alive(): Promise<boolean>;
  close(): Promise<void>;
}

/** Asks the server to train the run. Without a server this process trains it, once a device is free. */
async function beginTraining(id: string, { state }: RunSummary, { home }: WorkOptions, crew: Crew): Promise<RunTrainer> {
  const client = await connectHome(home).catch(() => null);
  if (client) {
    const asked = await client.action(id, state === 'queued' ? 'start' : 'resume').catch(() => null);
    if (asked) return onServer(client);
    client.close();
  }
  using store = openRun(home, id);
  const { device, devices = 1 } = store.row().config;
  await crew.turns.take({ kind: 'train', device, devices }, (place) => {
    crew.supervisor.markIfDead(id); // its worker may have been killed together with what supervised it
    crew.supervisor.startNow(id, place);
  });
  return underThisProcess(id, crew, home);
}

const onServer = (client: Client): RunTrainer => ({
  holds: () => false,
  stop: async (id) => void (await client.action(id, 'stop').catch(() => null)),
  alive: () =>
    client.server().then(
      () => true,
      () => false,
    ),
  close: async () => client.close(),
});

const underThisProcess = (own: string, { jobs, supervisor }: Crew, home: string): RunTrainer => ({
  holds: (id) => supervisor.isTraining(id),
  async stop(id) {
    using store = openRun(home, id);
    if (!store.pending().some(({ action }) => action === 'stop')) store.command('stop');
    supervisor.nudge(id);
  },
  alive: async () => true,
  close: async () => void (await jobs.find('train', own)?.end()),
});

const ended = ({ id, state, error }: RunSummary): Error =>
  error
    ? new WorkbenchError({ ...error })
    : new WorkbenchError({
        code: 'REPRODUCE_RUN_ENDED',
        message: `run ${id} was ${state} before its last step`,
        remedy: 'The same command resumes it.',
      });

/** Evaluates, on the server of this home when there is one, else under this process. Returns the evaluation's id. */
async function evaluate(part: Evaluating, runs: Worked['runs'], options: WorkOptions, crew: Crew): Promise<string> {
  const { home, plan, loadItems, signal, progress } = options;
  const model = part.of ? { run: runs.get(part.of.name)! } : { model: plan.recipe.model_name_or_path };
  const wanted = plan.recipe.common?.device ?? 'auto'; // where the runs train
  const device = wanted.includes(':') ? wanted : crew.pool.kindOf(wanted);
  const { store } = await prepareEvaluation(home, { ...part.request, ...model, device }, { loadItems });
  using evaluation = store;
  const { id } = evaluation.row();
  const say = (): void => {
    const { done, total, state, error } = evaluation.summary();
    progress({ what: 'evaluate', name: part.name, done, total, state, error });
  };
  const isDone = (): boolean => {
    const { done, total, state } = evaluation.summary();
    return state === 'finished' && done >= total;
  };
  const others = async (): Promise<void> => {
    while (isEvaluating(evaluation.directory)) {
      signal.throwIfAborted();
      await wait(LOOK_MS); // a process of an earlier time ends its batch, or somebody else works on it
    }
  };
  await others();
  if (!isDone() && (await leftByServer(evaluation, options, say))) {
    await others();
    if (!isDone()) await evaluateHere(evaluation, device, options, crew, say);
  }
  say();
  const { error, state: reached } = summaryOfEvaluation(evaluation);
  if (error) throw new WorkbenchError(error);
  if (reached !== 'finished')
    throw new WorkbenchError({
      code: 'EVAL_STOPPED',
      message: `evaluation ${id} was ${reached} before its last answer`,
      remedy: `The same command goes on. What its process said last is in ${logFile(evaluation.directory)}.`,
    });
  return id;
}

/** Has the server of this home evaluate. True where there is none, or it left before the end: the evaluation is ours then. */
async function leftByServer(evaluation: EvalStore, { home, signal }: WorkOptions, say: () => void): Promise<boolean> {
  const client = await connectHome(home).catch(() => null);
  if (!client) return true;
  const { id } = evaluation.row();
  try {
    await client.evals.action(id, { action: 'resume' });
    for (;;) {
      const { state } = summaryOfEvaluation(evaluation);
      say();
      if (state === 'interrupted') return true;
      if (state !== 'queued' && state !== 'running') return false;
      if (signal.aborted) await client.evals.action(id, { action: 'stop' });
      else if (state === 'queued') await client.server();
      await wait(state === 'queued' ? LOOK_QUEUED_MS : LOOK_MS);
    }
  } catch {
    signal.throwIfAborted();
    return true; // it does not answer any more
  } finally {
    client.close();
  }
}

async function evaluateHere(evaluation: EvalStore, device: string, options: WorkOptions, crew: Crew, say: () => void): Promise<void> {
  const { home, signal, evaluationModule: module } = options;
  const { directory } = evaluation;
  const { id } = evaluation.row();
  const job = await crew.turns.take({ kind: 'evaluate', device, devices: 1 }, (place) =>
    crew.jobs.start({ kind: 'evaluate', id, module, args: [directory, home], log: logFile(directory), place, heard: say }),
  );
  const stop = (): void => job.stop();
  signal.addEventListener('abort', stop);
  try {
    await job.ended;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
