/** kill -9 of each process that a run in JupyterLab has, and runs that go on from each of their steps. */
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, expect } from 'vitest';
import type { Client } from '../../kernel-bridge/src/client/index.ts';
import type { TrainConfig } from '../../kernel-bridge/src/protocol/index.ts';
import { hasEnded } from '../../kernel-bridge/src/protocol/run.ts';
import { createTrainer } from '../../kernel-bridge/src/rl/index.ts';
import { makeTiny, type Tiny } from '../../kernel-bridge/src/rl/testing/tiny.ts';
import { runDirectory } from '../../kernel-bridge/src/runs/home.ts';
import { openRun } from '../../kernel-bridge/src/runs/runs.ts';
import { connectHome } from '../../kernel-bridge/src/server/connect.ts';
import { isAlive, kill9, until, workerPid } from '../server/harness.ts';
import { loadTinyItems, writeTinyItems } from '../server/tiny-items.ts';
import { below, fault, holds, oneOf, type Random } from './fault.ts';
import { forgetMoments } from './moments.ts';
import { holdFile } from './held-worker.ts';
import { contentOf } from './trained.ts';
import { makeRun, takeUp, train } from './writer.ts';

const STEPS = 12;
const SETTINGS: Partial<TrainConfig>[] = [
  { num_iterations: 2, eval_steps: 4, eval_samples: 6, dataset_test_split: 'test' },
  { processes: 2, dp_shards: 2, save_steps: 2 },
  { use_peft: true, lora_r: 4, gradient_accumulation_steps: 2, per_device_train_batch_size: 4, lr_scheduler_type: 'cosine' },
];
const scratch = mkdtempSync(join(tmpdir(), 'medr1-kills-'));
let tiny: Tiny | undefined;
const configOf = (changes: Partial<TrainConfig>): TrainConfig => tiny!.config({ max_steps: STEPS, save_steps: 3, ...changes });

