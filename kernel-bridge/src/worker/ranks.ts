/**
 * A trainer whose steps several processes make together. Rank 0 is the worker that the run belongs to: it alone writes. The others follow: before each
 * thing that all do, rank 0 says what it is, so that a reward edit, a pause or a stop comes at one step on all of them.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { WorkbenchError } from '../protocol/errors.ts';
import type { Answer, Ask, ExplainAsk, Explained, LiveSettings, RewardSet, TrainConfig } from '../protocol/index.ts';
import type { StepResult } from '../protocol/step.ts';
import type { CreateTrainer, Trainer, TrainerInit } from '../rl/index.ts';
import { agreed, RankError } from '../rl/ranks.ts';
import { isDiskError, isDiskFull } from '../log/disk-space.ts';
import { ProcessGroup, setNumThreads } from '../torch/index.ts';
import { requireSameFiles, requireSameOrders, requireSameWeights } from './alike.ts';
import { givenLaunch, launchVariable, type Launch } from './launch.ts';

const GROUP = 'medr1';
/** As PyTorch's own, and transformers' ddp_timeout. */
const DEFAULT_WAIT_S = 1800;
/** As torchrun's join_timeout. */
const DEFAULT_JOIN_S = 600;
const FOLLOWER = new URL('rank-main.ts', import.meta.url);

/** What rank 0 has all ranks do next. */
type Order =
  | { do: 'step'; rewards: RewardSet | null; settings: LiveSettings | null }
  | { do: 'evaluate' }
  | { do: 'save' }
  | { do: 'wait' }
  | { do: 'end' };
type SharedInit = Omit<TrainerInit, 'log' | 'askKernel' | 'ranks' | 'evidenceDir' | 'onLeftOut'>;

/** Rank 0 alone met an error (a full disk, say) in the middle of what all do: the others wait elsewhere, and nothing can be done together again. */
const outOfStep = (): WorkbenchError =>
  new WorkbenchError({
    code: 'RANK_LOST',
    message: 'Rank 0 met an error in the middle of a step, so that its processes are no longer in one place.',
    remedy: "Mend what the run's log names, then resume the run: it goes on from its last checkpoint.",
  });

/** `create` for a run of one process or of several, as its configuration or the launcher says. */
export function rankedTrainer(create: CreateTrainer): CreateTrainer {
  return async (init) => {
    const given = givenLaunch(process.env);
    const processes = Number(process.env.MEDR1_PROCESSES ?? init.config.processes ?? 1);
    shareThreads(init.config);
    if (given === null && processes === 1) return create(init);
    const followers = given === null ? await Followers.start(processes) : null;
    try {
      const group = await join0(given ?? followers!.launch, init);
      group.broadcast<SharedInit>(shared(init));
      return new LeadingTrainer(await together(create, { ...init, ranks: group, localRank: given?.localRank }, group), group, followers);
    } catch (error) {
      followers?.[Symbol.dispose]();
      throw error;
    }
  };
}

/** A process of rank 1 or more: it does what rank 0 sends, until rank 0 says that the run is over. */
export async function follow(create: CreateTrainer): Promise<void> {
  const launch = givenLaunch(process.env);
  if (launch === null) throw new Error('rank-main.ts was started without its place (MEDR1_LAUNCH)');
  const log = (line: string): void => void process.stderr.write(`${new Date().toISOString()} rank ${launch.rank}: ${line}\n`);
  process.on('disconnect', () => process.exit(1)); // what started it is gone
  process.send?.('ready');
  using group = await open(launch, launch.told && 'config' in launch.told ? launch.told.config : undefined);
  requireSameOrders(group, launch.told);
  const init = group.broadcast<SharedInit | null>(null)!;
  group.limit(waitOf(init.config));
  shareThreads(init.config);
  const trainer = await together(create, { ...init, log, ranks: group, localRank: launch.localRank }, group);
  let alive = true;
  while (alive) {
    const order = group.broadcast<Order | null>(null)!;
    try {
      alive = await obey(trainer, order);
    } catch (error) {
      if (!(error instanceof RankError)) throw error; // all ranks threw it, and rank 0 says what follows
    }
  }
  trainer.dispose();
}

