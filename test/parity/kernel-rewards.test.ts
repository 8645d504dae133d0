/**
 * Python reward functions as TRL's GRPOTrainer calls them and as a kernel does: the same arguments by name, the same values, and not applicable to the
 * same completions. Where the two part on purpose, APART says how; docs/guides/rewards.md says it to users.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { KernelCall } from '../../kernel-bridge/src/protocol/index.ts';
import { createTrainer } from '../../kernel-bridge/src/rl/index.ts';
import { makeTiny, type Tiny } from '../../kernel-bridge/src/rl/testing/tiny.ts';
import { configuredRewards } from '../../kernel-bridge/src/rewards/index.ts';

type Values = { values: (number | string | null)[] };
interface Compared {
  name: string;
  trl: Values | { raised: string };
  kernel: Values | { failure: { kind: string; what: string } };
}
type Arguments = Record<'trl' | 'kernel', Record<string, unknown>>;
interface InTraining {
  completions: { role: string; content: string }[][];
  completion_ids: number[][];
  global_step: number;
  max_steps: number;
}
interface Printed {
  results: Compared[];
  arguments: Record<'plain' | 'conversational', Arguments>;
  training: InTraining[];
}

const STEPS = 2;
const LONGEST = 8;
/** Of the tiny model: ids below are special tokens, two of them ends. */
const SPECIAL = 8;
const VOCABULARY = ['A', 'B', 'C', 'D', '<answer>', '</answer>', '<think>', '</think>', 'it', 'is'];
const ENDS = [0, 2];
let tiny: Tiny;
/** What a function of a kernel is called with in two steps of a run. */
const calls: KernelCall[] = [];
let printed: Printed;
beforeAll(async () => {
  tiny = await makeTiny();
  const config = tiny.config({ max_steps: STEPS, max_completion_length: LONGEST, reward_funcs: ['accuracy_tolerant'] });
  const built = configuredRewards(config);
  const source = { file: 'served.py', source: 'def served(): ...', sha256: 'f00d', runtime: 'kernel' as const };
  const trainer = await createTrainer({
    config,
    items: tiny.items,
    evalItems: [],
    root: tiny.directory,
    rewards: { ...built, weights: { ...built.weights, served: 1 }, sources: { served: source } },
    askKernel: async (call) => {
      calls.push({ ...call, constants: { ...call.constants, max_steps: STEPS } });
      return { values: call.completions.map(() => 0) };
    },
  });
  try {
    for (let step = 1; step <= STEPS; step++) await trainer.trainStep();
  } finally {
    trainer.dispose();
  }
  const cases = join(tiny.directory, 'cases.json');
  const images = tiny.items.map(({ image }) => join(tiny.directory, image));
  writeFileSync(cases, JSON.stringify({ model: tiny.model, call: calls[1], images }));
  const root = resolve(import.meta.dirname, '../..');
  const output = execFileSync(join(root, '.venv/bin/python'), [join(import.meta.dirname, 'python/kernel_rewards.py'), cases], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  printed = JSON.parse(output.trim().split('\n').at(-1)!) as Printed;
});
afterAll(() => tiny[Symbol.asyncDispose]());

/** What TRL makes of the first completion, and the kernel, where they differ. */
const APART: Record<string, [trl: unknown, kernel: unknown]> = {
  // None is the word for "not applicable". A NaN comes from 0/0 as a rule, and TRL goes on without that reward: here it is told.
  nan: [null, 'refused'],
  'nan of numpy': [null, 'refused'],
  // TRL's advantages become NaN, and the weights with them.
  infinite: [Infinity, 'refused'],
  // TRL hands over all arguments.
  'names some': ['refused', 38],
  // TRL takes those of torch alone.
  'arrays of one number': ['refused', Math.fround(-0.3)],
};

/** TRL keeps rewards in float32, and so do these: a run here has the function's own bits. */
const seen = (one: Compared['trl'] | Compared['kernel']): unknown[] =>
  'values' in one ? one.values.map((value) => (value === null ? null : Math.fround(Number(value)))) : ['refused'];

it('gives the same values to the same completions, and refuses the same', () => {
  const { results } = printed;
  expect(new Set(results.map(({ name }) => name)).size).toBe(results.length);
  expect(results.length).toBeGreaterThan(35);
  const apart = results.filter(({ trl, kernel }) => JSON.stringify(seen(trl)) !== JSON.stringify(seen(kernel)));
  expect(Object.fromEntries(apart.map(({ name, trl, kernel }) => [name, [seen(trl)[0], seen(kernel)[0]]]))).toEqual(APART);
  const mixed = results.find(({ name }) => name === 'asynchronous none')!;
  expect(seen(mixed.kernel).filter((value) => value === null)).toHaveLength(3);
});

it.each(['plain', 'conversational'] as const)('calls with the same arguments, %s', (form) => {
  const { trl, kernel } = printed.arguments[form];
  expect(kernel).toEqual(trl);
  expect(Object.keys(trl)).toEqual(
    expect.arrayContaining(['prompts', 'completions', 'completion_ids', 'trainer_state', 'log_metric', 'answer']),
  );
});

it('counts steps and gives ids with their end as TRL does in training', () => {
  const { training } = printed;
  expect(training.map(({ global_step, max_steps }) => [global_step, max_steps])).toEqual([
    [0, STEPS],
    [1, STEPS],
  ]);
  expect(calls.map(({ constants }) => Number(constants.step) - 1)).toEqual(training.map(({ global_step }) => global_step));
  const both = {
    trl: training.map(({ completions, completion_ids }) => ({ ids: completion_ids, texts: completions.map(([{ content }]) => content) })),
    kernel: calls.map(({ completions, columns }) => ({ ids: columns.completion_ids as number[][], texts: completions })),
  };
  for (const [of, steps] of Object.entries(both)) {
    const ids = steps.flatMap((step) => step.ids);
    const words = ids.map((one) => one.flatMap((id) => VOCABULARY[id - SPECIAL] ?? []).join(' '));
    expect(
      steps.flatMap(({ texts }) => texts),
      of,
    ).toEqual(words);
    const ended = ids.filter((one) => one.length < LONGEST);
    expect(ended.length, of).toBeGreaterThan(0);
    for (const one of ended) expect(ENDS, of).toContain(one.at(-1));
  }
});
