/**
 * Supervised fine-tuning on the right answers, as Med-R1's baseline should have been: its script taught a literal "None" before the answer, put a second
 * generation prompt after it, and took the loss on prompt tokens too. Here the target is the solution and the end token, the
 * prompt is the variant's training prompt, and the loss is on the target alone.
 */
import { formatSolution } from '../answers/index.ts';
import type { VqaItem } from '../protocol/index.ts';
import { groupLogps, type Processor } from '../models/index.ts';
import { backward, scope, span, torch } from '../torch/index.ts';
import type { Question } from './ask.ts';
import { BaseTrainer } from './base-trainer.ts';
import { metricMean } from './loss/index.ts';
import { Meters, StepClock } from './meters.ts';
import { microBatches } from './micro-batches.ts';
import { agreed } from './ranks.ts';
import { Scorer } from './scorer.ts';
import { Training } from './training.ts';
import type { StepResult } from '../protocol/step.ts';
import type { TrainerInit } from './types.ts';

/** Token ids of the right answer, ended as the model ends its own turns. */
export function targetIds(processor: Processor, answer: string): number[] {
  const { endOfTurnId } = processor;
  const end = processor.eosTokenIds.includes(endOfTurnId) ? endOfTurnId : processor.eosTokenIds[0];
  return [...processor.encode(formatSolution(answer)), end];
}

export class SFTTrainer extends BaseTrainer {
  static async create(init: TrainerInit): Promise<SFTTrainer> {
    const { config } = init;
    const taught = init.items.filter(({ answer }) => answer !== null);
    const perStep = config.per_device_train_batch_size * config.gradient_accumulation_steps;
    const { training } = await Training.open({ ...init, items: taught }, perStep, 1);
    return new SFTTrainer(training, new Scorer({ ...init, askKernel: undefined, ranks: undefined }), init.settings);
  }

  async trainStep(): Promise<StepResult> {
    const training = this.training;
    training.requireUnfinished();
    await training.use(this.settings, training.questionsPerStep);
    this.scorer.at(training.step + 1, training.config.max_completion_length);
    const [meters, clock] = [new Meters(), new StepClock()];
    let mine: Question[] = [];
    const { cursor, questionsPerStep, ranks, shards } = training;
    const { from } = shards.places(shards.first);
    const own = () => training.questions(cursor + from, shards.own.length * shards.perShard);
    const parts = await agreed(ranks, async () => {
      mine = await own();
      return mine.map(({ item, promptTokens }) => ({ item, promptTokens }));
    });
    training.shareLeftOut();
    const asked = parts.flat();
    const items = asked.map(({ item }) => item);
    try {
      const loss = await clock.time('backward', () => span('update', () => this.#backward(mine, items, meters)));
      await training.update(loss, meters, clock, () => items.map(({ id }) => id));
    } finally {
      training.optimizer.zeroGrad();
    }
    training.cursor += questionsPerStep;
    training.step++;
    training.compareRanks(meters);
    training.numTokens += asked.reduce((sum, { item, promptTokens }) => sum + promptTokens + this.#target(item.answer).length, 0);
    meters.addAll({ ...training.seen, ...clock.read(), step_time: clock.elapsed });
    return { step: training.step, metrics: meters.read(), groups: [] };
  }

  #target(answer: string | null): number[] {
    return targetIds(this.training.processor, answer ?? '');
  }

  /**
   * Mean negative log-likelihood of the target tokens of the whole step, as transformers' loss with num_items_in_batch. `questions`: this rank's,
   * `items`: the step's.
   */
  #backward(questions: readonly Question[], items: readonly VqaItem[], meters: Meters): number {
    const { shards } = this.training;
    const tokens = items.reduce((sum, { answer }) => sum + this.#target(answer).length, 0);
    if (shards.count === 1) return this.#shard(questions, tokens, meters);
    const own = shards.own.map((_, i) => questions.slice(i * shards.perShard, (i + 1) * shards.perShard));
    const all = this.overShards(own, meters, (ofShard, seen) => ({ loss: this.#shard(ofShard, tokens, seen) }));
    return all.reduce((sum, { loss }) => sum + loss, 0);
  }

  #shard(questions: readonly Question[], tokens: number, meters: Meters): number {
    const { config, policy } = this.training;
    const examples = questions.map(({ item, prompt }) => ({ prompt, completions: [this.#target(item.answer)] }));
    const losses = microBatches(examples, config.per_device_train_batch_size).map(({ prompts, completions }) =>
      scope(() => {
        const { logps, entropy, correct, mask: sampled } = groupLogps(policy, prompts, completions, { correct: true }); // [B, T]
        const mask = sampled.to({ dtype: 'float32' });
        const loss = torch.div(torch.neg(torch.sum(torch.mul(logps, mask))), tokens); // []
        backward(loss);
        if (entropy !== null) meters.add('entropy', metricMean(entropy, mask));
        if (correct !== null) meters.add('mean_token_accuracy', metricMean(correct, mask));
        return loss.item();
      }),
    );
    return losses.reduce((sum, loss) => sum + loss, 0);
  }

  async saveCheckpoint(dir: string): Promise<void> {
    await this.training.save(dir, { rewardWeights: this.rewardWeights() });
  }
}
