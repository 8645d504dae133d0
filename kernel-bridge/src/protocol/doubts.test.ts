import { expect, it } from 'vitest';
import { doubtsOf } from './doubts.ts';

it('tells what a number does that is most often a slip of the pen, and says nothing of others', () => {
  expect(doubtsOf({ learning_rate: 1e9, beta: 0.04, temperature: 1, seed: 1e9 })).toEqual([
    'learning_rate is 1000000000: above 0.01 AdamW moves every weight so far in each step that the model is lost within a few',
  ]);
  expect(doubtsOf({ learning_rate: 0.01, beta: 11, temperature: null })).toEqual([expect.stringMatching(/^beta is 11: above 10 /)]);
  expect(doubtsOf({})).toEqual([]);
});
