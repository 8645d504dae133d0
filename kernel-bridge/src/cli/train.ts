/**
 * `medr1 train`: one run, or the two of a pair, in the foreground. With a server on this home the run is handed to it, so that it shows in JupyterLab at once;
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
import type { TrainConfig, Variant } from '../protocol/config.ts';
import { hasEnded, isActive, type RunEvent, type RunSummary } from '../protocol/run.ts';
import { completeConfig, parseSettings, readConfigFile } from '../runs/config.ts';
import { errors } from '../runs/errors.ts';
import { homeDir, prepareHome, runDirectory } from '../runs/home.ts';
import { parseVariants } from '../runs/pair-config.ts';
import { revisions } from '../runs/rewards.ts';
import { createPair, createRun, isTraining, openRun, partnerOf, trainedBy } from '../runs/runs.ts';
import type { RunStore } from '../runs/store.ts';
import { Jobs } from '../server/jobs.ts';
import { refusedThere, Reporter, workbenchAt, type CarryOut, type ReporterOptions } from '../server/reporter.ts';
import { Supervisor } from '../server/supervisor.ts';
import { launchOf, launchVariable } from '../worker/launch.ts';
import { tellDoubts } from './doubts.ts';
import { followHere } from './follow.ts';

import { printJson } from './output.ts';
import { plan } from './plan.ts';
import { progress, type Progress } from './progress.ts';
import { Follower } from './run-log.ts';
import { shardsFor } from './shards.ts';
import { requireFile, traceOption } from './trace.ts';

interface Options {
  set: string[];
  resume?: string;
  processes?: number;
  pair?: string;
  trace?: string;
  plan?: boolean;
  report?: string;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('train')
    .description('train by a configuration file (YAML, keys of docs/config.md), with a progress bar; Ctrl-C checkpoints and stops')
    .argument('[config]', 'YAML file')
    .option('--set <key=value>', 'set one key, may be repeated', (value, before: string[]) => [...before, value], [])
    .option('--resume <run>', 'go on with a run that was stopped or interrupted')
    .option('--processes <n>', 'train with so many processes; dp_shards is set to their number where it is 1', wholeNumber)
    .option('--pair <variants>', 'two runs that see the same questions in the same order under two prompts, as in think,no-think')
    .addOption(traceOption('one step: the first of trace_steps, else the second'))
    .option('--report <url>', 'show the run in the workbench at this address, and take edits from there (docs/guides/scale.md)')
    .option('--plan', 'say what memory, devices and time the run would take, and start nothing')
    .option('--json', 'print one JSON document at the end and nothing else')
    .action(train);
}

async function train(file: string | undefined, options: Options): Promise<void> {
  if (!file === !options.resume) throw errors.badRequest('medr1 train', 'it takes either a configuration file or --resume RUN');
  const variants = options.pair === undefined ? null : parseVariants(options.pair);
  const launch = launchOf(process.env);
  if (variants) checkPairOptions(options, launch !== null);
  if (launch && launch.rank > 0) return followHere(launch, () => configOf(file, options));
  if (launch) Object.assign(process.env, launchVariable(launch)); // for the process that trains
  if (options.resume && options.processes) process.env.MEDR1_PROCESSES = String(options.processes);
  const home = prepareHome(homeDir());
  if (options.trace) requireFile(options.trace);
  const config = configOf(file, options);
  if (options.plan) {
    if (!config) throw errors.badRequest('--plan', 'it takes the configuration file of a run to come');
    return plan(home, config, options.json ?? false);
  }
  const followed = new Map<string, Followed>();
  const begin = ({ id, variant, pair }: RunSummary, where: string): Followed => {
    const one: Followed = { show: null, total: null, failure: null };
    if (!options.json) one.show = progress(process.stderr, () => one.total, pair ? variant : '');
    followed.set(id, one);
    one.show?.begin(id, where);
    return one;
  };
  const workbench = options.report ? await reachable(options.report) : null;
  const own = workbench !== null || launch !== null || process.env.MEDR1_PROCESSES !== undefined; // a server trains by the configuration alone, and for itself
  const client = own
    ? null
    : await connectHome(home).catch((error: WorkbenchError) => {
        if (error.code === 'SERVER_ABSENT') return null;
        throw error;
      });
  let stopped = false;
  const job = { home, config, variants, resume: options.resume, workbench, begin, interrupted: () => (stopped = true) };
  const summaries = client ? await onServer(client, job) : await here(job);
  for (const summary of summaries) followed.get(summary.id)!.show?.done(summary);
  const error = summaries.map(({ id, error }) => error ?? followed.get(id)!.failure).find((one) => one !== null);
  const documents = summaries.map((summary) => ({ ...summary, directory: runDirectory(home, summary.id) }));
  if (options.trace && !error) await copyTrace(join(documents[0].directory, 'traces'), options.trace);
  if (options.json) printJson(documents.length === 1 ? documents[0] : { runs: documents });
  if (stopped || summaries.some(({ state }) => state !== 'finished')) process.exitCode = 1; // what stands behind && in a shell does not follow
  if (error) throw new WorkbenchError({ ...error, exit: 1 });
}

/** What a new run is to be trained by; null where a run goes on. */
function configOf(file: string | undefined, { set, processes, trace }: Options): TrainConfig | null {
  if (file === undefined) return null;
  const given = { ...readConfigFile(file), ...parseSettings(set) };
  const shared = processes === undefined ? {} : { processes, dp_shards: shardsFor(given, processes, `--processes ${processes}`) };
  const config = withPaths(completeConfig({ ...given, ...shared }), file);
  tellDoubts(config);
  if (trace) config.trace_steps ??= [config.max_steps === 1 ? 1 : 2];
  return config;
}

