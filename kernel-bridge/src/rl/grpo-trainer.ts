import { WorkbenchError, type Answer, type Ask, type RewardSet } from '../protocol/index.ts';
import { span, type Tensor } from '../torch/index.ts';
import { computeAdvantages, type Advantages } from './advantages.ts';
import { answer } from './answer.ts';
import { answerMetrics, completionMetrics, rewardMetrics } from './batch-metrics.ts';
import { readTensors, type TrainerState } from './checkpoint.ts';
import { errors } from './errors.ts';
import { evaluate } from './evaluate.ts';
import { frozenLogps, grpoUpdate, type MicroBatch } from './grpo.ts';
import { Meters, StepClock } from './meters.ts';
import { microBatches, type Rows } from './micro-batches.ts';
import { openReference, type Reference } from './policy.ts';
import { mixSeed } from './random.ts';
import { ratiosOf, toGroups } from './records.ts';
import { hasSpread, rescored, rollOut, type ScoredGroup } from './rollouts.ts';
import { Scorer } from './scorer.ts';
import { Session } from './session.ts';
import type { StepResult } from '../protocol/step.ts';
import type { Trainer, TrainerInit } from './types.ts';

/** Salt that keeps sampling apart from other uses of the run's seed. */
const SAMPLING = 2;

/** Scored groups and the log-probabilities of their tokens, used by `num_iterations` updates. */
interface Buffer {
  groups: ScoredGroup[];
  micros: (Rows & { logpOld: Tensor | null; logpRef: Tensor | null })[];
  /** Updates made from it. */
  used: number;
  /** Questions drawn for it; more than it holds where groups without spread were replaced. */
  drawn: number;
  resampled: number;
  /** The reward functions that its rewards are of. */
  functions: string;
}

/** The part of a Buffer that trainer_state.json holds; tensors are in rollouts.safetensors. */
interface SavedBuffer {
  used: number;
  groups: { item_id: string; completions: ScoredGroup['completions'] }[];
}

/** Group relative policy optimisation, one optimiser step at a time. */
export class GRPOTrainer implements Trainer {
  readonly #session: Session;
  readonly #scorer: Scorer;
  readonly #reference: Reference | null;
  #buffer: Buffer | null = null;

  private constructor(session: Session, scorer: Scorer, reference: Reference | null) {
    this.#session = session;
    this.#scorer = scorer;
    this.#reference = reference;
  }

  static async create(init: TrainerInit): Promise<GRPOTrainer> {
    const { config } = init;
    const perStep = config.per_device_train_batch_size * config.gradient_accumulation_steps;
    if (perStep % config.num_generations !== 0) throw errors.batchNotWhole(perStep, config.num_generations);
    if (config.delta !== null && config.delta <= 1 + config.epsilon) throw errors.delta(config.delta, config.epsilon);
    const scorer = new Scorer(config, init.rewards, init.log);
    const { session, resumed } = await Session.open(init, perStep / config.num_generations, config.num_iterations);
    const start = resumed === null ? config.model_name_or_path : resumed.config.model_name_or_path;
    const reference = config.beta === 0 ? null : await openReference(session.policy, start, resumed === null);
    const trainer = new GRPOTrainer(session, scorer, reference);
    if (resumed !== null && init.resumeFrom !== undefined) await trainer.#restore(resumed, init.resumeFrom);
    return trainer;
  }

  get step(): number {
    return this.#session.step;
  }
  get totalSteps(): number {
    return this.#session.totalSteps;
  }
  get device(): string {
    return this.#session.device;
  }

