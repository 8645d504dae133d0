import { runReading, WorkbenchError, type LiveSettings, type SAMPLING_SETTINGS, type TrainConfig } from '../protocol/index.ts';
import { span, tensor, type Tensor } from '../torch/index.ts';
import { computeAdvantages, type Advantages } from './advantages.ts';
import { BaseTrainer } from './base-trainer.ts';
import { answerMetrics, completionMetrics, rewardMetrics } from './batch-metrics.ts';
import { weightsOf } from './checksum.ts';
import { readTensors } from './checkpoint.ts';
import type { TrainerState } from './trainer-state.ts';
import { errors } from './errors.ts';
import { asked, type Question } from './ask.ts';
import { frozenLogps, grpoUpdate, scaleOf, type MicroBatch } from './grpo.ts';
import { Meters, StepClock } from './meters.ts';
import { microBatches, type Rows } from './micro-batches.ts';
import { openReference, type Reference } from './policy.ts';
import { mixSeed } from '../stats/random.ts';
import { agreed } from './ranks.ts';
import { ratiosOf, toGroups } from './records.ts';
import { hasSpread, rescored, rollOut, type ScoredGroup } from './rollouts.ts';
import type { StepScale } from './loss/index.ts';
import { probe } from './probe.ts';
import { Scorer } from './scorer.ts';
import { rewardSigns, textSigns } from './sign-metrics.ts';
import { Training } from './training.ts';
import type { TokenTrace } from './token-traces.ts';
import type { StepResult } from '../protocol/step.ts';
import type { TrainerInit } from './types.ts';

/** Salt that keeps sampling apart from other uses of the run's seed. */
const SAMPLING = 2;

type Micro = Rows & { logpOld: Tensor | null; logpRef: Tensor | null };

/** Scored groups and the log-probabilities of their tokens, used by `num_iterations` updates. */
interface Buffer {
  /** All groups of the step, those of other ranks too. */
  groups: ScoredGroup[];
  /** Micro-batches of this rank's shards, in their order. */
  shards: Micro[][];
  /** Updates made from it. */
  used: number;
  /** Questions drawn for it; more than it holds where groups without spread were replaced. */
  drawn: number;
  resampled: number;
  /** The reward functions that its rewards are of. */
  functions: string;
  /** Settings that it was made by. */
  sampling: Sampling;
}

type Sampling = Pick<LiveSettings, (typeof SAMPLING_SETTINGS)[number]>;

/** Log-probabilities as they are sent from rank to rank. */
interface Sent {
  name: string;
  shape: number[];
  values: Float32Array;
}

/** The part of a Buffer that trainer_state.json holds; tensors are in rollouts.safetensors. */
interface SavedBuffer {
  used: number;
  groups: { item_id: string; completions: ScoredGroup['completions'] }[];
  /** Not in checkpoints of before settings could be changed. */
  sampling?: Sampling;
}

/** Group relative policy optimisation, one optimiser step at a time. */
export class GRPOTrainer extends BaseTrainer {
  readonly #reference: Reference | null;
  /** The run's own configuration, whatever settings are in force. */
  readonly #beganWith: TrainConfig;
  #buffer: Buffer | null = null;
  /** Until the first step after a checkpoint: whether this rank could read all images of its rollouts. */
  #restored: { whole: boolean } | null = null;

  private constructor(training: Training, scorer: Scorer, reference: Reference | null, { config, settings }: TrainerInit) {
    super(training, scorer, settings);
    this.#beganWith = config;
    this.#reference = reference;
  }

  static async create(init: TrainerInit): Promise<GRPOTrainer> {
    const { config } = init;
    const perStep = config.per_device_train_batch_size * config.gradient_accumulation_steps;
    if (perStep % config.num_generations !== 0) throw errors.batchNotWhole(perStep, config.num_generations);
    if (config.delta !== null && config.delta <= 1 + config.epsilon) throw errors.delta(config.delta, config.epsilon);
    const scorer = new Scorer(init);
    const { training, resumed } = await Training.open(init, perStep / config.num_generations, config.num_iterations);
    const start = resumed === null ? config.model_name_or_path : resumed.config.model_name_or_path;
    const wanted = config.beta !== 0 || config.use_peft; // an adapter's is the model itself: a beta may come later
    const reference = wanted ? await openReference(training.policy, start, resumed === null) : null;
    const trainer = new GRPOTrainer(training, scorer, reference, init);
    if (resumed !== null && init.resumeFrom !== undefined) await trainer.#restore(resumed, init.resumeFrom);
    return trainer;
  }

