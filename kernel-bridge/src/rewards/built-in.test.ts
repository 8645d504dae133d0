/** Built-in rewards with parameters against values computed by hand; test/parity/rewards.test.ts holds those that TRL has to TRL's. */
import { describe, expect, it } from 'vitest';
import type { RewardParameters, Variant } from '../protocol/index.ts';
import {
  changedParameters,
  configuredRewards,
  createReward,
  RewardFunctions,
  REWARDS,
  score,
  type RewardContext,
  type RewardInput,
} from './index.ts';

const input = (completion: string, more: Partial<RewardInput['item']> & { tokens?: number[] } = {}): RewardInput => {
  const { tokens = [1, 2, 3], ...item } = more;
  return {
    completion,
    tokenIds: tokens,
    finishReason: 'stop',
    prompt: 'P',
    item: {
      ...{
        id: 'q1',
        dataset: 'Made',
        question: 'What?',
        options: ['MRI', 'X-ray', 'CT'],
        answer: 'C',
        modality: 'CT',
        question_type: 'MR',
      },
      ...item,
    },
  };
};
const context: RewardContext = { variant: 'think' as Variant, maxCompletionLength: 100 };

async function value(name: string, one: RewardInput, given: RewardParameters[string] = {}, of: RewardContext = context) {
  changedParameters({}, { [name]: given }, [name], 1);
  const reward = createReward(name, of, given);
  try {
    return (await score(name, reward, [one]))[0];
  } finally {
    reward[Symbol.dispose]?.();
  }
}
const tokens = (count: number): { tokens: number[] } => ({ tokens: Array.from({ length: count }, (_, i) => i) });
const thought = (think: string, answer = 'C'): string => `<think>${think}</think><answer>${answer}</answer>`;

describe('length_band, low 10, high 20, slope 5', () => {
  it.each([
    [0, 0],
    [5, 0],
    [6, 0.2],
    [9, 0.8],
    [10, 1],
    [20, 1],
    [22, 0.6],
    [25, 0],
    [99, 0],
  ])('%s tokens: %s', async (count, expected) =>
    expect(await value('length_band', input('x', tokens(count)), { low: 10, high: 20, slope: 5 })).toBeCloseTo(expected, 12),
  );
});

describe('repetition_penalty', () => {
  it.each<[number[], RewardParameters[string], number]>([
    [[1, 2, 3, 4], { ngram_size: 2 }, 0],
    [[5, 5, 5, 5, 5], { ngram_size: 2 }, -0.75],
    [[1, 2, 1, 2, 1, 2], {}, -0.5], // 121 212 121 212: 2 of 4
    [[1, 2], {}, 0],
    [[11, 1, 1, 11], { ngram_size: 2 }, 0], // no two n-grams are taken for one by their digits
    [[7, 7, 7, 7], { max_penalty: -2 }, -1],
  ])('of %j with %j is %s', async (ids, given, expected) =>
    expect(await value('repetition_penalty', input('x', { tokens: ids }), given)).toBeCloseTo(expected, 12),
  );
});

describe('brevity, limit 10', () => {
  it.each<[string, RewardParameters[string], number | null]>([
    [thought('one two three'), {}, 0.7],
    [thought(''), {}, 1],
    [thought('w '.repeat(12)), {}, 0],
    [thought('one two three', 'A'), {}, 0],
    [thought('one two three', 'A'), { only_right: false }, 0.7],
    ['<answer>C</answer>', {}, null],
  ])('%j with %j: %s', async (completion, given, expected) =>
    expect(await value('brevity', input(completion), { limit: 10, ...given })).toBe(expected),
  );

  it('does not apply to a question without an answer, unless all count', async () => {
    expect(await value('brevity', input(thought('a'), { answer: null }))).toBeNull();
    expect(await value('brevity', input(thought('a'), { answer: null }), { only_right: false })).toBeCloseTo(0.99, 12);
  });
});

describe('answer_validity', () => {
  it.each<[string, string, number]>([
    ['<answer>A</answer>', 'tolerant', 1],
    ['<answer>b) X-ray</answer>', 'tolerant', 1],
    ['<answer>b) X-ray</answer>', 'exact', 0],
    ['<answer>D</answer>', 'tolerant', 0],
    ['<answer>D</answer>', 'exact', 0],
    ['<answer>ultrasound</answer>', 'tolerant', 0],
    ['', 'tolerant', 0],
  ])('%j by %s: %s', async (completion, reading, expected) =>
    expect(await value('answer_validity', input(completion), { reading })).toBe(expected),
  );

  it('does not apply without options', async () => expect(await value('answer_validity', input('A', { options: [] }))).toBeNull());
});