  async trainStep(): Promise<StepResult> {
    const session = this.#session;
    const { config } = session;
    session.requireUnfinished();
    const [meters, clock] = [new Meters(), new StepClock()];
    const fresh = this.#buffer === null;
    const buffer = this.#buffer ?? (await this.#collect(clock).catch(unlessNotFinite));
    if (buffer instanceof WorkbenchError) return this.#skipped(buffer, meters, clock);
    try {
      await this.#rescore(buffer, clock);
      const advantages = this.#advantages(buffer.groups);
      if (fresh) this.#measure(buffer, advantages, meters);
      const batch = buffer.micros.map((micro): MicroBatch => ({ ...micro, ...this.#targets(buffer.groups, micro, advantages) }));
      const { loss, traces } = await clock.time('backward', () => span('update', () => grpoUpdate(session.policy, batch, config, meters)));
      const step = session.step + 1;
      const stored = () => toGroups(step, buffer.groups, this.#scorer.names, advantages, traces);
      const seen = fresh ? { groups: stored() } : { groups: [], ratios: ratiosOf(step - buffer.used, buffer.groups, traces) };
      await session.update(loss, meters, clock, stored);
      this.#commit(buffer, fresh);
      this.#finish(meters, clock, advantages.rewards.length);
      return { step, metrics: meters.read(), ...seen };
    } catch (error) {
      session.optimizer.zeroGrad();
      if (fresh) freeBuffer(buffer);
      throw error;
    }
  }

  setRewards(rewards: RewardSet): void {
    this.#scorer.use(rewards);
  }

  rewardWeights(): Record<string, number> {
    return this.#scorer.weightsByName();
  }

  evaluate(): Promise<Record<string, number | null> | null> {
    return evaluate(this.#session, this.#scorer);
  }

  answer(ask: Ask, signal?: AbortSignal): Promise<Answer> {
    return answer(this.#session.processor, () => this.#session.policy, ask, signal);
  }

  async saveCheckpoint(dir: string): Promise<void> {
    const { rollouts, tensors } = this.#savedBuffer();
    const rewardFunctions = this.#buffer?.functions;
    await this.#session.save(dir, { rewardWeights: this.rewardWeights(), rewardFunctions, rollouts, rolloutTensors: tensors });
  }

  dispose(): void {
    if (this.#buffer !== null) freeBuffer(this.#buffer);
    this.#scorer[Symbol.dispose]();
    this.#reference?.dispose();
    this.#session.dispose();
  }

  /** Samples and scores the questions of one batch; groups without spread are replaced while `dynamic_sampling` allows. */
  async #collect(clock: StepClock): Promise<Buffer> {
    const session = this.#session;
    const { config, policy, processor, questionsPerStep, cursor } = session;
    const step = session.step + 1;
    const seed = (round: number): number => mixSeed(config.seed, SAMPLING, session.step, round);
    const roll = async (from: number, count: number, round: number): Promise<ScoredGroup[]> =>
      rollOut(policy, processor, this.#scorer, await session.questions(from, count), config, { seed: seed(round), step }, clock);

    const groups = await roll(cursor, questionsPerStep, 0);
    let [drawn, resampled] = [questionsPerStep, 0];
    for (let round = 1; round <= config.dynamic_sampling; round++) {
      const dull = groups.flatMap((group, p) => (hasSpread(group, this.#scorer.weights) ? [] : [p]));
      if (dull.length === 0) break;
      const fresh = await roll(cursor + drawn, dull.length, round);
      dull.forEach((p, i) => (groups[p] = fresh[i]));
      drawn += dull.length;
      resampled += dull.length;
    }
    const rows = this.#split(groups);
    const micros = await clock.time('logps', () => rows.map((micro) => ({ ...micro, ...this.#fixedLogps(micro) })));
    return { groups, micros, used: 0, drawn, resampled, functions: this.#scorer.functions };
  }

  /** Rollouts that were scored by other functions than those in force get their rewards anew. */
  async #rescore(buffer: Buffer, clock: StepClock): Promise<void> {
    if (buffer.functions === this.#scorer.functions) return;
    buffer.groups = await clock.time('reward', () => rescored(buffer.groups, this.#scorer, this.#session.step + 1));
    buffer.functions = this.#scorer.functions;
  }

  /** Nothing could be sampled, so there is nothing to learn from: the questions are left behind. */
  async #skipped(reason: WorkbenchError, meters: Meters, clock: StepClock): Promise<StepResult> {
    const session = this.#session;
    const { cursor, questionsPerStep } = session;
    await session.skip(reason.message, () => session.itemsAt(cursor, questionsPerStep).map(({ id }) => ({ item_id: id })));
    session.cursor += questionsPerStep;
    session.step++;
    meters.add('skipped_steps', session.skippedSteps);
    this.#finish(meters, clock, 0);
    return { step: session.step, metrics: meters.read(), groups: [] };
  }

  #split(groups: ScoredGroup[]): Rows[] {
    const texts = groups.map(({ question, completions }) => ({
      prompt: question.prompt,
      completions: completions.map(({ tokenIds }) => tokenIds),
    }));
    return microBatches(texts, this.#session.config.per_device_train_batch_size);
  }

  /** Log-probabilities that stay as they are over all updates on a batch. One update alone starts at ratio 1 and needs no old ones. */
  #fixedLogps(rows: Rows): { logpOld: Tensor | null; logpRef: Tensor | null } {
    const { config, policy } = this.#session;
    const reference = this.#reference;
    const ofReference = ({ model, adapter }: Reference): Tensor =>
      model.withAdapter(adapter, () => frozenLogps(model, rows, config.temperature));
    return {
      logpOld: config.num_iterations > 1 ? span('old policy', () => frozenLogps(policy, rows, config.temperature)) : null,
      logpRef: reference && span('reference', () => ofReference(reference)),
    };
  }

  #advantages(groups: ScoredGroup[]): Advantages {
    const { config } = this.#session;
    const rewards = groups.flatMap(({ completions }) => completions.map((completion) => completion.rewards));
    return computeAdvantages(rewards, this.#scorer.weights, config.num_generations, config);
  }

  /** Advantages and loss mask of one micro-batch's rows. */
  #targets(groups: ScoredGroup[], { from, to }: Rows, { advantages }: Advantages): Pick<MicroBatch, 'advantages' | 'counted'> {
    const truncated = groups.flatMap(({ completions }) => completions.map(({ finishReason }) => finishReason === 'length'));
    const mask = this.#session.config.mask_truncated_completions;
    return { advantages: advantages.slice(from, to), counted: truncated.slice(from, to).map((cut) => !(mask && cut)) };
  }

  #measure({ groups, resampled }: Buffer, advantages: Advantages, meters: Meters): void {
    const completions = groups.flatMap((group) => group.completions);
    meters.addAll(
      completionMetrics(completions.map(({ tokenIds, finishReason }) => ({ length: tokenIds.length, ended: finishReason === 'stop' }))),
    );
    meters.addAll(
      rewardMetrics(
        this.#scorer.names,
        completions.map(({ rewards }) => rewards),
        advantages,
      ),
    );
    meters.addAll(answerMetrics(groups));
    for (const [name, weight] of Object.entries(this.rewardWeights())) meters.add(`reward_weights/${name}`, weight);
    if (this.#session.config.dynamic_sampling > 0) meters.add('dynamic_sampling/resampled', resampled);
  }

  /** Counts the step; a batch used up is freed. */
  #commit(buffer: Buffer, fresh: boolean): void {
    const session = this.#session;
    if (fresh) {
      session.cursor += buffer.drawn;
      session.numTokens += buffer.groups.reduce(
        (sum, { question, completions }) =>
          sum + completions.reduce((tokens, { tokenIds }) => tokens + question.prompt.inputIds.length + tokenIds.length, 0),
        0,
      );
    }
    session.step++;
    buffer.used++;
    const usedUp = buffer.used >= session.config.num_iterations;
    if (usedUp) freeBuffer(buffer);
    this.#buffer = usedUp ? null : buffer;
  }

  #finish(meters: Meters, clock: StepClock, rollouts: number): void {
    const { numTokens, epoch } = this.#session;
    const seconds = clock.elapsed;
    meters.addAll({ num_tokens: numTokens, epoch, ...clock.read(), step_time: seconds, rollouts_per_s: rollouts / seconds });
  }

  #savedBuffer(): { rollouts: SavedBuffer | null; tensors: Map<string, Tensor> } {
    const buffer = this.#buffer;
    if (buffer === null) return { rollouts: null, tensors: new Map() };
    const groups = buffer.groups.map(({ question, completions }) => ({ item_id: question.item.id, completions }));
    const tensors = buffer.micros.flatMap((micro, i) =>
      (['logpOld', 'logpRef'] as const).flatMap((name) => {
        const tensor = micro[name];
        return tensor === null ? [] : [[`${i}.${name}`, tensor] as const];
      }),
    );
    return { rollouts: { used: buffer.used, groups }, tensors: new Map(tensors) };
  }

  async #restore(state: TrainerState, directory: string): Promise<void> {
    const saved = state.rollouts as SavedBuffer | null;
    if (saved === null) return;
    const items = saved.groups.map(({ item_id }) => {
      const item = this.#session.itemById(item_id);
      if (item === undefined)
        throw errors.checkpoint(directory, `its rollouts answer question ${item_id}, which the data set no longer holds`);
      return item;
    });
    const questions = await this.#session.encoder.encode(items);
    const groups = saved.groups.map(({ completions }, p) => ({ question: questions[p], completions }));
    const tensors = readTensors(directory, 'rollouts.safetensors');
    const micros = this.#split(groups).map((micro, i) => ({
      ...micro,
      logpOld: tensors.get(`${i}.logpOld`) ?? null,
      logpRef: tensors.get(`${i}.logpRef`) ?? null,
    }));
    this.#buffer = {
      groups,
      micros,
      used: saved.used,
      drawn: 0,
      resampled: 0,
      functions: state.reward_functions ?? this.#scorer.functions,
    };
  }
}

function unlessNotFinite(error: unknown): WorkbenchError {
  if (error instanceof WorkbenchError && error.code === 'MODEL_LOGITS_NOT_FINITE') return error;
  throw error;
}

function freeBuffer(buffer: Buffer): void {
  for (const { logpOld, logpRef } of buffer.micros) {
    logpOld?.[Symbol.dispose]();
    logpRef?.[Symbol.dispose]();
  }
}
