import type { TrainConfig } from '../protocol/index.ts';
import { createReward, score, type RewardFunction, type RewardInput } from '../rewards/index.ts';
import { errors } from './errors.ts';

/** The reward functions of a run and the weights in force. */
export class Scorer {
  readonly names: readonly string[];
  readonly #functions: RewardFunction[];
  #weights: number[];

  constructor(config: TrainConfig) {
    this.names = config.reward_funcs;
    const context = { variant: config.variant, maxCompletionLength: config.max_completion_length };
    this.#functions = this.names.map((name) => createReward(name, context));
    const weights = config.reward_weights ?? this.names.map(() => 1);
    if (weights.length !== this.names.length) throw errors.weightCount(this.names, weights.length);
    this.#weights = [...weights];
  }

  get weights(): number[] {
    return this.#weights;
  }

  weightsByName(): Record<string, number> {
    return Object.fromEntries(this.names.map((name, k) => [name, this.#weights[k]]));
  }

  /** Weights left out keep theirs; all or none are set. */
  setWeights(weights: Record<string, number>): void {
    for (const [name, value] of Object.entries(weights)) {
      if (!this.names.includes(name)) throw errors.weightUnknown(name, this.names);
      if (!Number.isFinite(value)) throw errors.weightValue(name, value);
    }
    this.#weights = this.names.map((name, k) => weights[name] ?? this.#weights[k]);
  }

  /** [inputs][functions], raw; null = not applicable. */
  async score(inputs: readonly RewardInput[]): Promise<(number | null)[][]> {
    const columns = await Promise.all(this.#functions.map((reward, k) => score(this.names[k], reward, inputs)));
    return inputs.map((_, i) => columns.map((column) => column[i]));
  }
}
