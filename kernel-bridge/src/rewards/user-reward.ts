/**
 * A user's reward function, called as TRL calls one: completions, and a context of lists with one entry a completion beside what holds for all.
 * docs/guides/rewards.md describes it to its author.
 */
import type { RewardSource } from '../protocol/index.ts';
import { printable } from '../protocol/printable.ts';
import { batchOf } from './batch.ts';
import { errors } from './errors.ts';
import type { Limits } from './sandbox/limits.ts';
import type { TestCount } from './sandbox/messages.ts';
import { Sandbox } from './sandbox/sandbox.ts';
import type { RewardContext, RewardInput } from './types.ts';

export class UserReward implements Disposable {
  readonly name: string;
  readonly #source: RewardSource;
  readonly #context: RewardContext;
  readonly #sandbox: Sandbox;
  /** First lines that the last call logged. */
  log: readonly string[] = [];

  constructor(name: string, source: RewardSource, context: RewardContext, limits: Partial<Limits> = {}) {
    this.name = name;
    this.#source = source;
    this.#context = context;
    this.#sandbox = new Sandbox(source, limits);
  }

  /** Throws REWARD_SYNTAX, REWARD_EXPORT, REWARD_THREW, REWARD_TIMEOUT, REWARD_MEMORY, REWARD_LENGTH or REWARD_VALUE. */
  async score(inputs: readonly RewardInput[], step: number | null): Promise<(number | null)[]> {
    const outcome = await this.#sandbox.ask({ kind: 'score', batch: batchOf(inputs, step, this.#context) });
    this.log = outcome.log.map(printable);
    if ('failure' in outcome) throw errors.user(this.name, this.#source.file, outcome.failure, inputs);
    return 'values' in outcome ? outcome.values : [];
  }

  /** Indexes of the completions on which it fails when it is given them alone. Throws as `score`. */
  async failing(inputs: readonly RewardInput[], step: number | null): Promise<number[]> {
    const outcome = await this.#sandbox.ask({ kind: 'failing', batch: batchOf(inputs, step, this.#context) });
    if ('failure' in outcome) throw errors.user(this.name, this.#source.file, outcome.failure, inputs);
    return 'failing' in outcome ? outcome.failing : [];
  }

  /** Runs the tests that the file exports; null where it has none. Throws as `score`, and REWARD_TESTS. */
  async test(): Promise<TestCount | null> {
    const outcome = await this.#sandbox.ask({ kind: 'tests' });
    if ('failure' in outcome) throw errors.user(this.name, this.#source.file, outcome.failure, []);
    return 'tests' in outcome ? outcome.tests : null;
  }

  [Symbol.dispose](): void {
    this.#sandbox[Symbol.dispose]();
  }
}
