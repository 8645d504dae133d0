import type { Answer, Ask, ExplainAsk, Explained, LiveSettings, RewardSet, TrainConfig, VqaItem } from '../protocol/index.ts';
import type { WorkbenchError } from '../protocol/errors.ts';
import type { StepResult } from '../protocol/step.ts';
import type { LeftOutQuestion } from './left-out.ts';
import type { AskKernel } from '../rewards/index.ts';
import type { Ranks } from './ranks.ts';

/** A GRPO or SFT run in progress, without store or server. Every method leaves a consistent state when it throws. */
export interface Trainer {
  /** Last finished optimiser step, 0 before the first. */
  readonly step: number;
  readonly totalSteps: number;
  readonly device: string;
  /** Throws a REWARD_ error, weights as they were, when a reward function fails: the same step can be tried again, on the same rollouts. */
  trainStep(): Promise<StepResult>;
  /** Functions and weights in force from the next step. Throws, and those before stay, when one cannot be. */
  setRewards(rewards: RewardSet): void;
  /** Settings in force from the next step; those that rollouts are made by, from the next rollouts. They were checked when they were stored. */
  setSettings(settings: LiveSettings): void;
  /** As they count for the step that was made last. */
  rewardWeights(): Record<string, number>;
  /** Metrics by `eval_` names on the fixed held-out slice; null when the run has none. */
  evaluate(): Promise<Record<string, number | null> | null>;
  /** Answers of the policy as it stands, between two steps; training goes on exactly as if nobody had asked. */
  answer(ask: Ask, signal?: AbortSignal): Promise<Answer>;
  /** What is asked about a completion, by the policy as it stands; training goes on as above. */
  explain(ask: ExplainAsk, signal?: AbortSignal): Promise<Explained>;
  /** Writes `dir` whole (weights as a Hugging Face directory, optimiser, schedule, sampler, data order, RNG) or not at all. */
  saveCheckpoint(dir: string): Promise<void>;
  /** One number of the bits of all weights that it computes with, frozen ones included. */
  checksum(): number;
  /** Called twice a second while the run is paused: processes that train it together keep in touch. */
  idle?(): void;
  dispose(): void;
}

export interface TrainerInit {
  config: TrainConfig;
  /** Usable items only, in data order; the trainer shuffles by the seed. */
  items: VqaItem[];
  evalItems: VqaItem[];
  /** Directory that image paths are relative to. */
  root: string;
  /** Reward functions and weights in force; those that the configuration names when left out. */
  rewards?: RewardSet;
  /** Settings in force where they differ from the configuration's. */
  settings?: Partial<LiveSettings>;
  /** Checkpoint directory to go on from, bit for bit on the CPU. */
  resumeFrom?: string;
  /** Where batches and state of updates that were not finite are kept; nowhere when left out. */
  evidenceDir?: string;
  /** sha256 of image files by their paths, as the data set's index has them. */
  images?: ReadonlyMap<string, string>;
  /** What the run left out before, steps that are computed anew included. */
  leftOut?: readonly LeftOutQuestion[];
  /** Hears of questions that are left out, before the step that found them is over. */
  onLeftOut?: (found: { questions: LeftOutQuestion[]; alert: WorkbenchError }) => void;
  /** Where the processor's files are kept while the run lives, for its checkpoints; read from the model's directory each time when left out. */
  processorDir?: string;
  /** Text for the log of the worker. */
  log?: (line: string) => void;
  /** The way to kernels that evaluate reward functions. */
  askKernel?: AskKernel;
  /** The processes that train the run together, this one among them; one when left out. */
  ranks?: Ranks;
  /** Which of this machine's GPUs is this process's; more processes than GPUs share them. */
  localRank?: number;
}
export type CreateTrainer = (init: TrainerInit) => Promise<Trainer>;
