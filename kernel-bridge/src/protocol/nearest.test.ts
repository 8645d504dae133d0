import { expect, it } from 'vitest';
import { nearest } from './nearest.ts';

it('finds what was meant', () => {
  expect(nearest('learning_rat', ['beta', 'learning_rate'])).toBe('learning_rate');
  expect(nearest('BETA', ['beta'])).toBe('beta');
  expect(nearest('zzzzzz', ['beta', 'learning_rate'])).toBeUndefined();
});

it('compares a word of megabytes with nothing', () => {
  const known = Array.from({ length: 200 }, (_, k) => `a_name_as_long_as_one_of_a_setting_${k}`);
  expect(nearest('x'.repeat(4 << 20), known)).toBeUndefined(); // letter by letter this takes minutes
});