async function makeData(): Promise<void> {
  if (tiny) return;
  tiny = await makeTiny();
  await writeTinyItems(tiny);
}
afterAll(async () => {
  await tiny?.[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
});

/** The processes of a JupyterLab with a backend, on a home of its own. */
class Lab {
  readonly home: string;
  #sidecar: ChildProcess;
  #client: Client | null = null;

  constructor(home: string) {
    this.home = home;
    mkdirSync(home, { recursive: true });
    this.#sidecar = this.#start();
  }

  #start(): ChildProcess {
    const args = [resolve(import.meta.dirname, 'sidecar.py'), process.execPath, resolve(import.meta.dirname, 'serve.ts'), this.home];
    return spawn('python', args, { stdio: ['pipe', 'ignore', 'ignore'] });
  }

  /** Asks the backend of now; one that was killed is looked for anew. */
  ask<T>(what: (client: Client) => Promise<T>): Promise<T> {
    return until(async () => {
      try {
        this.#client ??= await connectHome(this.home);
        return await what(this.#client);
      } catch (error) {
        const { code } = error as { code?: string };
        if (!/^(SERVER_|ECONN|ENOENT|EPIPE|UNREACHABLE)/.test(code ?? '') && !/socket hang up|ECONN/.test(String(error))) throw error;
        this.#client?.close();
        this.#client = null;
        return `no backend: ${String(error)}`;
      }
    }, 120_000);
  }

  serverPid(): number | null {
    try {
      return (JSON.parse(readFileSync(join(this.home, 'server.json'), 'utf8')) as { pid: number }).pid;
    } catch {
      return null;
    }
  }

  /** Until something was killed no run makes its last step: a run that has ended has nothing to kill. */
  hold(): void {
    writeFileSync(holdFile(this.home), String(STEPS - 1));
  }

  /** Kills, and starts again what nobody else does. */
  async kill(what: Target, id: string): Promise<void> {
    const worker = pidOf(this.home, id);
    const targets = {
      worker: [worker],
      rank: worker === null ? [] : childrenOf(worker),
      server: [this.serverPid()],
      sidecar: [this.#sidecar.pid!],
      all: [this.#sidecar.pid!, this.serverPid(), worker],
    }[what];
    for (const pid of targets) if (pid !== null) kill9(pid);
    rmSync(holdFile(this.home), { force: true });
    if (what !== 'sidecar' && what !== 'all') return;
    const server = this.serverPid();
    await until(() => (server !== null && isAlive(server) ? 'the backend outlives the process that started it' : true), 120_000);
    this.#sidecar = this.#start();
  }

  async close(): Promise<void> {
    this.#client?.close();
    const gone = new Promise((resolve) => this.#sidecar.once('exit', resolve));
    this.#sidecar.stdin!.end();
    await gone;
  }
}

const TARGETS = ['worker', 'rank', 'server', 'sidecar', 'all'] as const;
type Target = (typeof TARGETS)[number];

function pidOf(home: string, id: string): number | null {
  try {
    return workerPid(home, id);
  } catch {
    return null; // none was started yet
  }
}

function childrenOf(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number) : [];
}

const ended = (lab: Lab, id: string) =>
  until(async () => {
    const { state, error } = (await lab.ask((client) => client.run(id))).summary;
    return hasEnded(state) ? { state, error } : `the run is ${state}`;
  }, 300_000);

interface Disturbance {
  kills?: number;
  targets?: readonly Target[];
  /** No kill comes before this step. */
  from?: number;
  /** What happens to the run before it is resumed. */
  meanwhile?: (home: string, id: string) => void;
  /** Of the configuration, from that of the run that it is held to. */
  changes?: Partial<TrainConfig>;
}

/** A run whose processes are killed on its way, and which is resumed each time. */
async function disturbed(
  random: Random,
  settings: number,
  { kills = 2, targets = TARGETS, from = 0, meanwhile, changes = {} }: Disturbance = {},
): Promise<string> {
  const lab = new Lab(mkdtempSync(join(scratch, 'lab-')));
  try {
    if (kills > 0) lab.hold();
    const { id } = await lab.ask((client) => client.createRun({ ...configOf({ ...SETTINGS[settings], ...changes }) }));
    const killed: string[] = [];
    for (let kill = 0; kill < kills; kill++) {
      const target = oneOf(
        random,
        targets.filter((one) => one !== 'rank' || SETTINGS[settings].processes === 2),
      );
      const step = from + below(random, STEPS - 1 - from);
      const told = await until(async () => {
        const { summary } = await lab.ask((client) => client.run(id));
        if (summary.step < step && !hasEnded(summary.state)) return `at step ${summary.step}`;
        // A run that was resumed tells of the steps of before until its process drops what came after the checkpoint.
        return summary.state === 'running' ? summary.step : 0;
      }, 300_000);
      await wait(random() * 100);
      await lab.kill(target, id);
      killed.push(target);
      const { state, error } = await ended(lab, id);
      using store = openRun(lab.home, id);
      holds(store.step >= told, `step ${told} was told, the run has ${store.step} after a kill of ${target}`);
      if (state === 'finished') break;
      holds(state === 'interrupted' || error?.code === 'RANK_LOST', `a kill of ${target} left the run ${state}: ${error?.message}`);
      meanwhile?.(lab.home, id);
      if (kill + 1 < kills) lab.hold();
      await lab.ask((client) => client.action(id, 'resume'));
    }
    const { state, error } = await ended(lab, id);
    holds(state === 'finished', `the run is ${state}: ${error?.message}`);
    const { checkpoints, ...rest } = contentOf(lab.home, id);
    const straight = await undisturbed(settings);
    expect(rest).toEqual(straight.rest);
    // Which ones are kept is another matter: a process whose backend was killed writes one more, which takes the place of another.
    holds(checkpoints.at(-1)?.[0] === STEPS, `the last checkpoint is of step ${checkpoints.at(-1)?.[0]}`);
    for (const [step, tensors] of checkpoints) expect(tensors, `checkpoint of step ${step}`).toEqual(straight.checkpoints.get(step));
    const left = readdirSync(join(runDirectory(lab.home, id), 'checkpoints')).filter((name) => name.includes('tmp'));
    holds(left.length === 0, `${left.join(', ')} was left`);
    return killed.toSorted().join(' and ');
  } finally {
    await lab.close();
  }
}

const trained = async (home: string, id: string): Promise<string> => train(home, id, () => {}, createTrainer, loadTinyItems);

interface Straight {
  rest: unknown;
  /** Of each step. */
  checkpoints: ReadonlyMap<number, [string, Buffer][]>;
}

const straightRuns = new Map<number, Straight>();
/** What a run of these settings holds that one process trained without a stop. */
async function undisturbed(settings: number): Promise<Straight> {
  if (!straightRuns.has(settings)) {
    const home = mkdtempSync(join(scratch, 'straight-'));
    const config = { ...configOf(SETTINGS[settings]), processes: 1, save_steps: 1, save_total_limit: STEPS };
    const id = await makeRun(home, tiny!.model, config, loadTinyItems);
    holds((await trained(home, id)) === 'finished', 'the run that nobody disturbed did not finish');
    const { checkpoints, ...rest } = contentOf(home, id);
    straightRuns.set(settings, { rest, checkpoints: new Map(checkpoints) });
  }
  return straightRuns.get(settings)!;
}

fault('D2', {
  lacks: process.platform === 'linux' ? null : 'processes are looked at by /proc, which is of Linux',
  setUp: makeData,
  attempt: (random, n) => disturbed(random, n % SETTINGS.length),
  control: (random) => disturbed(random, 0, { kills: 1, targets: ['worker'], from: 4, meanwhile: forgetMoments }),
});

/** The same run once more: another home, other processes, another number of them. */
async function again(random: Random, changes: Partial<TrainConfig> = {}): Promise<string> {
  const settings = below(random, SETTINGS.length);
  const processes = SETTINGS[settings].processes === 2 ? oneOf(random, [1, 2]) : 1;
  await disturbed(random, settings, { kills: 0, changes: { processes, ...changes } });
  return processes === 2 ? 'two processes' : 'one process';
}

fault('R2', {
  lacks: process.platform === 'linux' ? null : 'processes are looked at by /proc, which is of Linux',
  setUp: makeData,
  attempt: (random) => again(random),
  control: (random) => again(random, { seed: 7 }),
});

/** A run with a checkpoint of each of its steps, finished; each try goes on from one of them in a copy. */
let every: { home: string; id: string; content: unknown };

async function withEveryCheckpoint(): Promise<void> {
  await makeData();
  const home = join(scratch, 'every');
  const changes = {
    save_steps: 1,
    save_total_limit: null,
    num_iterations: 3,
    gradient_accumulation_steps: 2,
    per_device_train_batch_size: 4,
  };
  const id = await makeRun(home, tiny!.model, configOf(changes), loadTinyItems);
  holds((await trained(home, id)) === 'finished', 'the run did not finish');
  every = { home, id, content: contentOf(home, id) };
}

async function goneOnFrom(step: number, meanwhile: (home: string, id: string) => void = () => {}): Promise<void> {
  const home = join(scratch, `from-${step}`);
  cpSync(every.home, home, { recursive: true });
  {
    using store = openRun(home, every.id);
    store.dropAfter(step, { revisions: 'repeat' });
    store.setState('interrupted');
    for (const name of readdirSync(join(store.directory, 'checkpoints')))
      if (Number(name.slice(5)) > step) rmSync(join(store.directory, 'checkpoints', name), { recursive: true });
  }
  meanwhile(home, every.id);
  takeUp(home, every.id);
  const state = await trained(home, every.id);
  holds(state === 'finished', `the run that was taken up at step ${step} is ${state}`);
  expect(contentOf(home, every.id)).toEqual(every.content);
  rmSync(home, { recursive: true });
}

fault('R1', {
  setUp: withEveryCheckpoint,
  places: async () => STEPS - 1,
  attempt: (_, place) => goneOnFrom(place + 1),
  control: () => goneOnFrom(5, forgetMoments),
});
