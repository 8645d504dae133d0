/** From questions to scored groups: sample G completions each, decode, reward. */
import type { Model, Processor } from '../models/index.ts';
import type { TrainConfig } from '../protocol/index.ts';
import { span } from '../torch/index.ts';
import type { RewardInput } from '../rewards/index.ts';
import { nanStd, weightedSum } from './advantages.ts';
import { ask, asked, type Asked, type Question, type Reply } from './ask.ts';
import type { StepClock } from './meters.ts';
import type { Scorer } from './scorer.ts';

export interface ScoredCompletion extends Reply {
  /** Raw value by reward function, null = not applicable. [K] */
  rewards: (number | null)[];
}

/** One question and its G completions. */
export interface ScoredGroup {
  question: Asked;
  completions: ScoredCompletion[];
}

export const rewardInput = (question: Asked, completion: Reply): RewardInput => ({
  completion: completion.text,
  tokenIds: completion.tokenIds,
  finishReason: completion.finishReason,
  prompt: question.text,
  item: question.item,
});

/** Samples `config.num_generations` completions of each question and scores them for `step`. The seed alone decides the draw. */
export async function rollOut(
  model: Model,
  processor: Processor,
  scorer: Scorer,
  questions: Question[],
  config: TrainConfig,
  { seed, step }: { seed: number; step: number },
  clock: StepClock,
): Promise<ScoredGroup[]> {
  const sample = () =>
    ask(
      model,
      processor,
      questions.map(({ prompt }) => prompt),
      {
        n: config.num_generations,
        temperature: config.temperature,
        topP: config.top_p,
        topK: config.top_k > 0 ? config.top_k : undefined,
        minP: config.min_p ?? undefined,
        repetitionPenalty: config.repetition_penalty,
        maxNewTokens: config.max_completion_length,
        seed,
      },
    );
  const sampled = await clock.time('sample', () => span('sampling', sample));
  const scored = async (): Promise<ScoredGroup[]> => {
    const groups = sampled.map((group, p) => ({
      question: asked(questions[p]),
      completions: group.map((one) => ({ ...one, rewards: [] })),
    }));
    return rescored(groups, scorer, step);
  };
  return clock.time('reward', () => span('rewards', scored));
}

/** The same completions with the rewards of the functions in force. */
export async function rescored(groups: readonly ScoredGroup[], scorer: Scorer, step: number): Promise<ScoredGroup[]> {
  const inputs = groups.flatMap(({ question, completions }) => completions.map((completion) => rewardInput(question, completion)));
  const rewards = await scorer.score(inputs, step);
  let row = 0;
  return groups.map(({ question, completions }) => ({
    question,
    completions: completions.map((completion) => ({ ...completion, rewards: rewards[row++] })),
  }));
}

/** The weighted rewards of the group differ, so it has something to teach. */
export function hasSpread(group: ScoredGroup, weights: number[]): boolean {
  const std = nanStd(group.completions.map(({ rewards }) => weightedSum(rewards, weights)));
  return std > 1e-8;
}
