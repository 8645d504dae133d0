/** What a reward function gives for stored rollouts: values, their distribution, its speed, its error. */
import { countsIn, rangesOf } from '../protocol/histogram.ts';
import { errorBody, type Group, type RewardParameters, type RewardReport, type RewardSource } from '../protocol/index.ts';
import { errors, WAITS_FOR_KERNEL } from './errors.ts';
import { kernelReward, testKernelReward } from './kernel-reward.ts';
import { RewardFunctions, score } from './reward-functions.ts';
import type { AskKernel, RewardContext, RewardFunction, RewardInput } from './types.ts';
import { UserReward } from './user-reward.ts';

/** Each failure of these takes seconds, and the next call would fail alike. */
const COSTLY = new Set(['REWARD_TIMEOUT', 'REWARD_MEMORY', ...WAITS_FOR_KERNEL]);

/** Completions of one step, scored in one call as training does. */
export interface RewardBatch {
  step: number | null;
  inputs: RewardInput[];
}

/** Completions of a stored group as a reward function gets them. */
export const groupInputs = (group: Group): RewardInput[] =>
  group.completions.map(({ text, token_ids, finish_reason }) => ({
    completion: text,
    tokenIds: token_ids,
    finishReason: finish_reason,
    prompt: group.prompt,
    item: { ...group, id: group.item_id },
  }));

/** Milliseconds in which the completions that a function of a kernel fails on are looked for. */
const SEARCH_MS = 5000;

/**
 * `values`: by batch; null where the call failed, short where it was not tried any more. `failing`: by batch, indexes of the completions on which it
 * fails by itself: the others were scored without them, and these have null. `source`: of a user's file; null for a built-in function. Throws
 * REWARD_UNKNOWN.
 */
export async function tryReward(
  name: string,
  source: RewardSource | null,
  context: RewardContext,
  batches: readonly RewardBatch[],
  askKernel?: AskKernel,
  given: RewardParameters[string] = {},
): Promise<{ report: RewardReport; values: ((number | null)[] | null)[]; failing: number[][] }> {
  const inKernel = source?.runtime === 'kernel';
  using user = source && !inKernel ? new UserReward(name, source, context) : null;
  using builtIn = source ? null : builtInOf(name, context, given);
  const call: RewardFunction = user
    ? (inputs, step) => user.score(inputs, step)
    : inKernel
      ? kernelReward(name, source, context, askKernel)
      : builtIn!.call;
  const values: ((number | null)[] | null)[] = [];
  const log: string[] = [];
  let tests: RewardReport['tests'] = null;
  let error: RewardReport['error'] = null;
  let failed = 0;
  const failing: number[][] = [];
  let searched = true;
  const failingOf: Failing = user ? ({ inputs, step }) => user.failing(inputs, step) : byHalves(name, call, performance.now() + SEARCH_MS);
  let ms = 0;
  try {
    tests = inKernel ? await testKernelReward(name, source, context, askKernel) : ((await user?.test()) ?? null);
  } catch (thrown) {
    error = errorBody(thrown);
  }
  if (error === null) {
    for (const { inputs, step } of batches) {
      const began = performance.now();
      try {
        values.push(await score(name, call, inputs, step));
        ms += performance.now() - began;
      } catch (thrown) {
        if (!errors.isOfReward(thrown)) throw thrown;
        error ??= errorBody(thrown);
        searched &&= !COSTLY.has(thrown.code);
        const rest: Rest | null = searched ? await withoutFailing(name, call, failingOf, { inputs, step }) : null;
        searched = rest !== null;
        failed += rest?.failing.length ?? inputs.length;
        failing[values.length] = rest?.failing ?? [];
        values.push(rest?.values ?? null);
        if (COSTLY.has(thrown.code)) break;
      }
      log.push(...(user?.log ?? []));
    }
  }
  const flat = values.flatMap((batch, at) => (batch ?? []).filter((_, index) => !failing[at]?.includes(index)));
  const numbers = flat.filter((value) => value !== null);
  const report: RewardReport = {
    name,
    sha256: source?.sha256 ?? null,
    completions: flat.length,
    failed,
    failing: searched ? failing.flat().length : null,
    not_applicable: flat.length - numbers.length,
    ...moments(numbers),
    histogram: histogram(numbers),
    ms_per_completion: flat.length === 0 ? null : ms / flat.length,
    log: log.slice(0, 50),
    tests,
    error,
  };
  return { report, values, failing };
}

interface Rest {
  /** Of all completions of the batch; null for those that fail. */
  values: (number | null)[];
  failing: number[];
}

/** Indexes of the completions of a batch on which a function fails by itself. */
type Failing = (batch: RewardBatch) => Promise<number[]>;

/**
 * A batch on which the function fails, scored without the completions that are to blame. Null where these are not found in time, or where it fails on no
 * completion by itself, but on their company.
 */
async function withoutFailing(name: string, call: RewardFunction, failing: Failing, { inputs, step }: RewardBatch): Promise<Rest | null> {
  try {
    const found = new Set(await failing({ inputs, step }));
    if (found.size === 0) return null;
    const others = await score(
      name,
      call,
      inputs.filter((_, index) => !found.has(index)),
      step,
    );
    const left = others.values();
    return { values: inputs.map((_, index) => (found.has(index) ? null : (left.next().value ?? null))), failing: [...found] };
  } catch (thrown) {
    if (!errors.isOfReward(thrown)) throw thrown;
    return null;
  }
}

/** Looks for them by halves, since each call may be a way to a kernel; finds none once it is past `end`. */
const byHalves =
  (name: string, call: RewardFunction, end: number): Failing =>
  async ({ inputs, step }) => {
    const found: number[] = [];
    const suspects: [from: number, to: number][] = [];
    const halve = (from: number, to: number): void => {
      const middle = (from + to) >> 1;
      if (to - from === 1) found.push(from);
      else suspects.push([middle, to], [from, middle]);
    };
    halve(0, inputs.length);
    for (let next = suspects.pop(); next; next = suspects.pop()) {
      if (performance.now() > end) return [];
      const [from, to] = next;
      if (await fails(name, call, { inputs: inputs.slice(from, to), step })) halve(from, to);
    }
    return found;
  };

/** Throws what is costly. */
async function fails(name: string, call: RewardFunction, { inputs, step }: RewardBatch): Promise<boolean> {
  try {
    await score(name, call, inputs, step);
    return false;
  } catch (thrown) {
    if (!errors.isOfReward(thrown) || COSTLY.has(thrown.code)) throw thrown;
    return true;
  }
}

/** Schedules among its parameters count as at the step that is scored. */
function builtInOf(name: string, context: RewardContext, given: RewardParameters[string]): { call: RewardFunction } & Disposable {
  const functions = new RewardFunctions(context, { weights: { [name]: 1 }, sources: {}, parameters: { [name]: given } });
  return {
    call: async (inputs, step) => {
      functions.use({ weights: { [name]: 1 }, sources: {}, parameters: { [name]: given } }, step);
      return (await functions.score(inputs, step)).map(([value]) => value);
    },
    [Symbol.dispose]: () => functions[Symbol.dispose](),
  };
}

function moments(values: readonly number[]): Pick<RewardReport, 'mean' | 'std' | 'min' | 'max'> {
  if (values.length === 0) return { mean: null, std: null, min: null, max: null };
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const [min, max] = values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  return { mean, std: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : null, min, max };
}

function histogram(values: readonly number[]): RewardReport['histogram'] {
  const ranges = rangesOf(values);
  const counts = countsIn(ranges, values);
  return ranges.map((range, i) => ({ ...range, count: counts[i] }));
}
