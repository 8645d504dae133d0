/** The reward functions of a set, ready to be called: built in ones here, users' own in their sandboxes or in kernels. */
import type { RewardSet, RewardSource } from '../protocol/index.ts';
import { REWARDS } from './built-in.ts';
import { errors } from './errors.ts';
import { kernelReward } from './kernel-reward.ts';
import type { AskKernel, RewardContext, RewardFunction, RewardInput } from './types.ts';
import { UserReward } from './user-reward.ts';

/** A reward function by name, its parameters those of `parameters` or the run's fallbacks. Throws REWARD_UNKNOWN. */
export function createReward(name: string, context: RewardContext, parameters: Record<string, number> = {}): RewardFunction {
  const definition = REWARDS.get(name);
  if (definition === undefined) throw errors.unknown(name, [...REWARDS.keys()]);
  const values = definition.parameters.map((parameter) => [parameter.name, parameters[parameter.name] ?? parameter.fallback(context)]);
  return definition.create(context, Object.fromEntries(values));
}

/** Values of one reward for every input; whatever it does wrong names the reward and the input. */
export async function score(
  name: string,
  reward: RewardFunction,
  inputs: readonly RewardInput[],
  step: number | null = null,
): Promise<(number | null)[]> {
  if (inputs.length === 0) return [];
  let values: (number | null)[];
  try {
    values = await reward(inputs, step);
  } catch (cause) {
    throw errors.isOfReward(cause) ? cause : errors.threw(name, inputs, cause);
  }
  if (!Array.isArray(values) || values.length !== inputs.length) throw errors.wrongLength(name, inputs, values);
  values.forEach((value, index) => {
    if (value !== null && !Number.isFinite(value)) throw errors.notANumber(name, inputs[index], value);
  });
  return values;
}

/** Lines of one call that go to a run's log. */
const LOGGED = 3;

interface Entry {
  key: string;
  call: RewardFunction;
  user: UserReward | null;
}

/** Tells functions of one name apart. How long a kernel is waited for does not change a value, but goes over to the new revision with it. */
function keyOf(source: RewardSource | undefined): string {
  if (source === undefined) return '';
  const { sha256, runtime, timeout_s, on_timeout } = source;
  return runtime === 'kernel' ? `${sha256} ${timeout_s} ${on_timeout}` : sha256;
}

export class RewardFunctions implements Disposable {
  readonly #context: RewardContext;
  readonly #log: (line: string) => void;
  readonly #askKernel: AskKernel | undefined;
  #entries = new Map<string, Entry>();

  /** `log` gets the first lines that a user's function writes in a call. Without `askKernel` functions of kernels fail by name when they are called. */
  constructor(context: RewardContext, set: RewardSet, log: (line: string) => void = () => {}, askKernel?: AskKernel) {
    this.#context = context;
    this.#askKernel = askKernel;
    this.#log = log;
    this.use(set);
  }

  get names(): string[] {
    return [...this.#entries.keys()];
  }

  /** Tells sets of functions apart, whatever their weights. */
  get key(): string {
    return [...this.#entries].map(([name, { key }]) => `${name} ${key}`).join('\n');
  }

  /** Goes over to another set; functions that stay keep their sandbox. Throws REWARD_UNKNOWN, and nothing has changed. */
  use({ weights, sources }: RewardSet): void {
    const before = this.#entries;
    this.#entries = new Map(
      Object.keys(weights).map((name) => {
        const key = keyOf(sources[name]);
        const known = before.get(name);
        return [name, known?.key === key ? known : this.#create(name, key, sources)];
      }),
    );
    for (const [name, entry] of before) if (this.#entries.get(name) !== entry) entry.user?.[Symbol.dispose]();
  }

  #create(name: string, key: string, sources: RewardSet['sources']): Entry {
    if (sources[name] === undefined) return { key, call: createReward(name, this.#context), user: null };
    if (sources[name].runtime === 'kernel')
      return { key, call: kernelReward(name, sources[name], this.#context, this.#askKernel), user: null };
    const user = new UserReward(name, sources[name], this.#context);
    const call: RewardFunction = async (inputs, step) => {
      const values = await user.score(inputs, step);
      for (const line of user.log.slice(0, LOGGED)) this.#log(`reward ${name}: ${line}`);
      return values;
    };
    return { key, call, user };
  }

  /** [inputs][functions], raw; null = not applicable. */
  async score(inputs: readonly RewardInput[], step: number | null): Promise<(number | null)[][]> {
    const columns = await Promise.all([...this.#entries].map(([name, { call }]) => score(name, call, inputs, step)));
    return inputs.map((_, i) => columns.map((column) => column[i]));
  }

  [Symbol.dispose](): void {
    for (const { user } of this.#entries.values()) user?.[Symbol.dispose]();
  }
}
