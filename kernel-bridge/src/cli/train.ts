/**
 * `medr1 train`: one run in the foreground. With a server on this home the run is handed to it, so that it shows in JupyterLab at once;
 * without one this process supervises the worker itself, and a server started later finds the run by its files.
 */
import { existsSync } from 'node:fs';
import { copyFile, readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { expandHome } from '../files/user-path.ts';
import { connectHome } from '../server/connect.ts';
import type { Client } from '../client/index.ts';
import { loadItems } from '../data/load.ts';
import { WorkbenchError, type ErrorBody } from '../protocol/errors.ts';
import { isRewardFile } from '../protocol/rewards.ts';
import type { TrainConfig } from '../protocol/config.ts';
import { hasEnded, isActive, type RunEvent, type RunSummary } from '../protocol/run.ts';
import { completeConfig, parseSettings, readConfigFile } from '../runs/config.ts';
import { errors } from '../runs/errors.ts';
import { homeDir, prepareHome, runDirectory } from '../runs/home.ts';
import { createRun, isTraining, openRun, trainedBy } from '../runs/runs.ts';
import { Supervisor } from '../server/supervisor.ts';
import { launchOf, launchVariable } from '../worker/launch.ts';
import { followHere } from './follow.ts';

import { printJson } from './output.ts';
import { progress, type Progress } from './progress.ts';
import { Follower } from './run-log.ts';
import { requireFile, traceOption } from './trace.ts';

interface Options {
  set: string[];
  resume?: string;
  processes?: number;
  trace?: string;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('train')
    .description('train by a configuration file (YAML, keys of docs/config.md), with a progress bar; Ctrl-C checkpoints and stops')
    .argument('[config]', 'YAML file')
    .option('--set <key=value>', 'set one key, may be repeated', (value, before: string[]) => [...before, value], [])
    .option('--resume <run>', 'go on with a run that was stopped or interrupted')
    .option('--processes <n>', 'train with so many processes; they share dp_shards, which a new run sets to their number', wholeNumber)
    .addOption(traceOption('one step: the first of trace_steps, else the second'))
    .option('--json', 'print one JSON document at the end and nothing else')
    .action(train);
}

async function train(file: string | undefined, options: Options): Promise<void> {
  if (!file === !options.resume) throw errors.badRequest('medr1 train', 'it takes either a configuration file or --resume RUN');
  const launch = launchOf(process.env);
  if (launch && launch.rank > 0) return followHere(launch);
  if (launch) Object.assign(process.env, launchVariable(launch)); // for the process that trains
  if (options.resume && options.processes) process.env.MEDR1_PROCESSES = String(options.processes);
  const home = prepareHome(homeDir());
  if (options.trace) requireFile(options.trace);
  const config = file
    ? withPaths(completeConfig({ ...readConfigFile(file), ...ofProcesses(options.processes), ...parseSettings(options.set) }), file)
    : null;
  if (config && options.trace) config.trace_steps ??= [config.max_steps === 1 ? 1 : 2];
  let total: number | null = null;
  const show = options.json ? null : progress(process.stderr, () => total);
  const started = (steps: number): void => void (total = steps || null);
  const own = launch !== null || process.env.MEDR1_PROCESSES !== undefined; // a server trains by the configuration alone
  const client = own
    ? null
    : await connectHome(home).catch((error: WorkbenchError) => {
        if (error.code === 'SERVER_ABSENT') return null;
        throw error;
      });
  let failure: ErrorBody | null = null;
  let stopped = false;
  const job = {
    home,
    config,
    resume: options.resume,
    show,
    started,
    rewardFailed: (error: ErrorBody) => (failure = error),
    interrupted: () => (stopped = true),
  };
  const summary = client ? await onServer(client, job) : await here(job);
  show?.done(summary);
  const directory = runDirectory(home, summary.id);
  const error = summary.error ?? (failure as ErrorBody | null);
  if (options.trace && !error) await copyTrace(join(directory, 'traces'), options.trace);
  if (options.json) printJson({ ...summary, directory });
  if (stopped || summary.state !== 'finished') process.exitCode = 1; // what stands behind && in a shell does not follow
  if (error) throw new WorkbenchError({ ...error, exit: 1 });
}

/** What --processes means for a new run: as many shards, unless the configuration says more of them. */
const ofProcesses = (processes: number | undefined): Record<string, number> => (processes ? { processes, dp_shards: processes } : {});

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('Give a whole number from 1 on.');
  return value;
}

/** The first trace that the run wrote. Without one, as when it ended before, the error says so. */
async function copyTrace(directory: string, file: string): Promise<void> {
  const written = existsSync(directory) ? (await readdir(directory)).filter((name) => /^step-\d+\.json$/.test(name)) : [];
  const stepOf = (name: string): number => Number(name.slice(5, -5));
  const [first] = written.sort((a, b) => stepOf(a) - stepOf(b));
  if (first !== undefined) return copyFile(join(directory, first), file);
  throw new WorkbenchError({
    code: 'TRACE_ABSENT',
    exit: 1,
    message: `The run traced no step: ${directory} holds none`,
    remedy: 'Start a run with --set trace_steps=[N] for a step N that it will make.',
  });
}

interface Job {
  home: string;
  /** Null when a run is resumed. */
  config: Record<string, unknown> | null;
  resume?: string;
  show: Progress | null;
  /** Told the number of steps once the trainer knows it. */
  started: (steps: number) => void;
  /** Told what a reward function did that paused the run; nobody is there to mend it, so the command ends. */
  rewardFailed: (error: ErrorBody) => void;
  /** Told that a person or a signal asked for an end. */
  interrupted: () => void;
}