  async trainStep(): Promise<StepResult> {
    const training = this.training;
    training.requireUnfinished();
    const [meters, clock] = [new Meters(), new StepClock()];
    this.#settleRestored();
    await this.#useSettings();
    const fresh = this.#buffer === null;
    const buffer = this.#buffer ?? (await this.#collect(clock).catch(unlessNotFinite));
    if (buffer instanceof WorkbenchError) return this.#skipped(buffer, meters, clock);
    try {
      meters.addAll(await probe(training, clock));
      await this.#rescore(buffer, clock);
      const advantages = this.#advantages(buffer.groups);
      if (fresh) this.#measure(buffer, advantages, meters);
      const { loss, traces } = await clock.time('backward', () => span('update', () => this.#backward(buffer, advantages, meters)));
      const step = training.step + 1;
      const stored = () => toGroups(step, buffer.groups, this.scorer.names, runReading(training.config), advantages, traces);
      const seen = fresh ? { groups: stored() } : { groups: [], ratios: ratiosOf(step - buffer.used, buffer.groups, traces) };
      await training.update(loss, meters, clock, stored);
      this.#commit(buffer, fresh);
      training.compareRanks(meters);
      this.#finish(meters, clock, advantages.rewards.length);
      return { step, metrics: meters.read(), ...seen };
    } catch (error) {
      training.optimizer.zeroGrad();
      if (fresh) freeBuffer(buffer);
      throw error;
    }
  }

  /** On every rank; rank 0 writes. */
  async saveCheckpoint(dir: string): Promise<void> {
    const training = this.training;
    this.#settleRestored();
    const { rollouts, tensors, free } = this.#savedBuffer();
    try {
      const rewardFunctions = this.#buffer?.functions;
      await training.save(dir, { rewardWeights: this.rewardWeights(), rewardFunctions, rollouts, rolloutTensors: tensors });
    } finally {
      free();
    }
  }

  protected override frozen(): Tensor[] {
    const reference = this.#reference;
    if (reference === null) return [];
    return reference.model === this.training.policy ? [...(reference.adapter?.params.values() ?? [])] : weightsOf(reference.model);
  }

  override dispose(): void {
    if (this.#buffer !== null) freeBuffer(this.#buffer);
    this.#reference?.dispose();
    super.dispose();
  }

  /** What counts for the step about to be taken; the buffer's rollouts keep the settings that they were made by. */
  async #useSettings(sampling = this.#buffer?.sampling): Promise<void> {
    const training = this.training;
    const { num_generations: before } = training.config;
    const settings = { ...this.settings, ...sampling };
    const perStep = training.questionsPerStep * before;
    await training.use(settings, perStep / (settings.num_generations ?? before));
    this.scorer.at(training.step + 1, training.config.max_completion_length);
  }

  /** Samples and scores the questions of one batch; groups without spread are replaced while `dynamic_sampling` allows. */
  async #collect(clock: StepClock): Promise<Buffer> {
    const training = this.training;
    const { config, policy, processor, questionsPerStep, cursor, shards } = training;
    const step = training.step + 1;
    const own = new Map<number, Question>();
    const groups: ScoredGroup[] = [];

    /** Fills these places of the step, in ascending order, with groups of the questions from `from` on; each rank its own. */
    const fill = async (places: readonly number[], from: number, round: number): Promise<void> => {
      const mine = places.filter((place) => shards.isOwn(place));
      const work = async (): Promise<[place: number, group: ScoredGroup][]> => {
        const questions = mine.length === 0 ? [] : await training.questions(from + places.indexOf(mine[0]), mine.length);
        const filled: [number, ScoredGroup][] = [];
        for (const shard of shards.own) {
          const asked = mine.flatMap((place, i) => (shards.of(place) === shard ? [{ place, question: questions[i] }] : []));
          if (asked.length === 0) continue;
          const seed = mixSeed(config.seed, SAMPLING, training.step, round, ...(shards.count > 1 ? [shard] : []));
          const ofShard = asked.map(({ question }) => question);
          const rolled = await rollOut(policy, processor, this.scorer, ofShard, config, { seed, step }, clock);
          asked.forEach(({ place, question }, i) => {
            own.set(place, question);
            filled.push([place, rolled[i]]);
          });
        }
        return filled;
      };
      for (const [place, group] of (await agreed(training.ranks, work, this.scorer.kernel)).flat()) groups[place] = group;
      training.shareLeftOut();
    };

    await fill(
      Array.from({ length: questionsPerStep }, (_, place) => place),
      cursor,
      0,
    );
    let [drawn, resampled] = [questionsPerStep, 0];
    for (let round = 1; round <= config.dynamic_sampling; round++) {
      const dull = groups.flatMap((group, place) => (hasSpread(group, this.scorer.weights) ? [] : [place]));
      if (dull.length === 0) break;
      await fill(dull, cursor + drawn, round);
      drawn += dull.length;
      resampled += dull.length;
    }
    const rows = this.#split(groups, own);
    const withLogps = (micro: Rows): Micro => ({ ...micro, ...this.#fixedLogps(micro) });
    const micros = await clock.time('logps', () => rows.map((shard) => shard.map(withLogps)));
    const { temperature, max_completion_length, num_generations } = config;
    const sampling = { temperature, max_completion_length, num_generations };
    return { groups, shards: micros, used: 0, drawn, resampled, functions: this.scorer.functions, sampling };
  }

  /** Rollouts that were scored by other functions than those in force get their rewards anew. */
  async #rescore(buffer: Buffer, clock: StepClock): Promise<void> {
    if (buffer.functions === this.scorer.functions) return;
    const { ranks, shards, step } = this.training;
    const own = buffer.groups.filter((_, place) => shards.isOwn(place));
    const scored = await clock.time('reward', () => agreed(ranks, () => rescored(own, this.scorer, step + 1), this.scorer.kernel));
    buffer.groups = scored.flat(); // ranks hold consecutive places
    buffer.functions = this.scorer.functions;
  }

  /** Nothing could be sampled, so there is nothing to learn from: the questions are left behind. */
  async #skipped(reason: WorkbenchError, meters: Meters, clock: StepClock): Promise<StepResult> {
    const training = this.training;
    const { cursor, questionsPerStep } = training;
    await training.skip(reason.message, () => training.itemsAt(cursor, questionsPerStep).map(({ id }) => ({ item_id: id })));
    training.cursor += questionsPerStep;
    training.step++;
    meters.add('skipped_steps', training.skippedSteps);
    this.#finish(meters, clock, 0);
    return { step: training.step, metrics: meters.read(), groups: [] };
  }

  /** Micro-batches of each of this rank's shards; `own`: the encoded questions by their place. */
  #split(groups: readonly ScoredGroup[], own: ReadonlyMap<number, Question>): Rows[][] {
    const { config, shards } = this.training;
    return shards.own.map((shard) => {
      const { from, to } = shards.places(shard);
      const texts = groups
        .slice(from, to)
        .map(({ completions }, i) => ({ prompt: own.get(from + i)!.prompt, completions: completions.map(({ tokenIds }) => tokenIds) }));
      return microBatches(texts, config.per_device_train_batch_size, from * config.num_generations);
    });
  }