function checkPairOptions({ resume, trace }: Options, launched: boolean): void {
  if (resume) throw errors.badRequest('--pair', 'it starts new runs; --resume RUN of one of a pair goes on with both');
  if (trace) throw errors.badRequest('--trace', 'it takes one run; with --pair set trace_steps, and each run writes traces of its own');
  if (launched) throw errors.badRequest('--pair', 'a launcher such as torchrun starts the processes of one run');
}

/** What is known of a run while the command waits for it. */
interface Followed {
  show: Progress | null;
  /** Number of steps, once the trainer knows it. */
  total: number | null;
  /** What a reward function did that paused the run; nobody is there to mend it, so the command waits no longer. */
  failure: ErrorBody | null;
}

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
  /** Of a pair. */
  variants: Variant[] | null;
  resume?: string;
  /** Told of the runs while they train. */
  workbench: Client | null;
  begin: (run: RunSummary, where: string) => Followed;
  /** Told that a person or a signal asked for an end. */
  interrupted: () => void;
}

/** One run, or the two of a pair. */
async function onServer(client: Client, { home, config, variants, resume, begin, interrupted }: Job): Promise<RunSummary[]> {
  using _ = { [Symbol.dispose]: () => client.close() };
  using interrupt = onInterrupt(interrupted);
  // Made and queued in one request: a command that is killed meanwhile leaves a run that trains, or none.
  const runs = !config
    ? await resumedOn(client, resume!)
    : variants
      ? await client.createPair({ config, variants })
      : [await client.createRun(config)];
  const [{ id: first }] = runs;
  let fail: (error: unknown) => void = () => undefined;
  const lost = new Promise<never>((_, reject) => (fail = reject));
  lost.catch(() => undefined); // also where nothing waits for it any more
  const followed = runs.map((run) => begin(run, 'on the running server'));
  if (!config && interrupt.asked) return runs; // ended as they were
  using _watch = watchServer(client, first, {
    waiting: (line) => followed[0].show?.note(line),
    lost: () => fail(errors.serverGone(home, first)),
  });
  const ended = runs.map(({ id, seq }, at) => untilEnd(client, id, seq, followed[at]));
  if (!config) await client.action(first, 'resume');
  interrupt.whenAsked(() => {
    for (const { show } of followed) show?.note(STOPPING);
    client.action(first, 'stop').catch(() => fail(errors.serverGone(home, first)));
  });
  await Promise.race([Promise.all(ended), lost]);
  return Promise.all(runs.map(async ({ id }) => (await client.run(id)).summary));
}

/** The run, and the other run of its pair where it has one that is not finished. */
async function resumedOn(client: Client, id: string): Promise<RunSummary[]> {
  const { summary } = await client.run(id);
  const other = summary.pair && (await client.runs()).find((run) => run.id === summary.pair!.with);
  return other && other.state !== 'finished' ? [summary, other] : [summary];
}

function untilEnd(client: Client, id: string, since: number, followed: Followed): Promise<void> {
  return new Promise((done) => {
    client.subscribe(`run:${id}`, { since }, (event) => {
      if (event.kind === 'state')
        client.run(id).then(
          ({ summary }) => (followed.total = summary.total_steps || null),
          () => undefined,
        ); // the watch says when it is gone
      followed.show?.event(event);
      followed.failure = rewardFailure(event) ?? followed.failure;
      if (followed.failure || isEnd(event)) done();
    });
  });
}

