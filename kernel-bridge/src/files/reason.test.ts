import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { reasonOf } from './reason.ts';

const thrown = (what: () => unknown): unknown => {
  try {
    return what();
  } catch (error) {
    return error;
  }
};

it('tells why a file cannot be read without the call that failed', () => {
  expect(reasonOf(thrown(() => readFileSync('/nowhere/x')))).toBe('no such file or directory');
  expect(reasonOf(thrown(() => readFileSync('/')))).toBe('illegal operation on a directory');
  expect(reasonOf(new Error('it has 3 parts, and 2 are known'))).toBe('it has 3 parts, and 2 are known');
  expect(reasonOf('gone')).toBe('gone');
});
