/** The reward functions of a set, ready to be called: built in ones here, users' own in their sandboxes or in kernels. */
import type { RewardParameters, RewardSet, RewardSource } from '../protocol/index.ts';
import { builtInNamed, REWARDS } from './built-in.ts';
import { errors } from './errors.ts';
import { kernelReward } from './kernel-reward.ts';
import { parametersAt } from './parameters.ts';
import type { AskKernel, Parameters, RewardContext, RewardDefinition, RewardFunction, RewardInput } from './types.ts';
import { UserReward } from './user-reward.ts';

/** A reward function by name; parameters that are not given take their defaults, and those that follow the step what they are at it. Throws REWARD_UNKNOWN. */
export function createReward(
  name: string,
  context: RewardContext,
  given: RewardParameters[string] = {},
  step: number | null = null,
): RewardFunction & Partial<Disposable> {
  const definition = builtIn(name);
  return definition.create(context, parametersAt(definition, given, context, step));
}

function builtIn(name: string): RewardDefinition {
  const definition = builtInNamed(name);
  if (definition === undefined) throw errors.unknown(name, [...REWARDS.keys()]);
  return definition;
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
  inKernel: boolean;
  /** Of a built-in function, as they are now. */
  parameters: Parameters;
  call: RewardFunction;
  /** Gives its sandbox back, where it has one. */
  dispose?: () => void;
}

/** Tells functions of one name apart. Of one without parameters it is empty, as it was in checkpoints of before there were any. */
const keyOfParameters = (values: Parameters): string => (Object.keys(values).length === 0 ? '' : JSON.stringify(values));

/** The same of users' own. How long a kernel is waited for does not change a value, but goes over to the new revision with it. */
function keyOfSource(source: RewardSource): string {
  const { sha256, runtime, timeout_s, on_timeout } = source;
  return runtime === 'kernel' ? `${sha256} ${timeout_s} ${on_timeout}` : sha256;
}

export class RewardFunctions implements Disposable {
  /** Functions hold it: what changes in it counts from their next call on. */
  readonly #context: RewardContext;
  readonly #log: (line: string) => void;
  readonly #askKernel: AskKernel | undefined;
  #entries = new Map<string, Entry>();

  /** `log` gets the first lines that a user's function writes in a call. Without `askKernel` functions of kernels fail by name when they are called. */
  constructor(context: RewardContext, set: RewardSet, log: (line: string) => void = () => {}, askKernel?: AskKernel) {
    this.#context = { ...context };
    this.#askKernel = askKernel;
    this.#log = log;
    this.use(set);
  }

  /** What of the run changed, from the next `use` on. */
  learn(context: Partial<RewardContext>): void {
    Object.assign(this.#context, context);
  }

  get names(): string[] {
    return [...this.#entries.keys()];
  }

  /** Parameters of a built-in function, as they are now. */
  parametersOf(name: string): Parameters {
    return this.#entries.get(name)?.parameters ?? {};
  }

  /** Tells sets of functions apart, whatever their weights. */
  get key(): string {
    return [...this.#entries].map(([name, { key }]) => `${name} ${key}`).join('\n');
  }

  /** Goes over to another set, or to the same at another step; functions that stay keep their sandbox. Throws REWARD_UNKNOWN, and nothing has changed. */
  use({ weights, sources, parameters = {} }: RewardSet, step: number | null = null): void {
    const before = this.#entries;
    this.#entries = new Map(
      Object.keys(weights).map((name) => {
        const source = sources[name];
        const values = source === undefined ? parametersAt(builtIn(name), parameters[name] ?? {}, this.#context, step) : {};
        const key = source === undefined ? keyOfParameters(values) : keyOfSource(source);
        const known = before.get(name);
        return [
          name,
          known?.key === key
            ? known
            : { key, inKernel: source?.runtime === 'kernel', parameters: values, ...this.#create(name, source, values) },
        ];
      }),
    );
    for (const [name, entry] of before) if (this.#entries.get(name) !== entry) entry.dispose?.();
  }

  #create(name: string, source: RewardSource | undefined, parameters: Parameters): Pick<Entry, 'call' | 'dispose'> {
    if (source === undefined) {
      const call = builtIn(name).create(this.#context, parameters);
      return { call, dispose: () => call[Symbol.dispose]?.() };
    }
    if (source.runtime === 'kernel') return { call: kernelReward(name, source, this.#context, this.#askKernel) };
    const user = new UserReward(name, source, this.#context);
    const call: RewardFunction = async (inputs, step) => {
      const values = await user.score(inputs, step);
      for (const line of user.log.slice(0, LOGGED)) this.#log(`reward ${name}: ${line}`);
      return values;
    };
    return { call, dispose: () => user[Symbol.dispose]() };
  }

  /** [inputs][functions], raw; null = not applicable. Kernels are asked last, and not at all for what another function fails on. */
  async score(inputs: readonly RewardInput[], step: number | null): Promise<(number | null)[][]> {
    const entries = [...this.#entries];
    const columns = new Map<string, (number | null)[]>();
    for (const inKernel of [false, true]) {
      const these = entries.filter(([, entry]) => entry.inKernel === inKernel);
      await Promise.all(these.map(async ([name, { call }]) => columns.set(name, await score(name, call, inputs, step))));
    }
    return inputs.map((_, i) => entries.map(([name]) => columns.get(name)![i]));
  }

  [Symbol.dispose](): void {
    for (const { dispose } of this.#entries.values()) dispose?.();
  }
}
