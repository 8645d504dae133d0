/** What each process of bench/grpo.ts is told, and what it tells. */
import type { ModelDtype } from '../../src/models/index.ts';

/** `decode`: ours alone, on a GPU. */
export type Kind = 'step' | 'sampling' | 'pass' | 'decode';

export interface Job {
  /** Hugging Face directory. */
  model: string;
  dtype: ModelDtype;
  /** cpu or cuda. */
  device: string;
  /** One prompt for each. */
  images: string[];
  /** The same for all; `text` is the user's turn that it makes. */
  question: { question: string; options: string[] };
  text: string;
  G: number;
  /** Prompts of one forward and backward pass; a step makes as many passes as it takes, `pass` is one of them. */
  micro: number;
  /** Of each completion; none ends earlier. */
  tokens: number;
  /** Rounds measured, after one that is not. */
  steps: number;
  /** The rows of the training pass, written by ours and read by the peer. */
  pass: string;
}

/** A line of output. */
export interface Round {
  seconds: number;
  /** Of all threads. */
  cpu_seconds: number;
  /** Part of a step that was sampling. */
  sample_seconds?: number;
  /** decode: of one token of every row, prompts not counted. */
  token_seconds?: number;
  /** Most memory of the process, or of the GPU, so far. */
  peak_bytes: number;
}

/** The last line. */
export interface Facts {
  /** pass: mean log-probability of the completions' tokens, equal on both sides. */
  mean_logp?: number;
  /** pass, ours: of one prompt. */
  prompt_tokens?: number;
  patches?: number;
  /** step: the planner's estimate of the peak, without what the process takes before there is a model. */
  planned_bytes?: number;
  /** decode: completions at a time. */
  rows?: number;
}