describe('think_answer_consistency', () => {
  it.each<[string, number | null]>([
    [thought('Bones are bright. It is a CT.'), 1],
    [thought('Bones are bright. It is a CT.', 'A'), 0],
    [thought('It may be MRI. No, option C.', 'c) CT'), 1],
    [thought('It may be CT.\nSo the answer is A.'), 0],
    [thought('The image is dark.'), null],
    [thought('It is CT.', 'ultrasound'), 0],
    ['<answer>C</answer>', null],
  ])('%j: %s', async (completion, expected) => expect(await value('think_answer_consistency', input(completion))).toBe(expected));
});

describe('accuracy_prior', () => {
  const of: RewardContext = { ...context, optionChance: ({ id }) => (id === 'q1' ? 0.75 : null) };
  it.each<[string, RewardParameters[string], number]>([
    ['<answer>C</answer>', {}, 0.25],
    ['<answer>C</answer>', { strength: 0.5 }, 0.625],
    ['<answer>C</answer>', { strength: 0 }, 1],
    ['<answer>A</answer>', {}, 0],
  ])('%j with %j, the prior at 0.75: %s', async (completion, given, expected) =>
    expect(await value('accuracy_prior', input(completion), given, of)).toBeCloseTo(expected, 12),
  );

  it('does not apply without an answer or without a prior', async () => {
    expect(await value('accuracy_prior', input('C', { answer: null }), {}, of)).toBeNull();
    expect(await value('accuracy_prior', input('C', { id: 'other' }), {}, of)).toBeNull();
    expect(await value('accuracy_prior', input('C'))).toBeNull();
  });
});

describe('pattern', () => {
  const probably = thought('Probably a CT.');
  it.each<[string, RewardParameters[string], number]>([
    [probably, { pattern: 'maybe, probably' }, 1],
    [probably, { pattern: 'probably', ignore_case: false }, 0],
    [probably, { pattern: 'probab' }, 0], // no whole word
    [probably, { pattern: 'a.b, CT' }, 1], // a dot is a dot
    [probably, { pattern: 'probably', where: 'answer' }, 0],
    [probably, { pattern: '^c$', kind: 'regexp', where: 'answer' }, 1],
    [probably, { pattern: '\\bCT\\b', kind: 'regexp', where: 'think', found: -0.5, absent: 0.25 }, -0.5],
    ['<answer>C</answer>', { pattern: 'x', where: 'think', absent: 0.25 }, 0.25],
    ['"); throw 1; ("', { pattern: '"\\);', kind: 'regexp' }, 1],
  ])('%j, %j: %s', async (completion, given, expected) => expect(await value('pattern', input(completion), given)).toBe(expected));

  it('several stand side by side, each with a label, parameters and a weight of its own', async () => {
    const config = {
      reward_funcs: ['accuracy', 'pattern', 'pattern:units', 'pattern:hedging'],
      reward_weights: [1, 0.2, 0.3, 0.4],
      reward_parameters: {
        pattern: { pattern: 'CT' },
        'pattern:units': { pattern: 'mm, cm' },
        'pattern:hedging': { pattern: 'probably', found: -1 },
      },
    };
    const set = configuredRewards(config);
    expect(set.weights).toEqual({ accuracy: 1, pattern: 0.2, 'pattern:units': 0.3, 'pattern:hedging': 0.4 });
    using functions = new RewardFunctions(context, set);
    expect(await functions.score([input(probably)], 1)).toEqual([[1, 1, 0, -1]]);
  });

  it.each(['pattern:', 'pattern:a:b', 'pattern:a b', 'accuracy:again', ':'])('%s is no name of one', (name) =>
    expect(() => configuredRewards({ reward_funcs: [name], reward_weights: null })).toThrow(/REWARD_UNKNOWN|is neither|no reward/i),
  );

  it('that would be looked for without end is stopped', async () => {
    await expect(value('pattern', input(`${'a'.repeat(60)}!`), { pattern: '^(a+)+$', kind: 'regexp' })).rejects.toMatchObject({
      code: 'REWARD_TIMEOUT',
    });
  });

  it.each<[RewardParameters[string], RegExp]>([
    [{}, /must hold a pattern/],
    [{ pattern: ' , ' }, /must hold a pattern/],
    [{ pattern: '(', kind: 'regexp' }, /holds no regular expression/],
    [{ pattern: 'x', where: 'image' }, /where of reward pattern is "image"/],
  ])('%j is refused', (given, message) => expect(() => changedParameters({}, { pattern: given }, ['pattern'], 1)).toThrow(message));
});

it.each([...REWARDS.values()])(
  '$name explains itself, and each of its parameters',
  ({ formula, known_failure, description, parameters }) => {
    for (const text of [formula, known_failure, description]) expect(text.length).toBeGreaterThan(20);
    for (const schema of Object.values(parameters.properties))
      expect(schema).toMatchObject({ title: expect.any(String), description: expect.any(String) });
  },
);
