import { describe, expect, it } from 'vitest';
import { readAnswer } from '../answers/index.ts';
import type { Variant } from '../protocol/index.ts';
import { REWARDS, createReward, score, type RewardInput } from './index.ts';

const input = (completion: string, answer: string | null = 'C', tokens = 10): RewardInput => ({
  completion,
  tokenIds: Array.from({ length: tokens }, () => 1),
  finishReason: 'stop',
  prompt: 'P',
  item: {
    id: 'q1',
    dataset: 'Made',
    question: 'What?',
    options: ['MRI', 'X-ray', 'CT', 'CT angiography'],
    answer,
    modality: 'CT',
    question_type: 'MR',
  },
});
const context = { variant: 'think' as Variant, maxCompletionLength: 100 };
const value = async (name: string, completion: RewardInput, variant: Variant = 'think') =>
  (await score(name, createReward(name, { ...context, variant }), [completion]))[0];

describe('accuracy reads as Med-R1 does', () => {
  it.each([
    ['<think>x</think><answer> C </answer>', 1],
    ['<answer>C</answer>', 1],
    ['C', 1],
    ['<answer>A</answer><answer>C</answer>', 0],
    ['<answer>\nC\n</answer>', 0],
    ['<answer>C) CT</answer>', 0],
    ['<answer>c</answer>', 0],
    ['<answer>C.</answer>', 0],
    ['The answer is C', 0],
  ])('%j earns %s', async (completion, expected) => expect(await value('accuracy', input(completion))).toBe(expected));

  it('does not apply to an item without a right answer', async () => {
    expect(await value('accuracy', input('C', null))).toBeNull();
    expect(await value('accuracy_tolerant', input('C', null))).toBeNull();
  });
});

describe('format', () => {
  it.each<[Variant, string, number, number]>([
    // variant, completion, format, format_published
    ['think', '<think>a</think><answer>C</answer>', 1, 1],
    ['think', '<think>a\nb</think>\n <answer>anything</answer>', 1, 1],
    ['think', ' <think>a</think><answer>C</answer>', 0, 0],
    ['think', '<think>a</think><answer>C</answer> ', 0, 0],
    ['think', '<think>a</think><answer>C</answer>\n', 0, 0],
    ['think', '<answer>C</answer>', 0, 0],
    ['think', '<think>a</think><answer>A</answer><answer>C</answer>', 0, 1],
    ['think', '<think>a</think><think>b</think><answer>C</answer>', 0, 1],
    ['no-think', ' <answer>C</answer>', 1, 1],
    ['no-think', '<think>a</think><answer>C</answer>', 0, 0],
    ['no-think', '<answer>A</answer><answer>C</answer>', 0, 1],
    ['think-after', '<answer>C</answer> <think>a</think>', 1, 1],
    ['think-after', '<think>a</think><answer>C</answer>', 0, 0],
  ])('%s %j: %s, as published %s', async (variant, completion, ours, published) => {
    expect(await value('format', input(completion), variant)).toBe(ours);
    expect(await value('format_published', input(completion), variant)).toBe(published);
  });

  it('judges a hostile completion of 100,000 characters without backtracking for long', async () => {
    expect(await value('format', input('<think>'.repeat(15_000)))).toBe(0);
    expect(await value('format', input(`<think>${'a '.repeat(50_000)}`))).toBe(0);
  });
});

describe('soft_overlong_punishment follows DAPO eq. 13', () => {
  it.each([
    [80, 0],
    [90, -0.5],
    [100, -1],
    [101, -1],
  ])('%s of 100 tokens, cache 20: %s', async (tokens, expected) =>
    expect(await value('soft_overlong_punishment', input('x', 'C', tokens))).toBeCloseTo(expected, 12),
  );
});

describe("white space is Python's, whose expressions the published ones are", () => {
  it.each([
    // between the tags, is white space in Python
    ['\x1c', true],
    ['\x1f', true],
    ['\x85', true],
    ['\u3000', true],
    ['\u2028', true],
    ['\ufeff', false],
    ['\u200b', false],
    ['\u180e', false],
  ])('%j: %s', async (space, isSpace) => {
    const completion = `<think>a</think>${space}<answer>${space}C${space}</answer>`;
    expect(await value('accuracy', input(completion))).toBe(Number(isSpace));
    expect(await value('format', input(completion))).toBe(Number(isSpace));
    expect(await value('format_published', input(completion))).toBe(Number(isSpace));
    expect(readAnswer('strict', completion, [])).toBe(isSpace ? 'C' : null);
    expect(readAnswer('exact', `<answer>${space}C${space}</answer>`, [])).toBe(isSpace ? 'C' : null);
    expect(readAnswer('bare', `${space}C${space}`, [])).toBe(isSpace ? 'C' : null);
  });

  it('a long run of spaces is judged at once', async () => {
    expect(await value('accuracy', input(`x${' '.repeat(200_000)}x`))).toBe(0);
  });
});

describe('a reward that misbehaves names itself and its input', () => {
  const inputs = [input('first'), input('second')];
  it.each<[string, () => (number | null)[], RegExp]>([
    [
      'throws',
      () => {
        throw new TypeError('boom');
      },
      /reward mine threw boom .*item q1.*first/,
    ],
    ['returns too few', () => [1], /reward mine returned 1 values for 2 completions/],
    ['returns no array', () => 'x' as never, /reward mine returned string/],
    ['returns NaN', () => [1, NaN], /reward mine returned NaN for item q1, completion "second"/],
    ['returns text', () => [1, 'x' as never], /reward mine returned "x"/],
  ])('%s', async (_, reward, message) => await expect(score('mine', reward, inputs)).rejects.toThrow(message));

  it('and an unknown name lists those there are', () => {
    expect(() => createReward('acuracy', context)).toThrow(/no reward function "acuracy"/);
    expect(REWARDS.get('accuracy')?.description).toContain('exactly the right letter');
  });
});
