/** What every trainer has: the training it drives, the rewards and settings in force, and a policy that can be asked between two steps. */
import type { Answer, Ask, ExplainAsk, Explained, LiveSettings, RewardSet } from '../protocol/index.ts';
import type { StepResult } from '../protocol/step.ts';
import type { Tensor } from '../torch/index.ts';
import { answer } from './answer.ts';
import { checksum, weightsOf } from './checksum.ts';
import { evaluate } from './evaluate.ts';
import { explain } from './explain/index.ts';
import { Meters } from './meters.ts';
import type { Gradients } from './optimizer.ts';
import type { Scorer } from './scorer.ts';
import type { Training } from './training.ts';
import type { Trainer } from './types.ts';

export abstract class BaseTrainer implements Trainer {
  protected readonly training: Training;
  /** Of SFT for evaluations only: it takes no reward. */
  protected readonly scorer: Scorer;
  /** In force from the next step on. */
  protected settings: Partial<LiveSettings>;

  protected constructor(training: Training, scorer: Scorer, settings: Partial<LiveSettings> = {}) {
    this.training = training;
    this.scorer = scorer;
    this.settings = settings;
  }

  abstract trainStep(): Promise<StepResult>;
  abstract saveCheckpoint(dir: string): Promise<void>;

  get step(): number {
    return this.training.step;
  }
  get totalSteps(): number {
    return this.training.totalSteps;
  }
  get device(): string {
    return this.training.device;
  }

  setRewards(rewards: RewardSet): void {
    this.scorer.use(rewards);
  }

  setSettings(settings: LiveSettings): void {
    this.settings = settings;
  }

  rewardWeights(): Record<string, number> {
    return this.scorer.weightsByName();
  }

  evaluate(): Promise<Record<string, number | null> | null> {
    return evaluate(this.training, this.scorer);
  }

  answer(ask: Ask, signal?: AbortSignal): Promise<Answer> {
    return answer(this.training.processor, () => this.training.policy, ask, signal);
  }

  explain(ask: ExplainAsk, signal?: AbortSignal): Promise<Explained> {
    return explain(this.training.processor, () => this.training.policy, ask, signal);
  }

  checksum(): number {
    return checksum([...weightsOf(this.training.policy), ...this.frozen()]);
  }

  /** Weights beside the policy's that it computes with. */
  protected frozen(): Tensor[] {
    return [];
  }

  dispose(): void {
    this.scorer[Symbol.dispose]();
    this.training.dispose();
  }

  /**
   * Goes backward through this rank's shards, one after another. Each shard's gradients are set apart and then added by a fixed tree, so that
   * the number of ranks changes no bit. Returns what `backward` gave for the shards of all ranks, in their order.
   */
  protected overShards<S, R extends object>(own: readonly S[], meters: Meters, backward: (shard: S, meters: Meters) => R): R[] {
    const { optimizer, ranks } = this.training;
    const gradients: Gradients[] = [];
    const done = own.map((shard) => {
      const seen = new Meters();
      const result = backward(shard, seen);
      gradients.push(optimizer.takeGradients());
      return { result, values: seen.values() };
    });
    optimizer.sumGradients(gradients);
    const all = ranks.gather(done).flat();
    for (const { values } of all) meters.addValues(values);
    return all.map(({ result }) => result);
  }
}
