import Type from 'typebox';
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
  /** How likely the right option is by the texts of the options alone, learnt from the run's other questions; left out where there are none. */
  optionChance?: (item: RewardInput['item']) => number | null;
}

/**
 * One number per input, in order; null = not applicable to that input (TRL's None). `step`: the optimiser step that the inputs were sampled for,
 * null outside training.
 */
export type RewardFunction = (inputs: readonly RewardInput[], step: number | null) => (number | null)[] | Promise<(number | null)[]>;

/** The way to the kernels that serve Python functions. Never throws for what a kernel does or leaves undone. */
export type AskKernel = (call: KernelCall, source: Pick<RewardSource, 'timeout_s' | 'on_timeout'>) => Promise<Scored>;

/** Values of a built-in function's parameters, all of them. */
export type Parameters = Record<string, number | boolean | string>;

/** A reward is one file that exports one of these. */
export interface RewardDefinition {
  name: string;
  /** For lists and tooltips: what earns what. */
  description: string;
  /** What a completion earns, in one line; docs/built-in-rewards.md is made from it. */
  formula: string;
  /** How a policy gets this reward without doing what it rewards, or where the reward misjudges. */
  known_failure: string;
  /** Lowest and highest value it can give with its defaults. */
  range: readonly [number, number];
  /** JSON Schema of its parameters, each with title, description and default. */
  parameters: Type.TObject;
  /** Defaults that follow from the run, of parameters whose schema has none. */
  fallbacks?(context: RewardContext): Parameters;
  /** What is wrong with parameters that are each right by themselves. */
  problem?(parameters: Parameters): string | null;
  /** The function in this process, or, of what a user's parameter could make run for ever, one of the sandbox. */
  create: (context: RewardContext, parameters: Parameters) => RewardFunction & Partial<Disposable>;
}

/** No parameters. */
export const NONE: Type.TObject = Type.Object({});