  /** Loss and gradients of the whole step. */
  #backward(buffer: Buffer, advantages: Advantages, meters: Meters): { loss: number; traces: TokenTrace[] } {
    const { config, policy, shards } = this.training;
    const targets = ({ from, to }: Rows) => this.#targets(buffer.groups, { from, to }, advantages);
    const batchOf = (shard: readonly Micro[]): MicroBatch[] => shard.map((micro) => ({ ...micro, ...targets(micro) }));
    if (shards.count === 1) return grpoUpdate(policy, batchOf(buffer.shards[0]), config, meters);

    const scale = this.#scale(buffer, advantages);
    const all = this.overShards(buffer.shards, meters, (shard, seen) => grpoUpdate(policy, batchOf(shard), config, seen, scale));
    return { loss: all.reduce((sum, { loss }) => sum + loss, 0), traces: all.flatMap(({ traces }) => traces) };
  }

  /** Micro-batches and counted tokens of the whole step, other ranks' included. */
  #scale({ groups }: Buffer, advantages: Advantages): StepScale {
    const { config, shards } = this.training;
    const completions = groups.map((group) => group.completions.map(({ tokenIds }) => tokenIds));
    const rows = { from: 0, to: advantages.rewards.length };
    const { tokens } = scaleOf([{ completions, counted: this.#targets(groups, rows, advantages).counted }]);
    const perShard = Math.ceil((shards.perShard * config.num_generations) / config.per_device_train_batch_size);
    return { tokens, accumulation: shards.count * perShard };
  }

  /** Log-probabilities that stay as they are over all updates on a batch. One update alone starts at ratio 1 and needs no old ones. */
  #fixedLogps(rows: Rows): { logpOld: Tensor | null; logpRef: Tensor | null } {
    const { config, policy } = this.training;
    // Once there is a KL term the divergence is measured for good, also while beta is 0.
    const reference = this.#beganWith.beta !== 0 || config.beta !== 0 ? this.#reference : null;
    const ofReference = ({ model, adapter }: Reference): Tensor =>
      model.withAdapter(adapter, () => frozenLogps(model, rows, config.temperature));
    return {
      logpOld: config.num_iterations > 1 ? span('old policy', () => frozenLogps(policy, rows, config.temperature)) : null,
      logpRef: reference && span('reference', () => ofReference(reference)),
    };
  }

  #advantages(groups: ScoredGroup[]): Advantages {
    const { config } = this.training;
    const rewards = groups.flatMap(({ completions }) => completions.map((completion) => completion.rewards));
    return computeAdvantages(rewards, this.scorer.weights, config.num_generations, config);
  }

  /** Advantages and loss mask of one micro-batch's rows. */
  #targets(
    groups: readonly ScoredGroup[],
    { from, to }: Pick<Rows, 'from' | 'to'>,
    { advantages }: Advantages,
  ): Pick<MicroBatch, 'advantages' | 'counted'> {
    const truncated = groups.flatMap(({ completions }) => completions.map(({ finishReason }) => finishReason === 'length'));
    const mask = this.training.config.mask_truncated_completions;
    return { advantages: advantages.slice(from, to), counted: truncated.slice(from, to).map((cut) => !(mask && cut)) };
  }

  #measure({ groups, resampled }: Buffer, advantages: Advantages, meters: Meters): void {
    const completions = groups.flatMap((group) => group.completions);
    meters.addAll(
      completionMetrics(completions.map(({ tokenIds, finishReason }) => ({ length: tokenIds.length, ended: finishReason === 'stop' }))),
    );
    meters.addAll(
      rewardMetrics(
        this.scorer.names,
        completions.map(({ rewards }) => rewards),
        advantages,
      ),
    );
    const reading = runReading(this.training.config);
    meters.addAll({
      ...answerMetrics(groups, reading),
      ...textSigns(groups, reading),
      ...rewardSigns(groups, advantages, this.scorer.weights),
    });
    for (const [name, weight] of Object.entries(this.rewardWeights())) meters.add(`reward_weights/${name}`, weight);
    meters.addAll(this.scorer.moving());
    if (this.training.config.dynamic_sampling > 0) meters.add('dynamic_sampling/resampled', resampled);
  }

  /** Counts the step; a batch used up is freed. */
  #commit(buffer: Buffer, fresh: boolean): void {
    const training = this.training;
    if (fresh) {
      training.cursor += buffer.drawn;
      training.numTokens += buffer.groups.reduce(
        (sum, { question, completions }) =>
          sum + completions.reduce((tokens, { tokenIds }) => tokens + question.promptTokens + tokenIds.length, 0),
        0,
      );
    }
    training.step++;
    buffer.used++;
    const usedUp = buffer.used >= training.config.num_iterations;
    if (usedUp) freeBuffer(buffer);
    this.#buffer = usedUp ? null : buffer;
  }

  #finish(meters: Meters, clock: StepClock, rollouts: number): void {
    const seconds = clock.elapsed;
    meters.addAll({ ...this.training.seen, ...clock.read(), step_time: seconds, rollouts_per_s: rollouts / seconds });
  }

  /** `free` gives back what was copied for it. */
  #savedBuffer(): { rollouts: SavedBuffer | null; tensors: Map<string, Tensor>; free: () => void } {
    const buffer = this.#buffer;
    const free = (): void => {};
    if (buffer === null) return { rollouts: null, tensors: new Map(), free };
    const groups = buffer.groups.map(({ question, completions }) => ({ item_id: question.item.id, completions }));
    const rollouts: SavedBuffer = { used: buffer.used, groups, sampling: buffer.sampling };
    const own = this.#namedLogps(buffer);
    const { ranks } = this.training;
    if (ranks.size === 1) return { rollouts, tensors: own, free };
    const sent = ranks.gather([...own].map(([name, one]): Sent => ({ name, shape: one.shape, values: one.toFloat32() })));
    const all = sent.flat().map(({ name, shape, values }) => [name, tensor(values, { shape })] as const);
    return { rollouts, tensors: new Map(all), free: () => all.forEach(([, copy]) => copy[Symbol.dispose]()) };
  }

  /** This rank's log-probabilities under names that count micro-batches over the whole step. */
  #namedLogps({ shards }: Buffer): Map<string, Tensor> {
    const first = this.training.shards.first * (shards[0]?.length ?? 0);
    const named = shards.flat().flatMap((micro, i) =>
      (['logpOld', 'logpRef'] as const).flatMap((name) => {
        const logps = micro[name];
        return logps === null ? [] : [[`${first + i}.${name}`, logps] as const];
      }),
    );
    return new Map(named);
  }

  /** Rollouts of a checkpoint are used where every rank could read every image of theirs; else the next questions are asked, on all ranks. */
  #settleRestored(): void {
    if (this.#restored === null) return;
    const { ranks } = this.training;
    const whole = ranks.gather(this.#restored.whole).every(Boolean);
    this.#restored = null;
    this.training.shareLeftOut();
    if (whole || this.#buffer === null) return;
    freeBuffer(this.#buffer);
    this.#buffer = null;
  }

  async #restore(state: TrainerState, directory: string): Promise<void> {
    const saved = state.rollouts as SavedBuffer | null;
    if (saved === null) return;
    const training = this.training;
    await this.#useSettings(saved.sampling);
    const { encoder, shards, config } = training;
    const items = saved.groups.map(({ item_id }) => {
      const item = training.itemById(item_id);
      if (item === undefined)
        throw errors.checkpoint(directory, `its rollouts answer question ${item_id}, which the data set no longer holds`);
      return item;
    });
    const questions = await training.askable(items, encoder);
    this.#restored = { whole: questions.length === items.length };
    if (!this.#restored.whole) return;
    const groups = saved.groups.map(({ completions }, p) => ({ question: asked(questions[p]), completions }));
    const tensors = readTensors(directory, 'rollouts.safetensors');
    const rows = this.#split(groups, new Map(questions.entries()));
    const first = shards.first * (rows[0]?.length ?? 0);
    const logps = (name: string): Tensor | null => {
      const found = tensors.get(name) ?? null;
      tensors.delete(name);
      return found;
    };
    let i = first;
    const micros = rows.map((shard) =>
      shard.map((micro) => ({ ...micro, logpOld: logps(`${i}.logpOld`), logpRef: logps(`${i++}.logpRef`) })),
    );
    for (const ofOthers of tensors.values()) ofOthers[Symbol.dispose]();
    this.#buffer = {
      groups,
      shards: micros,
      used: saved.used,
      drawn: 0,
      resampled: 0,
      functions: state.reward_functions ?? this.scorer.functions,
      sampling: saved.sampling ?? config,
    };
  }
}

function unlessNotFinite(error: unknown): WorkbenchError {
  if (error instanceof WorkbenchError && error.code === 'MODEL_LOGITS_NOT_FINITE') return error;
  throw error;
}

function freeBuffer(buffer: Buffer): void {
  for (const { logpOld, logpRef } of buffer.shards.flat()) {
    logpOld?.[Symbol.dispose]();
    logpRef?.[Symbol.dispose]();
  }
}
