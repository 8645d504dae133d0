import { expect, it } from 'vitest';
import { chartsFor, explain, groupsOf, shortName } from './charts.ts';

const names = [
  'reward',
  'reward_std',
  'rewards/accuracy/mean',
  'rewards/format/mean',
  'kl',
  'completions/max_length',
  'completions/mean_length',
  'completions/min_length',
  'my/metric',
  'epoch',
];

it('known metrics share charts in a fixed order, the rest come by their own names', () => {
  expect(chartsFor(names).map(({ id, metrics }) => [id, metrics])).toEqual([
    ['reward', ['reward']],
    ['rewards', ['rewards/accuracy/mean', 'rewards/format/mean']],
    ['kl', ['kl']],
    ['length', ['completions/mean_length', 'completions/min_length', 'completions/max_length']],
    ['my/metric', ['my/metric']],
  ]);
});

it('the reward carries its spread as a band, and only when it was logged', () => {
  expect(chartsFor(names)[0].band).toBe('reward_std');
  expect(chartsFor(['reward'])[0].band).toBeUndefined();
});

it('no metric is lost and none stands in two charts', () => {
  const shown = chartsFor(names).flatMap(({ metrics }) => metrics);
  expect(new Set(shown).size).toBe(shown.length);
  expect([...shown].sort()).toEqual(names.filter((name) => name !== 'reward_std' && name !== 'epoch').sort());
});

it('an unknown metric goes to the group Other, which comes last', () => expect(groupsOf(chartsFor(names)).at(-1)).toBe('Other'));

it('lines are called by what differs', () => {
  const [, rewards, , length] = chartsFor(names);
  expect(shortName(rewards, 'rewards/accuracy/mean')).toBe('accuracy');
  expect(shortName(length, 'completions/mean_length')).toBe('mean');
  const short = (...metrics: string[]) => metrics.map((metric) => shortName({ ...length, metrics }, metric));
  expect(short('frac_groups_all_right', 'frac_reward_zero_std')).toEqual(['groups_all_right', 'reward_zero_std']);
  expect(short('eval_accuracy', 'eval_accuracy_low')).toEqual(['accuracy', 'accuracy_low']);
  expect(short('rewards/short_think/mean', 'rewards/short_answer/mean')).toEqual(['short_think', 'short_answer']);
  expect(short('clip_ratio/low_mean', 'cispo_clip_ratio')).toEqual(['clip_ratio/low_mean', 'cispo_clip_ratio']);
});

it('the tooltip explains each metric with its formula', () => expect(explain(chartsFor(['reward'])[0])).toMatch(/^reward: .+\n.+/));