async function onServer(client: Client, { home, config, resume, show, started, rewardFailed, interrupted }: Job): Promise<RunSummary> {
  using _ = { [Symbol.dispose]: () => client.close() };
  const { id, seq } = config ? await client.createRun(config, { start: false }) : (await client.run(resume!)).summary;
  show?.begin(id, 'on the running server');
  let fail: (error: unknown) => void = () => undefined;
  const lost = new Promise<never>((_, reject) => (fail = reject));
  lost.catch(() => undefined); // also where nothing waits for it any more
  using _watch = watchServer(client, id, { waiting: (line) => show?.note(line), lost: () => fail(errors.serverGone(home, id)) });
  using _interrupt = onInterrupt(() => {
    interrupted();
    client.action(id, 'stop').catch(() => fail(errors.serverGone(home, id)));
  });
  const ended = new Promise<void>((done) => {
    client.subscribe(`run:${id}`, { since: seq }, (event) => {
      if (event.kind === 'state')
        client.run(id).then(
          ({ summary }) => started(summary.total_steps),
          () => undefined,
        ); // the watch says when it is gone
      show?.event(event);
      const failure = rewardFailure(event);
      if (failure) rewardFailed(failure);
      if (failure || isEnd(event)) done();
    });
  });
  await client.action(id, config ? 'start' : 'resume');
  await Promise.race([ended, lost]);
  return (await client.run(id)).summary;
}

/** How often a server is asked whether it is there, and for how long it may not be. */
const WATCH_MS = 2000;
const GONE_MS = 8000;

/** Tells what a queued run waits for, once for each reason, and when the server is gone. */
function watchServer(client: Client, id: string, told: { waiting: (line: string) => void; lost: () => void }): Disposable {
  let answered = Date.now();
  let said = '';
  const look = async (): Promise<void> => {
    try {
      const runs = await client.runs();
      answered = Date.now();
      const line = waitsFor(runs, id);
      if (line !== null && line !== said) told.waiting((said = line));
    } catch {
      if (Date.now() - answered > GONE_MS) told.lost();
    }
  };
  const timer = setInterval(() => void look(), WATCH_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** "waits behind run X, which trains"; null for a run that does not wait. */
export function waitsFor(runs: readonly RunSummary[], id: string): string | null {
  if (runs.find((run) => run.id === id)?.state !== 'queued') return null;
  const training = runs.filter(({ state }) => isActive(state) && state !== 'paused').map((run) => run.id);
  return training.length === 0 ? null : `waits behind run ${training.join(', ')}, which ${training.length > 1 ? 'train' : 'trains'}`;
}

async function here({ home, config, resume, show, started, rewardFailed, interrupted }: Job): Promise<RunSummary> {
  using store = config ? await createRun(home, config, { loadItems }) : openRun(home, resume!);
  const { id } = store.row();
  new Supervisor({ home, changed: () => undefined }).markIfDead(id); // its worker may have been killed together with what supervised it
  const { state } = store.row();
  if (isTraining(store.directory)) throw errors.runLocked(id, trainedBy(store.directory));
  if (isActive(state) || state === 'finished') throw errors.wrongState(id, 'be resumed', state, 'medr1 runs list shows the states.');
  show?.begin(id, 'in this process');
  const follower = new Follower(store);
  let done = (): void => {};
  const ended = new Promise<void>((resolve) => (done = resolve));
  const look = (): void => {
    for (const event of follower.next()) {
      if (event.kind === 'state') started(store.row().total_steps);
      show?.event(event);
      const failure = rewardFailure(event);
      if (failure) {
        rewardFailed(failure);
        stop();
      }
    }
    if (!supervisor.ids.includes(id)) done(); // whatever it wrote, or did not get to write
  };
  const supervisor = new Supervisor({ home, changed: (changed) => changed === id && look() });
  const stop = (): void => {
    store.command('stop');
    supervisor.nudge(id);
  };
  using _interrupt = onInterrupt(() => {
    interrupted();
    stop();
  });
  supervisor.startNow(id);
  await ended;
  await supervisor.close();
  if (!hasEnded(store.row().state)) throw errors.runLocked(id, trainedBy(store.directory));
  return store.summary();
}

const isEnd = (event: RunEvent): boolean => event.kind === 'state' && hasEnded(event.state);

/** The error of a reward function that paused the run. */
const rewardFailure = (event: RunEvent): ErrorBody | null =>
  event.kind === 'state' && event.state === 'paused' && event.error?.code.startsWith('REWARD_') ? event.error : null;

/** First Ctrl-C (or SIGTERM) asks for an end between two steps; the second leaves at once. */
function onInterrupt(ask: () => void): Disposable {
  let asked = false;
  const interrupted = (): void => {
    if (asked) process.exit(1);
    asked = true;
    ask();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupted);
  return { [Symbol.dispose]: () => ['SIGINT', 'SIGTERM'].forEach((signal) => process.off(signal, interrupted)) };
}

/** Paths as written are relative to where the command runs, not to where the server does; those of reward files to the configuration. */
function withPaths(config: TrainConfig, file: string): TrainConfig {
  const absolute = (path: string): string => (existsSync(expandHome(path)) ? resolve(expandHome(path)) : path);
  const reward_funcs = config.reward_funcs.map((entry) => (isRewardFile(entry) ? resolve(dirname(file), expandHome(entry)) : entry));
  return {
    ...config,
    reward_funcs,
    model_name_or_path: resolve(expandHome(config.model_name_or_path)),
    dataset_name: absolute(config.dataset_name),
  };
}