/** The trainer of this rank. Where one rank cannot make its own (a model that is not on its machine, say), none does. */
async function together(create: CreateTrainer, init: TrainerInit, group: ProcessGroup): Promise<Trainer> {
  await requireSameFiles(group, init);
  let trainer: Trainer | null = null;
  try {
    const sums = await agreed(group, async () => (trainer = await create(init)).checksum());
    requireSameWeights(sums);
    const unlinked = group.useDevice(trainer!.device);
    if (unlinked !== null && !trainer!.device.startsWith('cpu')) init.log?.(`gradients go through the host: ${unlinked}`);
    return trainer!;
  } catch (error) {
    (trainer as Trainer | null)?.dispose();
    throw error;
  }
}

async function obey(trainer: Trainer, order: Order): Promise<boolean> {
  if (order.do === 'step') {
    if (order.rewards) trainer.setRewards(order.rewards);
    if (order.settings) trainer.setSettings(order.settings);
    await trainer.trainStep();
  }
  if (order.do === 'evaluate') await trainer.evaluate();
  if (order.do === 'save') await trainer.saveCheckpoint('');
  return order.do !== 'end';
}

const shared = ({ config, items, evalItems, root, rewards, settings, resumeFrom, images, leftOut }: TrainerInit): SharedInit => ({
  config,
  items,
  evalItems,
  root,
  rewards,
  settings,
  resumeFrom,
  images,
  leftOut,
});

/** `config`: what this process was told, if it was. Processes may come later at the start, where each loads its code, than they ever do in a step. */
function open({ rank, size, rendezvous }: Launch, config?: Partial<TrainConfig>): Promise<ProcessGroup> {
  const timeout = config?.ddp_join_timeout ?? DEFAULT_JOIN_S;
  return ProcessGroup.meet({ name: GROUP, rank, size, timeout, rendezvous });
}

async function join0(launch: Launch, { config }: TrainerInit): Promise<ProcessGroup> {
  const group = await open(launch, config);
  requireSameOrders(group, undefined, config);
  group.limit(waitOf(config));
  return group;
}

/** How long a process waits for the others, in seconds. */
const waitOf = ({ ddp_timeout }: TrainConfig): number => ddp_timeout ?? DEFAULT_WAIT_S;

/**
 * Threads of a process follow from dp_shards and the machine, not from the number of processes: sums over threads round by their number. OMP_NUM_THREADS
 * says otherwise.
 */
function shareThreads({ dp_shards }: TrainConfig): void {
  if ((dp_shards ?? 1) === 1 || process.env.OMP_NUM_THREADS) return;
  setNumThreads(Math.max(1, Math.floor(availableParallelism() / dp_shards)));
}

/** The processes that a worker started beside itself, on its machine. They meet by a file. */
class Followers implements Disposable {
  readonly launch: Launch;
  readonly #directory: string;
  readonly #children: readonly ChildProcess[];

  private constructor(launch: Launch, directory: string, children: readonly ChildProcess[]) {
    this.launch = launch;
    this.#directory = directory;
    this.#children = children;
  }

  /** Resolves when all of them are about to join: a process that waits in a collective can be told nothing. */
  static async start(size: number): Promise<Followers> {
    const directory = mkdtempSync(join(tmpdir(), 'medr1-ranks-'));
    const rendezvous = { file: join(directory, 'store'), host: '127.0.0.1' };
    const place = (rank: number): Launch => ({ rank, size, localRank: rank, rendezvous });
    const children = Array.from({ length: size - 1 }, (_, i) =>
      fork(FOLLOWER, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env: { ...process.env, ...launchVariable(place(i + 1)) } }),
    );
    const followers = new Followers(place(0), directory, children);
    try {
      await Promise.all(children.map((child, i) => ready(child, i + 1)));
      return followers;
    } catch (error) {
      followers[Symbol.dispose]();
      throw error;
    }
  }

  /** Ends those that are still there. */
  [Symbol.dispose](): void {
    for (const child of this.#children) {
      if (child.connected) child.disconnect(); // ends one that is not waiting for another rank
      if (child.exitCode === null) child.kill('SIGKILL'); // it holds nothing that must be written
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function ready(child: ChildProcess, rank: number): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (status, signal) =>
      reject(
        new WorkbenchError({
          code: 'RANK_LOST',
          message: `Rank ${rank} ended before it could join the run (${signal ?? `exit code ${status}`}).`,
          remedy: "The run's log (worker.log) holds what it printed.",
        }),
      ),
    );
  });
}

