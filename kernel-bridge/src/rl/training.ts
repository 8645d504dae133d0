/** What GRPO and SFT share: model, data, optimiser, schedule, evaluation, checkpoints. Knows no loss. */
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LiveSettings, TrainConfig, VqaItem } from '../protocol/index.ts';
import { dataGone } from '../data/image/open.ts';
import { machineRefusal } from '../log/errors.ts';
import { keepProcessor, loadProcessor, processorDirectory, type Processor, type Model } from '../models/index.ts';
import { deviceCount, span, type Tensor } from '../torch/index.ts';
import { readTensors, writeCheckpoint } from './checkpoint.ts';
import { readTrainerState, type TrainerState } from './trainer-state.ts';
import type { Question } from './ask.ts';
import { QuestionEncoder } from './encoder.ts';
import { errors } from './errors.ts';
import { isOfOneQuestion, LeftOut } from './left-out.ts';
import type { Meters, StepClock } from './meters.ts';
import { PolicyOptimizer } from './optimizer.ts';
import { DataOrder } from './order.ts';
import { openPolicy } from './policy.ts';
import { mixSeed } from '../stats/random.ts';
import { agreed, alone, Shards, type Ranks } from './ranks.ts';
import { learningRate } from './schedule.ts';
import type { TrainerInit } from './types.ts';

/** Salt that keeps stochastic rounding apart from other uses of the run's seed. */
const ROUNDING = 4;
/** Updates in a row that may be left out before the run ends. */
const MAX_SKIPPED = 5;

/**
 * The device of this process, as torch names it. Where a server gave the process its devices (MEDR1_DEVICES), it sees those alone, and they are counted
 * from 0. Otherwise 'auto' takes a GPU when torch has one, and processes of one machine take its GPUs in turn.
 */
export function resolveDevice(device: string, localRank = 0): string {
  const given = process.env.MEDR1_DEVICES;
  const wanted = given ? given.split(':')[0] : device;
  if (wanted.startsWith('cpu')) return 'cpu';
  const [type, index] = wanted === 'auto' ? ['cuda'] : wanted.split(':');
  const count = deviceCount(type);
  if (wanted !== 'auto' && count <= Number(index ?? 0)) throw errors.device(wanted);
  return count === 0 ? 'cpu' : `${type}:${index ?? localRank % count}`;
}

/** What a checkpoint holds of a trainer beside the weights and the optimiser. */
interface CheckpointExtra {
  rewardWeights?: Record<string, number>;
  rewardFunctions?: string;
  rollouts?: unknown;
  rolloutTensors?: Map<string, Tensor>;
}

interface Parts {
  device: string;
  processor: Processor;
  /** Of the files that checkpoints get beside the weights. */
  processorDir: string;
  policy: Model;
  optimizer: PolicyOptimizer;
  questionsPerStep: number;
  updatesPerBatch: number;
}

export class Training {
  /** With the settings in force. */
  config: TrainConfig;
  readonly device: string;
  readonly totalSteps: number;
  readonly processor: Processor;
  readonly policy: Model;
  readonly optimizer: PolicyOptimizer;
  readonly evalItems: readonly VqaItem[];
  evalEncoder: QuestionEncoder;
  encoder: QuestionEncoder;
  /** Questions that turned out to be unusable while the run went on. */
  #leftOut: LeftOut;
  questionsPerStep: number;
  readonly ranks: Ranks;
  shards: Shards;
  readonly #processorDir: string;
  readonly #items: readonly VqaItem[];
  readonly #order: DataOrder;
  readonly #init: TrainerInit;
  /** Last finished step. */
  step = 0;
  /** Questions drawn since the start. */
  cursor = 0;
  numTokens = 0;
  skippedSteps = 0;
  skippedInARow = 0;

  private constructor(init: TrainerInit, parts: Parts) {
    const { config, items } = init;
    this.config = config;
    this.device = parts.device;
    this.processor = parts.processor;
    this.#processorDir = parts.processorDir;
    this.policy = parts.policy;
    this.optimizer = parts.optimizer;
    this.questionsPerStep = parts.questionsPerStep;
    this.ranks = init.ranks ?? alone;
    this.shards = new Shards(shardsOf(config), parts.questionsPerStep, this.ranks);
    this.#init = init;
    this.#items = items;
    this.#order = new DataOrder(items.length, config.seed);
    [this.encoder, this.evalEncoder] = this.#encoders();
    this.evalItems = evaluationSlice(init.evalItems, config);
    this.#leftOut = new LeftOut([], init.leftOut ?? []);
    const batches = Math.max(1, Math.floor((config.num_train_epochs * items.length) / parts.questionsPerStep));
    this.totalSteps = config.max_steps > 0 ? config.max_steps : batches * parts.updatesPerBatch;
  }

