import type { KernelCall, RewardSource, Scored, Variant, VqaItem } from '../protocol/index.ts';

/** One completion to be judged. */
export interface RewardInput {
  /** Decoded text, special tokens left out. */
  completion: string;
  tokenIds: readonly number[];
  finishReason: string;
  /** Text of the user's turn. */
  prompt: string;
  item: Pick<VqaItem, 'id' | 'dataset' | 'question' | 'options' | 'answer' | 'modality' | 'question_type'>;
}

/** What a reward may know of the run. */
export interface RewardContext {
  variant: Variant;
  /** Longest completion in tokens. */
  maxCompletionLength: number;
}

/**
 * One number per input, in order; null = not applicable to that input (TRL's None). `step`: the optimiser step that the inputs were sampled for,
 * null outside training.
 */
export type RewardFunction = (inputs: readonly RewardInput[], step: number | null) => (number | null)[] | Promise<(number | null)[]>;

/** The way to the kernels that serve Python functions. Never throws for what a kernel does or leaves undone. */
export type AskKernel = (call: KernelCall, source: Pick<RewardSource, 'timeout_s' | 'on_timeout'>) => Promise<Scored>;

/** A reward is one file that exports one of these. */
export interface RewardDefinition {
  name: string;
  /** For lists and tooltips: what earns what. */
  description: string;
  /** Lowest and highest value it can give. */
  range: readonly [number, number];
  /** Numbers that it is built from, e.g. the weight of a format; a run takes what `fallback` gives, only tests give others. */
  parameters: readonly { name: string; description: string; fallback: (context: RewardContext) => number }[];
  create(context: RewardContext, parameters: Record<string, number>): RewardFunction;
}