/** How often a server is asked whether it is there, and for how long it may not be. */
const WATCH_MS = 2000;
const GONE_MS = 8000;

/** Tells what a queued run waits for, once for each reason, and when the server is gone. */
function watchServer(client: Client, id: string, told: { waiting: (line: string) => void; lost: () => void }): Disposable {
  let answered = performance.now();
  let said = '';
  const look = async (): Promise<void> => {
    try {
      const runs = await client.runs();
      answered = performance.now();
      const queued = runs.some((run) => run.id === id && run.state === 'queued');
      const devices = queued ? await client.devices().catch(() => null) : null;
      const line = devices?.queue.find((one) => one.id === id)?.reason ?? waitsFor(runs, id);
      if (line !== null && line !== said) told.waiting((said = line));
    } catch {
      if (performance.now() - answered > GONE_MS) told.lost();
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

async function here({ home, config, variants, resume, workbench, begin, interrupted }: Job): Promise<RunSummary[]> {
  using open = new DisposableStack();
  using interrupt = onInterrupt(interrupted);
  const changed = (id: string): void => runs.get(id)?.look();
  const { jobs, supervisor, carryOut, close } = workbench ? await makeReporting(home, changed) : makeAlone(home, changed);
  if (config) supervisor.require(completeConfig(config)); // before anything is made
  const stores = (
    !config
      ? await resumedHere(home, resume!)
      : variants
        ? await createPair(home, config, variants, { loadItems })
        : [await createRun(home, config, { loadItems })]
  ).map((store) => open.use(store));
  const runs = new Map(stores.map((store) => [store.row().id, following(store, supervisor, begin)]));
  if (interrupt.asked) {
    for (const store of stores) store.stopWaiting();
    await close();
    return stores.map((store) => store.summary());
  }
  for (const id of runs.keys()) supervisor.startNow(id);
  interrupt.whenAsked(() => {
    for (const run of runs.values()) run.note(STOPPING);
    for (const run of runs.values()) run.stop();
  });
  const reporters = workbench ? stores.map((store) => reporting({ store, workbench, carryOut }, runs.get(store.row().id)!)) : [];
  await Promise.all([...runs.values()].map(({ ended }) => ended));
  await jobs.close();
  for (const reporter of reporters) await reporter.end();
  await close();
  for (const store of stores) if (!hasEnded(store.row().state)) throw errors.runLocked(store.row().id, trainedBy(store.directory));
  return stores.map((store) => store.summary());
}

interface Here {
  jobs: Jobs;
  supervisor: Supervisor;
  /** Answers what people want of a run that is reported. */
  carryOut?: CarryOut;
  close: () => Promise<void>;
}

function makeAlone(home: string, changed: (id: string) => void): Here {
  const jobs = new Jobs();
  return { jobs, supervisor: new Supervisor({ home, jobs, changed }), close: async () => undefined };
}

/** With the routes of a server, which nobody but the workbench that is reported to can ask. */
async function makeReporting(home: string, changed: (id: string) => void): Promise<Here> {
  const { makeBackend } = await import('../server/server.ts');
  const backend = makeBackend({ home, loadItems, indexesData: false });
  backend.hub.onChange((topic) => changed(topic.replace('run:', '')));
  const app = backend.app(null);
  const headers = { host: 'localhost', authorization: `Bearer ${backend.secret}`, 'content-type': 'application/json' };
  return {
    ...backend,
    carryOut: async ({ method, path, body }) =>
      app.request(`/api${path}`, { method, headers, ...(body === null ? {} : { body: JSON.stringify(body) }) }),
    close: async () => {
      await backend.close();
      backend.hub.close();
    },
  };
}

function reporting(options: Omit<ReporterOptions, 'note'>, { note, onLook }: Following): { end: () => Promise<void> } {
  const reporter = new Reporter({ ...options, note });
  onLook(() => reporter.look());
  return {
    end: async () => {
      const { id } = options.store.row();
      if (!(await reporter.end())) note(`the workbench does not have all of the run: medr1 runs report ${id} URL sends the rest`);
    },
  };
}

/** A workbench that answers, or that cannot be reached at the moment. Throws where it refuses, as with a wrong token. */
async function reachable(address: string): Promise<Client> {
  const workbench = workbenchAt(address);
  await workbench.server().catch((cause: unknown) => {
    const error = refusedThere(cause);
    if (!(error instanceof WorkbenchError) || (error.http >= 400 && error.http < 500)) throw error;
  });
  return workbench;
}

/** The run, and the other run of its pair where that can be resumed too. Throws when the run itself cannot be resumed. */
async function resumedHere(home: string, id: string): Promise<RunStore[]> {
  const store = openRun(home, id);
  const recovering = new Supervisor({ home, jobs: new Jobs(), changed: () => undefined });
  await recovering.settled(id);
  recovering.markIfDead(id); // its worker may have been killed together with what supervised it
  const { state } = store.row();
  if (isTraining(store.directory)) throw errors.runLocked(id, trainedBy(store.directory));
  if (isActive(state) || state === 'finished') throw errors.wrongState(id, 'be resumed', state, 'medr1 runs list shows the states.');
  const { sources = {} } = revisions(store.db).at(-1) ?? {};
  const served = Object.keys(sources).filter((name) => sources[name].runtime === 'kernel');
  if (served.length > 0) throw errors.rewardedByKernel(id, served);
  const partner = partnerOf(home, store.row());
  if (partner === null) return [store];
  recovering.markIfDead(partner);
  const other = openRun(home, partner);
  if (other.row().state !== 'finished' && !isTraining(other.directory)) return [store, other];
  other[Symbol.dispose]();
  return [store];
}

interface Following {
  /** Tells what is new. */
  look: () => void;
  onLook: (listener: () => void) => void;
  note: (line: string) => void;
  stop: () => void;
  /** Resolves when its worker is gone, whatever it wrote or did not get to write. */
  ended: Promise<void>;
}

function following(store: RunStore, supervisor: Supervisor, begin: Job['begin']): Following {
  const { id } = store.row();
  const followed = begin(store.summary(), 'in this process');
  const follower = new Follower(store);
  let done = (): void => {};
  const ended = new Promise<void>((resolve) => (done = resolve));
  const stop = (): void => {
    store.command('stop');
    supervisor.nudge(id);
  };
  let listener = (): void => {};
  const look = (): void => {
    listener();
    for (const event of follower.next()) {
      if (event.kind === 'state') followed.total = store.row().total_steps || null;
      followed.show?.event(event);
      const failure = rewardFailure(event);
      if (!failure) continue;
      followed.failure = failure;
      stop();
    }
    if (!supervisor.ids.includes(id)) done();
  };
  return { look, onLook: (told) => (listener = told), note: (line) => followed.show?.note(line), stop, ended };
}

const isEnd = (event: RunEvent): boolean => event.kind === 'state' && hasEnded(event.state);

/** The error of a reward function that paused the run. */
const rewardFailure = (event: RunEvent): ErrorBody | null =>
  event.kind === 'state' && event.state === 'paused' && event.error?.code.startsWith('REWARD_') ? event.error : null;

const STOPPING = 'stopping between two steps; a second Ctrl-C leaves at once';

interface Interrupt extends Disposable {
  readonly asked: boolean;
  /** Has `stop` called at the first Ctrl-C, or at once where that came already. */
  whenAsked: (stop: () => void) => void;
}

/** First Ctrl-C (or SIGTERM) asks for an end between two steps; the second leaves at once. It counts from here on, also before there is a run to stop. */
function onInterrupt(told: () => void): Interrupt {
  let asked = false;
  let stop = (): void => {};
  const interrupted = (): void => {
    if (asked) process.exit(1);
    asked = true;
    told();
    stop();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupted);
  return {
    get asked() {
      return asked;
    },
    whenAsked: (given) => {
      stop = given;
      if (asked) stop();
    },
    [Symbol.dispose]: () => ['SIGINT', 'SIGTERM'].forEach((signal) => process.off(signal, interrupted)),
  };
}

/** Paths are relative to where the command runs, not to where the server does. A reward file that is not there may lie beside the configuration. */
function withPaths(config: TrainConfig, file: string): TrainConfig {
  const absolute = (path: string): string => (existsSync(expandHome(path)) ? resolve(expandHome(path)) : path);
  const rewardFile = (entry: string): string =>
    [resolve(expandHome(entry)), resolve(dirname(file), expandHome(entry))].find(existsSync) ?? resolve(expandHome(entry));
  return {
    ...config,
    reward_funcs: config.reward_funcs.map((entry) => (isRewardFile(entry) ? rewardFile(entry) : entry)),
    model_name_or_path: resolve(expandHome(config.model_name_or_path)),
    dataset_name: absolute(config.dataset_name),
  };
}