  /** Loads model and processor; with `resumeFrom` weights, moments and counters are those of the checkpoint. */
  static async open(
    init: TrainerInit,
    questionsPerStep: number,
    updatesPerBatch: number,
  ): Promise<{ training: Training; resumed: TrainerState | null }> {
    const { config, items, resumeFrom } = init;
    if (items.length === 0) throw errors.noItems(config.dataset_name);
    requireWholeShards(shardsOf(config), questionsPerStep, init.ranks ?? alone);
    const device = resolveDevice(config.device, init.localRank);
    const resumed = resumeFrom === undefined ? null : await readTrainerState(resumeFrom);
    const from = resumeFrom ?? config.model_name_or_path;
    const processor = await loadProcessor(from);
    const policy = await openPolicy(from, config, device);
    policy.checkpointing = config.gradient_checkpointing;
    const optimizer = new PolicyOptimizer(policy, config, init.ranks);
    const processorDir = await processorFiles(init); // the checkpoint resumed from may be removed before the next
    const training = new Training(init, { device, processor, processorDir, policy, optimizer, questionsPerStep, updatesPerBatch });
    try {
      if (resumed !== null && resumeFrom !== undefined) training.#restore(resumed, resumeFrom);
      await training.#leaveOutLong();
    } catch (error) {
      training.dispose();
      throw error;
    }
    return { training, resumed };
  }

  #encoders(): [encoder: QuestionEncoder, evalEncoder: QuestionEncoder] {
    const limits = { images: this.#init.images, longest: this.policy.config.text_config.max_position_embeddings };
    const encoder = (evaluation: boolean) => new QuestionEncoder(this.processor, this.config, this.#init.root, { ...limits, evaluation });
    return [encoder(false), encoder(true)];
  }

  /**
   * Goes over to other settings between two steps, on every rank. `questionsPerStep`: under them. How many steps the run takes stays as its configuration
   * said. Questions whose prompt leaves no room for longer completions are left out, as at the start.
   */
  async use(settings: Partial<LiveSettings>, questionsPerStep: number): Promise<void> {
    const before = this.config;
    this.config = { ...before, ...settings };
    if (questionsPerStep !== this.questionsPerStep) {
      this.questionsPerStep = questionsPerStep;
      this.shards = new Shards(shardsOf(this.config), questionsPerStep, this.ranks);
    }
    if (this.config.max_completion_length === before.max_completion_length) return;
    for (const encoder of [this.encoder, this.evalEncoder]) encoder.dispose();
    [this.encoder, this.evalEncoder] = this.#encoders();
    await this.#leaveOutLong();
  }

  #restore(state: TrainerState, directory: string): void {
    const moments = readTensors(directory, 'optimizer.safetensors');
    try {
      this.optimizer.loadState(moments);
    } catch (cause) {
      throw errors.checkpoint(directory, `its optimiser state is not of what this run trains (${(cause as Error).message})`, cause);
    } finally {
      for (const tensor of moments.values()) tensor[Symbol.dispose]();
    }
    this.step = state.step;
    this.cursor = state.cursor;
    this.numTokens = state.num_tokens;
    this.skippedSteps = state.skipped_steps;
    this.skippedInARow = state.skipped_in_a_row;
    this.#leftOut = new LeftOut(state.left_out ?? [], this.#init.leftOut ?? []);
  }

