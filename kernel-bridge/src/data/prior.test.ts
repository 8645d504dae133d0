import { expect, it } from 'vitest';
import { OptionPrior } from './prior.ts';

const item = (id: string, answer: string | null = 'A', options = ['cyst', 'mass']) => ({ id, options, answer });

it('tells how much the texts of the options give the right one away, without what the question itself says', () => {
  const prior = new OptionPrior([item('1'), item('2'), item('3', null)]);
  expect(prior.chanceOfRight(item('new'))).toBeCloseTo(2.25 / 3 / (2.25 / 3 + 0.25 / 3), 12);
  expect(prior.chanceOfRight(item('1'))).toBeCloseTo(1.25 / 2 / (1.25 / 2 + 0.25 / 2), 12);
  expect(prior.chanceOfRight(item('new', 'B', ['cyst', 'bone']))).toBeCloseTo(0.25 / (0.25 + 2.25 / 3), 12);
});

it('is not known without an answer, and where nothing else was learnt from', () => {
  expect(new OptionPrior([item('1')]).chanceOfRight(item('1'))).toBeNull();
  expect(new OptionPrior([item('1'), item('2')]).chanceOfRight(item('3', null))).toBeNull();
});