/** Rank 0's trainer: says to the others what it is about to do. */
class LeadingTrainer implements Trainer {
  readonly #trainer: Trainer;
  readonly #group: ProcessGroup;
  readonly #followers: Followers | null;
  #rewards: RewardSet | null = null;
  #settings: LiveSettings | null = null;
  /** Whether all ranks are between two orders; not after an error that this rank alone met. */
  #together = true;

  constructor(trainer: Trainer, group: ProcessGroup, followers: Followers | null) {
    this.#trainer = trainer;
    this.#group = group;
    this.#followers = followers;
  }

  get step(): number {
    return this.#trainer.step;
  }
  get totalSteps(): number {
    return this.#trainer.totalSteps;
  }
  get device(): string {
    return `${this.#group.size} x ${this.#trainer.device}`;
  }

  trainStep(): Promise<StepResult> {
    const [rewards, settings] = [this.#rewards, this.#settings];
    return this.#all({ do: 'step', rewards, settings }, async () => {
      [this.#rewards, this.#settings] = [null, null];
      return this.#trainer.trainStep();
    });
  }

  setRewards(rewards: RewardSet): void {
    this.#trainer.setRewards(rewards);
    this.#rewards = rewards;
  }

  setSettings(settings: LiveSettings): void {
    this.#trainer.setSettings(settings);
    this.#settings = settings;
  }

  rewardWeights(): Record<string, number> {
    return this.#trainer.rewardWeights();
  }

  evaluate(): Promise<Record<string, number | null> | null> {
    return this.#all({ do: 'evaluate' }, () => this.#trainer.evaluate());
  }

  /** Rank 0 alone: the others wait for its next order. */
  answer(ask: Ask, signal?: AbortSignal): Promise<Answer> {
    return this.#trainer.answer(ask, signal);
  }

  explain(ask: ExplainAsk, signal?: AbortSignal): Promise<Explained> {
    return this.#trainer.explain(ask, signal);
  }

  /** Rank 0 writes when the others have given their parts: they wait for its next order, also where its disk is full or fails. */
  saveCheckpoint(dir: string): Promise<void> {
    return this.#all(
      { do: 'save' },
      () => this.#trainer.saveCheckpoint(dir),
      (error) => isDiskFull(error) || isDiskError(error),
    );
  }

  checksum(): number {
    return this.#trainer.checksum();
  }

  /** Keeps the others from waiting too long while the run is paused. */
  idle(): void {
    if (this.#together) this.#group.broadcast<Order>({ do: 'wait' });
  }

  dispose(): void {
    try {
      if (this.#together) this.#group.broadcast<Order>({ do: 'end' });
    } catch {
      // the others are gone already
    }
    this.#trainer.dispose();
    this.#group[Symbol.dispose]();
    this.#followers?.[Symbol.dispose]();
  }

  /** `between`: whether the ranks are between two orders although rank 0 alone met this error. */
  async #all<T>(order: Order, work: () => Promise<T>, between: (error: unknown) => boolean = () => false): Promise<T> {
    if (!this.#together) throw outOfStep();
    this.#together = false;
    this.#group.broadcast(order);
    try {
      const result = await work();
      this.#together = true;
      return result;
    } catch (error) {
      this.#together = error instanceof RankError || between(error);
      throw error;
    }
  }
}