  /** What it has been trained on since the start: metrics of every step. */
  get seen(): { num_tokens: number; num_questions: number; epoch: number } {
    return { num_tokens: this.numTokens, num_questions: this.cursor, epoch: this.cursor / this.#items.length };
  }

  itemsAt(position: number, count: number): VqaItem[] {
    return this.#order.slice(position, count).map((index) => this.#items[index]);
  }

  itemById(id: string): VqaItem | undefined {
    return this.#items.find((item) => item.id === id);
  }

  /** Questions at a position of the data order; the images that this rank needs next begin to be decoded. */
  async questions(position: number, count: number): Promise<Question[]> {
    const items = this.itemsAt(position, count);
    const questions = await span('encode', () => Promise.all(items.map((item, i) => this.#questionAt(item, position + i))));
    const { first, end, perShard } = this.shards;
    const after = position + count + (this.questionsPerStep - (end - first) * perShard);
    const next = this.itemsAt(after, (end - first) * perShard);
    this.encoder.prefetch(next);
    this.encoder.trim([...questions.map(({ item }) => item), ...next]);
    return questions;
  }

  /** In place of a question that cannot be asked stands the first that can, half the data set further on. */
  async #questionAt(item: VqaItem, position: number): Promise<Question> {
    const half = Math.floor(this.#items.length / 2);
    for (let further = 0; further < 2 * this.#items.length; further++) {
      const [candidate] = further === 0 ? [item] : this.itemsAt(position + half + further, 1);
      const [question] = await this.askable([candidate], this.encoder);
      if (question) return question;
    }
    throw errors.noneLeft(this.config.dataset_name, this.#leftOut.lastWhy);
  }

  /** Questions of these items but for those that are left out. */
  async askable(items: readonly VqaItem[], encoder: QuestionEncoder): Promise<Question[]> {
    const step = this.step + 1;
    const found = await Promise.all(
      items.map(async (item) => {
        if (this.#leftOut.has(item, step)) return [];
        try {
          return await encoder.encode([item]);
        } catch (error) {
          if (!isOfOneQuestion(error)) throw error;
          if (!existsSync(this.#init.root)) throw dataGone(this.#init.root);
          this.#leftOut.add(item, step, error);
          return [];
        }
      }),
    );
    return found.flat();
  }

  /** After questions were asked for, on every rank: all of them know what each had to leave out. */
  shareLeftOut(): void {
    const told = this.#leftOut.settle(this.ranks.gather(this.#leftOut.takeNews()).flat());
    if (told !== null) this.#init.onLeftOut?.(told);
  }

  /** Leaves out, at the start, the questions whose prompt cannot be followed by a whole completion. Only what may be too long is counted. */
  async #leaveOutLong(): Promise<void> {
    for (const [items, encoder] of [
      [this.#items, this.encoder],
      [this.evalItems, this.evalEncoder],
    ] as const) {
      const long = items.filter((item) => encoder.mayBeTooLong(item));
      for (const item of long) {
        await this.askable([item], encoder);
        encoder.trim();
      }
    }
  }

  requireUnfinished(): void {
    if (this.step >= this.totalSteps) throw errors.finished(this.totalSteps);
  }

  /**
   * Clips, and updates the weights unless loss or gradient is not finite: then `evidence` is written and the step counts as skipped. The fifth in a
   * row throws, weights as they were. Gradients are gone afterwards.
   */
  async update(loss: number, meters: Meters, clock: StepClock, evidence: () => unknown): Promise<void> {
    const rate = learningRate(this.config, this.step, this.totalSteps);
    try {
      const norm = await clock.time('optimizer', () => this.optimizer.clip());
      meters.addAll({ loss, grad_norm: norm, learning_rate: rate });
      if (Number.isFinite(loss) && Number.isFinite(norm)) {
        await clock.time('optimizer', () => this.optimizer.step(rate, mixSeed(this.config.seed, ROUNDING, this.step)));
        this.skippedInARow = 0;
      } else {
        await this.skip(`loss ${loss}, grad_norm ${norm}`, evidence);
      }
    } finally {
      this.optimizer.zeroGrad();
    }
    meters.add('skipped_steps', this.skippedSteps);
  }

  /** After an update: all ranks hold the same weights, how long each waited for the others, and for whom. @throws RANKS_DIVERGED */
  compareRanks(meters: Meters): void {
    const { ranks } = this;
    if (ranks.size === 1) return;
    const seen = ranks.gather({ sum: this.optimizer.checksum(), waited: ranks.readWaited() });
    if (seen.some(({ sum }) => sum !== seen[0].sum))
      throw errors.diverged(
        this.step,
        seen.map(({ sum }) => sum),
      );
    const waits = seen.map(({ waited }) => waited);
    waits.forEach((waited, rank) => meters.add(`time/rank_${rank}_wait_s`, waited));
    meters.add('time/slowest_rank', waits.indexOf(Math.min(...waits)));
  }

  /** Counts a step that changes no weight; the fifth in a row throws. Nothing is counted when the evidence cannot be written. */
  async skip(what: string, evidence: () => unknown): Promise<void> {
    const directory = this.#init.evidenceDir ?? null;
    this.#init.log?.(`step ${this.step + 1} skipped: ${what}`);
    this.skippedSteps++;
    this.skippedInARow++;
    try {
      await this.#keep(directory, what, evidence);
    } catch (error) {
      this.skippedSteps--;
      this.skippedInARow--;
      throw error;
    }
    if (this.skippedInARow >= MAX_SKIPPED) throw errors.nonFinite(this.step + 1, this.skippedInARow, what, directory);
  }

  /** The batch of the step that is about to be skipped and, with the last one that may be, weights and optimiser as they are. */
  async #keep(directory: string | null, what: string, evidence: () => unknown): Promise<void> {
    const step = this.step + 1;
    await this.#onDisk(directory, async (kept) => {
      await mkdir(kept, { recursive: true });
      await writeFile(join(kept, `step-${step}.json`), JSON.stringify({ step, what, batch: evidence() }, nonFiniteByName, 1));
    });
    if (this.skippedInARow < MAX_SKIPPED) return;
    const { tensors, free } = this.optimizer.state();
    try {
      await this.#onDisk(directory, async (kept) => {
        const state = join(kept, `state-before-step-${step}`);
        await rm(state, { recursive: true, force: true }); // of a time before the run was resumed
        await this.#write(state, tensors, {});
      });
    } finally {
      free();
    }
  }

  /** All ranks call it; rank 0 alone has the directory and writes. What its disk refuses it refuses all of them: they take the step again together. */
  async #onDisk(directory: string | null, write: (directory: string) => Promise<void>): Promise<void> {
    await agreed(this.ranks, async () => {
      if (directory === null) return;
      try {
        await write(directory);
      } catch (error) {
        throw machineRefusal(directory, error) ?? error;
      }
    });
  }

  /** A checkpoint. All ranks call it, for each holds a part of the optimiser's state; rank 0 writes. */
  async save(directory: string, extra: CheckpointExtra): Promise<void> {
    const { tensors, free } = this.optimizer.state();
    try {
      if (this.ranks.rank === 0) await this.#write(directory, tensors, extra);
    } finally {
      free();
    }
  }

  #write(directory: string, optimizer: Map<string, Tensor>, extra: CheckpointExtra): Promise<void> {
    return writeCheckpoint(directory, {
      policy: this.policy,
      processorDir: this.#processorDir,
      optimizer,
      rollouts: extra.rolloutTensors ?? new Map(),
      state: {
        step: this.step,
        cursor: this.cursor,
        num_tokens: this.numTokens,
        skipped_steps: this.skippedSteps,
        skipped_in_a_row: this.skippedInARow,
        left_out: this.#leftOut.all,
        reward_weights: extra.rewardWeights ?? {},
        reward_functions: extra.rewardFunctions,
        config: this.config,
        rollouts: extra.rollouts ?? null,
      },
    });
  }

  dispose(): void {
    this.encoder.dispose();
    this.evalEncoder.dispose();
    this.optimizer.dispose();
    this.policy.dispose();
  }
}

/** The directory whose processor files go into checkpoints. A model that was moved since the run began is not needed for them. */
async function processorFiles({ config, resumeFrom, processorDir }: TrainerInit): Promise<string> {
  const own = await processorDirectory(config.model_name_or_path);
  if (processorDir === undefined) return own;
  const source = existsSync(own) || resumeFrom === undefined ? own : await processorDirectory(resumeFrom);
  return keepProcessor(source, processorDir);
}

/** Runs from before there were shards name none. */
const shardsOf = (config: TrainConfig): number => config.dp_shards ?? 1;

function requireWholeShards(shards: number, questions: number, { size }: Ranks): void {
  if (!Number.isInteger(Math.log2(shards))) throw errors.shardsPower(shards);
  if (questions % shards !== 0) throw errors.shardsNotWhole(shards, questions);
  if (shards % size !== 0) throw errors.ranksNotWhole(size, shards);
}

/** JSON has no NaN and no infinity, which is what evidence is about. */
const nonFiniteByName = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;

/** The same held-out items at every evaluation: the first ones of an order that depends on the seed alone. */
function evaluationSlice(items: readonly VqaItem[], config: TrainConfig): VqaItem[] {
  if (items.length === 0) return [];
  return new DataOrder(items.length, config.seed).slice(0, Math.min(items.length, config.eval_samples)).map((index) => items[index]);
}
