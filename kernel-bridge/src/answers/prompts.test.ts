import { describe, expect, it } from 'vitest';
import { applyVariant, formatQuestion, publishedReading, ZERO_SHOT_PROMPT } from './prompts.ts';

const question = formatQuestion({ question: 'What is shown?', options: ['cyst', 'No.', 'a, b'] });

describe('prompts', () => {
  it("joins question and options as Med-R1's problem strings do", () => {
    expect(question).toBe('What is shown? A)cyst, B)No., C)a, b');
    expect(formatQuestion({ question: 'Describe.', options: [] })).toBe('Describe.');
  });

  it.each([
    ['think', null, 'strict'],
    ['think-after', 'Put it in <answer>: {question}', 'strict'],
    ['think', ZERO_SHOT_PROMPT, 'bare'],
  ] as const)('%s, %j: answers are published under the reading %s', (variant, template, reading) => {
    expect(publishedReading(variant, template)).toBe(reading);
  });

  it('letters run to Z, and an option without text is not shown and moves none', () => {
    const options = Array.from({ length: 26 }, (_, i) => `o${i}`);
    expect(formatQuestion({ question: 'Which?', options })).toMatch(/^Which\? A\)o0, B\)o1, .*, G\)o6, .*, Y\)o24, Z\)o25$/);
    expect(formatQuestion({ question: 'Which?', options: ['x', ' ', 'z'] })).toBe('Which? A)x, C)z');
  });

  it("gives Med-R1's training prompts letter by letter", () => {
    expect(applyVariant('Q', 'think')).toBe(
      'Q Your task: 1. Think through the question step by step, enclose your reasoning process in <think>...</think> tags. 2. Then provide the correct single-letter choice (A, B, C, D,...) inside <answer>...</answer> tags. 3. No extra information or text outside of these tags.',
    );
    expect(applyVariant('Q', 'no-think')).toBe(
      'Q Your task: 1. Provide the correct single-letter choice (A, B, C, D,...) inside <answer>...</answer> tags. 2. No extra information or text outside of this tag.',
    );
  });

  it("gives Med-R1's evaluation prompts, which differ from the training ones", () => {
    expect(applyVariant('Q', 'think', { eval: true })).toBe(
      'Q Think through the question step by step in <think>...</think> tags. Then provide the correct single-letter choice (A, B, C, D,...) inside <answer>...</answer> tags.',
    );
    expect(applyVariant('Q', 'no-think', { eval: true })).toBe(
      'Q Provide the correct single-letter choice (A, B, C, D,...) inside <answer>...</answer> tags.',
    );
  });

  it('asks an untrained model for the letter without tags', () => {
    expect(applyVariant('Q', 'think', { template: ZERO_SHOT_PROMPT, eval: true })).toBe(
      'Q Provide the correct single-letter choice (A, B, C, D,...).',
    );
  });

  it('asks for the answer before the reasoning in think-after', () => {
    for (const evaluate of [false, true]) {
      const text = applyVariant('Q', 'think-after', { eval: evaluate });
      expect(text.indexOf('<answer>')).toBeLessThan(text.indexOf('<think>'));
    }
  });

  it('puts the question into a template of the user, dollar signs and all', () => {
    expect(applyVariant('costs $& or $1?', 'think', { template: 'Q: {question} A:' })).toBe('Q: costs $& or $1? A:');
  });

  it('refuses a template without a place for the question', () => {
    expect(() => applyVariant('Q', 'think', { template: 'no place' })).toThrow(/no place for the question/);
  });
});
