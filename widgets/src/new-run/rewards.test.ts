import { expect, it } from 'vitest';
import { rewardRows, typedRewards, withReward, byFunction, withValues } from './rewards.ts';

const rows = (reward_funcs: string, reward_weights = '') => rewardRows({ reward_funcs, reward_weights });

it('a row for each function, by name, with its weight', () => {
  expect(rows('accuracy, ./rewards/mine.ts', '1, 0.3')).toEqual([
    { entry: 'accuracy', name: 'accuracy', weight: 1 },
    { entry: './rewards/mine.ts', name: 'mine', weight: 0.3 },
  ]);
  expect(rows('accuracy, format').map(({ weight }) => weight)).toEqual([1, 1]);
});

it('goes back into the keys; weights that are all 1 are the default', () => {
  expect(typedRewards(rows('accuracy, format', '1, 1'))).toEqual({ reward_funcs: 'accuracy, format', reward_weights: '' });
  expect(typedRewards(rows('accuracy, format', '2, 0.5').toSpliced(0, 1))).toEqual({ reward_funcs: 'format', reward_weights: '0.5' });
});

it('one function more weighs 1 and keeps the others; the same one again changes nothing', () => {
  const two = withReward(rows('accuracy', '2'), 'mine.ts');
  expect(typedRewards(two)).toEqual({ reward_funcs: 'accuracy, mine.ts', reward_weights: '2, 1' });
  expect(withReward(two, 'mine.ts')).toEqual(two);
});

it('a weight too few is shown as none, and put right by the next edit', () => {
  const short = rows('accuracy, format', '2');
  expect(short[1].weight).toBeNaN();
  expect(typedRewards(short).reward_weights).toBe('2, 1');
});

it('values by function go into JSON and out of it, and an empty field is none', () => {
  expect(withValues('', 'length_band', { low: 3 })).toBe('{"length_band":{"low":3}}');
  expect(withValues('{"length_band":{"low":3},"pattern":{"pattern":"x"}}', 'length_band', {})).toBe('{"pattern":{"pattern":"x"}}');
  expect(withValues('{"length_band":{"low":3}}', 'length_band', null)).toBe('');
  expect(byFunction('{"length_band":{"low":3}}')).toEqual({ length_band: { low: 3 } });
  expect(byFunction('{ not yet')).toEqual({});
});
