/**
 * A reward function that a kernel evaluates: a call goes there as texts and numbers, numbers come back. The function may give other values for the same
 * completions, so whoever asks keeps what it gave (worker/kernel-rewards.ts).
 */
import { createHash } from 'node:crypto';
import type { RewardTest } from '../protocol/kernels.ts';
import type { RewardSource } from '../protocol/rewards.ts';
import { batchOf } from './batch.ts';
import { errors } from './errors.ts';
import type { Batch, TestCount } from './sandbox/messages.ts';
import type { AskKernel, RewardContext, RewardFunction, RewardInput } from './types.ts';

/** Values of a function's own tests may differ by this, as those of a file's. */
const TOLERANCE = 1e-6;

/**
 * The function's own tests, all in one call: lists that a test does not name have null there. Null where it has none. Throws REWARD_TESTS, and what a
 * call throws.
 */
export async function testKernelReward(
  name: string,
  source: RewardSource,
  context: RewardContext,
  ask: AskKernel | undefined,
): Promise<TestCount | null> {
  const tests: readonly RewardTest[] = source.tests ?? [];
  if (tests.length === 0) return null;
  if (ask === undefined) throw errors.kernelUnreachable(name);
  const columns = [...new Set(tests.flatMap((test) => Object.keys(test)))].filter((key) => key !== 'completion' && key !== 'expected');
  const batch = {
    completions: tests.map(({ completion }) => completion),
    columns: Object.fromEntries(columns.map((column) => [column, tests.map((test) => test[column] ?? null)])),
    constants: { step: null, variant: context.variant, max_completion_length: context.maxCompletionLength },
  };
  const values = await called(name, source, ask, batch);
  for (const [index, { expected }] of tests.entries()) {
    const got = values[index];
    const equal = got === null || expected === null ? got === expected : Math.abs(got - expected) <= TOLERANCE;
    if (!equal)
      throw errors.user(
        name,
        source.file,
        { kind: 'tests', what: `test ${index + 1} expects ${expected} and got ${got}`, line: null, completion: null },
        [],
      );
  }
  return { passed: tests.length, total: tests.length };
}

/** Throws REWARD_THREW, REWARD_LENGTH, REWARD_VALUE, REWARD_TIMEOUT, REWARD_KERNEL_ABSENT, REWARD_KERNEL_BUSY or REWARD_KERNEL_UNREACHABLE. */
export function kernelReward(name: string, source: RewardSource, context: RewardContext, ask: AskKernel | undefined): RewardFunction {
  return async (inputs, step) => {
    if (ask === undefined) throw errors.kernelUnreachable(name);
    return called(name, source, ask, batchOf(inputs, step, context), inputs);
  };
}

async function called(
  name: string,
  source: RewardSource,
  ask: AskKernel,
  batch: Batch,
  inputs: readonly RewardInput[] = [],
): Promise<(number | null)[]> {
  const key = createHash('sha256')
    .update(JSON.stringify([name, source.sha256, batch]))
    .digest('hex');
  const scored = await ask({ key, name, sha256: source.sha256, ...batch }, source);
  if ('values' in scored) return scored.values;
  if ('failure' in scored) throw errors.user(name, source.file, scored.failure, inputs);
  throw errors.unanswered(name, scored);
}
