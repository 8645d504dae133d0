import { isSchedule, type RewardSet } from '../protocol/index.ts';
import { configuredRewards, RewardFunctions, weightsAt, type RewardContext, type RewardInput } from '../rewards/index.ts';
import { OptionPrior } from '../data/prior.ts';
import { errors } from './errors.ts';
import { alone } from './ranks.ts';
import { SharedKernel } from './shared-kernel.ts';
import type { TrainerInit } from './types.ts';

type ScorerInit = Pick<TrainerInit, 'config' | 'rewards' | 'items' | 'log' | 'askKernel' | 'ranks'>;

/** The reward functions of a run and the weights in force. */
export class Scorer implements Disposable {
  /** What its functions ask of kernels, where several ranks score. */
  readonly kernel: SharedKernel;
  readonly #functions: RewardFunctions;
  #rewards: RewardSet;
  #weights: Record<string, number>;

  /** Without `rewards`, those that the configuration names. */
  constructor({ config, rewards = configuredRewards(config), items, log, askKernel, ranks = alone }: ScorerInit) {
    requireFinite(rewards.weights);
    let prior: OptionPrior | undefined; // only functions that ask for it pay for it
    const context: RewardContext = {
      variant: config.variant,
      maxCompletionLength: config.max_completion_length,
      optionChance: (item) => (prior ??= new OptionPrior(items)).chanceOfRight(item),
    };
    this.kernel = new SharedKernel(ranks, askKernel);
    this.#functions = new RewardFunctions(context, rewards, log, this.kernel.ask);
    this.#rewards = rewards;
    this.#weights = rewards.weights;
  }

  get names(): string[] {
    return this.#functions.names;
  }

  /** In the order of `names`. */
  get weights(): number[] {
    return this.names.map((name) => this.#weights[name]);
  }

  weightsByName(): Record<string, number> {
    return { ...this.#weights };
  }

  /** Tells sets of functions apart, whatever their weights. */
  get functions(): string {
    return this.#functions.key;
  }

  /** Functions and weights from now on, as they begin; when it throws, those before stay. */
  use(rewards: RewardSet): void {
    requireFinite(rewards.weights);
    this.#functions.use(rewards);
    this.#rewards = rewards;
    this.#weights = rewards.weights;
  }

  /** Weights and parameters as they count for a step, of a run whose completions have at most so many tokens. */
  at(step: number, maxCompletionLength: number): void {
    this.#functions.learn({ maxCompletionLength });
    this.#functions.use(this.#rewards, step);
    this.#weights = weightsAt(this.#rewards, step);
  }

  /** Numbers that follow the step, as they are now, by metric. */
  moving(): Record<string, number> {
    const { parameters = {} } = this.#rewards;
    const names = Object.entries(parameters).flatMap(([name, given]) =>
      Object.entries(given).flatMap(([parameter, value]) => (isSchedule(value) ? [[name, parameter] as const] : [])),
    );
    return Object.fromEntries(
      names.map(([name, parameter]) => [`reward_parameters/${name}/${parameter}`, Number(this.#functions.parametersOf(name)[parameter])]),
    );
  }

  /** [inputs][functions], raw; null = not applicable. `step`: the one they were sampled for. */
  score(inputs: readonly RewardInput[], step: number | null): Promise<(number | null)[][]> {
    return this.#functions.score(inputs, step);
  }

  [Symbol.dispose](): void {
    this.#functions[Symbol.dispose]();
  }
}

function requireFinite(weights: Record<string, number>): void {
  for (const [name, value] of Object.entries(weights)) if (!Number.isFinite(value)) throw errors.weightValue(name, value);
}
