/** What one optimiser step leaves behind: the trainer makes it, the run store writes it in one transaction. */
import type { Group } from './run.ts';

/** What a later update on the same rollouts (`num_iterations` above 1) saw of their tokens, one list entry a completion. */
export interface TokenRatios {
  /** The step that the rollouts are stored with. */
  step: number;
  /** [group][completion], [T] each; `clipped` null = the loss cuts no ratio. */
  groups: { ratio: (number | null)[]; clipped: boolean[] | null }[][];
}

export interface StepResult {
  step: number;
  /** By TRL's names; null = no valid value at this step. */
  metrics: Record<string, number | null>;
  /** Empty for SFT. */
  groups: Group[];
  /** Of rollouts of an earlier step, where this step used those again. */
  ratios?: TokenRatios;
}
