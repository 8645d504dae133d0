/**
 * Works a plan off, one part after the other: every checkpoint is a run of the store, every evaluation one of the evaluation store, and
 * what is done is read from there alone. So nothing is done twice and nothing is lost, whenever the process is killed.
 */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from '../client/index.ts';
import { connectHome } from '../server/connect.ts';
import { isEvaluating, logFile, prepareEvaluation, summaryOf as summaryOfEvaluation, type LoadQuestions } from '../evals/evals.ts';
import { errorBody, WorkbenchError, type ErrorBody } from '../protocol/errors.ts';
import { hasEnded, type RunSummary } from '../protocol/run.ts';
import { tryLock } from '../log/lock.ts';
import { makeDirectory, runDirectory } from '../runs/home.ts';
import { isRewardFailure } from '../rewards/index.ts';
import { createRun, isTraining, listRuns, openRun, type LoadItems } from '../runs/runs.ts';
import { device } from '../server/device.ts';
import { Jobs } from '../server/jobs.ts';
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

export const planDirectory = (home: string, name: string): string => join(home, 'reproduce', name);

/** Throws REPRODUCE_BUSY, REPRODUCE_STOPPED. Parts that fail are named in the answer; the others are done all the same. */
export async function work(options: WorkOptions): Promise<Worked> {
  const { home, plan, signal } = options;
  const directory = planDirectory(home, plan.recipe.name);
  makeDirectory(directory);
  using lock = tryLock(join(directory, 'lock'), 2000);
  if (!lock) throw errors.busy(plan.recipe.name);
  const worked: Worked = { runs: await makeRuns(options), evaluations: new Map(), failed: [] };
  const parts = plan.evaluations;
  for (const [index, part] of parts.entries()) {
    try {
      if (part.of) await train(part.of, worked.runs.get(part.of.name)!, options);
      worked.evaluations.set(part.name, await evaluate(part, worked, options));
    } catch (error) {
      if (signal.aborted) throw errors.stopped(index, parts.length);
      worked.failed.push({ name: part.name, error: errorBody(error) });
    }
    if (signal.aborted) throw errors.stopped(index + 1, parts.length);
  }
  return worked;
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
async function train(training: Training, id: string, options: WorkOptions): Promise<void> {
  const { home, signal } = options;
  const directory = runDirectory(home, id);
  const tell = teller(training.name, options);
  let trainer: RunTrainer | null = null;
  let failed: WorkbenchError | null = null;
  try {
    for (;;) {
      const summary = summaryOf(home, id);
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
        if (trainer === null) trainer = await beginTraining(id, summary, options);
        else if (hasEnded(summary.state)) throw ended(summary);
      }
      await wait(LOOK_MS);
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

function summaryOf(home: string, id: string): RunSummary {
  using store = openRun(home, id);
  return store.summary();
}

/** Who trains a run. */
interface RunTrainer {
  /** Its process lives, though it may not have the run's lock yet: a state that says ended is somebody else's last word. */
  holds(id: string): boolean;
  stop(id: string): Promise<void>;
  alive(): Promise<boolean>;
  close(): Promise<void>;
}

/** Asks the server to train the run. Without a server this process trains it. */
async function beginTraining(id: string, { state }: RunSummary, { home, workerModule }: WorkOptions): Promise<RunTrainer> {
  const client = await connectHome(home).catch(() => null);
  if (client) {
    const asked = await client.action(id, state === 'queued' ? 'start' : 'resume').catch(() => null);
    if (asked) return onServer(client);
    client.close();
  }
  const jobs = new Jobs();
  const supervisor = new Supervisor({ home, jobs, workerModule, changed: () => {} });
  supervisor.startNow(id);
  return underThisProcess(jobs, supervisor, home);
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

const underThisProcess = (jobs: Jobs, supervisor: Supervisor, home: string): RunTrainer => ({
  holds: (id) => supervisor.isTraining(id),
  async stop(id) {
    using store = openRun(home, id);
    if (!store.pending().some(({ action }) => action === 'stop')) store.command('stop');
    supervisor.nudge(id);
  },
  alive: async () => true,
  close: () => jobs.close(),
});

const ended = ({ id, state, error }: RunSummary): Error =>
  error
    ? new WorkbenchError({ ...error })
    : new WorkbenchError({
        code: 'REPRODUCE_RUN_ENDED',
        message: `run ${id} was ${state} before its last step`,
        remedy: 'The same command resumes it.',
      });

/** Evaluates in a process of its own, so that the device is free for the next training. Returns the evaluation's id. */
async function evaluate(part: Evaluating, { runs }: Worked, options: WorkOptions): Promise<string> {
  const { home, plan, loadItems, signal, progress } = options;
  const model = part.of ? { run: runs.get(part.of.name)! } : { model: plan.recipe.model_name_or_path };
  const { store } = await prepareEvaluation(home, { ...part.request, ...model, device: await deviceOf(plan) }, { loadItems });
  using evaluation = store;
  const { id } = evaluation.row();
  const say = (): void => {
    const { done, total, state, error } = evaluation.summary();
    progress({ what: 'evaluate', name: part.name, done, total, state, error });
  };
  while (isEvaluating(evaluation.directory)) {
    signal.throwIfAborted();
    await wait(LOOK_MS); // a process of an earlier time ends its batch, or somebody else works on it
  }
  const { done, total, state } = evaluation.summary();
  if (state !== 'finished' || done < total) await evaluationProcess(id, evaluation.directory, options, say);
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

/** Where the runs train. */
async function deviceOf({ recipe }: Plan): Promise<string> {
  return recipe.common?.device !== 'cpu' && (await device()).kind === 'cuda' ? 'cuda:0' : 'cpu';
}

async function evaluationProcess(id: string, directory: string, options: WorkOptions, committed: () => void): Promise<void> {
  const { home, signal, evaluationModule: module } = options;
  const jobs = new Jobs();
  const job = jobs.start({ kind: 'evaluate', id, module, args: [directory, home], log: logFile(directory), heard: committed });
  const stop = (): void => job.stop();
  signal.addEventListener('abort', stop);
  try {
    await job.ended;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
