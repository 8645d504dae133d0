import { expect, it } from 'vitest';
import fc from 'fast-check';
import { Evaluator } from './evaluate.ts';
import type { InForce } from './rule.ts';
import { RULES } from './rules.ts';
import { describeMetric } from '../protocol/metrics.ts';
import { readSeries } from '../../../test/alerts/series.ts';
import { ALL } from '../../../test/alerts/cases.ts';
import { MADE } from '../../../test/alerts/made.ts';

const evaluate = ({ config, rows }: { config: object; rows: { step: number; metrics: Record<string, number | null> }[] }): Evaluator => {
  const evaluator = new Evaluator();
  const { reward_funcs = ['accuracy', 'format'] } = config as { reward_funcs?: string[] };
  const inForce: InForce = { config, weights: Object.fromEntries(reward_funcs.map((name) => [name, 1])) };
  for (const { step, metrics } of rows) evaluator.feed(step, metrics, inForce);
  return evaluator;
};
const warnings = ({ onsets }: Evaluator) => onsets.filter(({ level }) => level !== 'info');

it('has a rule for each failure once, with metrics that are listed, thresholds and words', () => {
  expect(new Set(RULES.map(({ id }) => id)).size).toBe(RULES.length);
  for (const rule of RULES) {
    for (const name of rule.metrics) expect(describeMetric(name.replace(/\{\w+\}/g, 'x')), `${rule.id}: ${name}`).toBeDefined();
    expect(rule.why.length, rule.id).toBeGreaterThan(40);
    expect(`${rule.why} ${rule.title}`, rule.id).not.toMatch(/\bwill\b|\bgoing to\b|likely to/);
  }
});

const healthy = ALL.filter(({ first }) => first.length === 0);
it.each(healthy.map(({ name }) => [name]))('%s: no warning', (name) => {
  expect(warnings(evaluate(readSeries(name))).map(({ rule, since, seen }) => `${rule} ${since}: ${seen}`)).toEqual([]);
});

it.each(ALL.filter(({ first }) => first.length > 0))('$name: named first by the right rule in time', ({ name, first, images }) => {
  const series = readSeries(name);
  const [found] = warnings(evaluate(series));
  expect(first, `${found?.seen}`).toContain(found?.rule);
  expect(found.since).toBeLessThanOrEqual(images ? 1 : 0.4 * series.steps);
});

it('tells of a function that nobody meets, as worth knowing where another one teaches', () => {
  const { onsets } = evaluate(readSeries('healthy-think-after-1'));
  const told = onsets.filter(({ rule }) => rule === 'reward_constant');
  expect(told.map(({ level, since, seen }) => [level, since, seen])).toEqual([
    ['info', 20, 'format was 0 for every completion in steps 1 to 20.'],
  ]);
  expect(told[0].remedies.map(({ kind, weights }) => [kind, weights])).toEqual([
    ['look', undefined],
    ['weights', { format: 0 }],
  ]);
});

it.each([
  ['float32', 1e-4, []],
  ['float32', 2e-3, ['sampler_differs']],
  ['bfloat16', 2e-3, []],
  ['bfloat16', 0.06, ['sampler_differs']],
  [undefined, 2e-3, []],
])('holds sampler and training forward to the rounding of %s: %d nats', (dtype, nats, told) => {
  const rows = [{ step: 1, metrics: { 'sampling/sampling_logp_difference/mean': nats } }];
  expect(evaluate({ config: { dtype }, rows }).onsets.map(({ rule }) => rule)).toEqual(told);
});

it.each(MADE)('made series $name: named first by the right rule in time', ({ rows, config, first, steps }) => {
  const [found] = warnings(evaluate({ rows, config }));
  expect(found?.rule, found?.seen).toBe(first);
  expect(found.since).toBeLessThanOrEqual(0.4 * steps);
});

it.each([
  ['a fall that 400 samples tell from chance', { eval_samples_per_second: 40 }, ['reward_against_held_out']],
  ['a fall, where the size is not known', {}, ['reward_against_held_out']],
  ['a fall within the noise of 20 samples', { eval_samples_per_second: 2 }, []],
])("reads held-out accuracy from TRL's log, which has the mean of the function that rewards it: %s", (_, size, told) => {
  const held = (step: number) => ({ 'eval_rewards/accuracy_reward/mean': 0.6 - 0.002 * step, eval_runtime: 10, ...size });
  const rows = Array.from({ length: 60 }, (_row, i) => ({
    step: i + 1,
    metrics: { reward: 0.5 + 0.01 * i, ...((i + 1) % 10 === 0 && held(i + 1)) },
  }));
  const { onsets } = evaluate({ config: {}, rows });
  expect(onsets.map(({ rule, metrics }) => [rule, metrics])).toEqual(
    told.map((rule) => [rule, ['reward', 'eval_rewards/accuracy_reward/mean']]),
  );
});

it.each([
  ['accuracy', 0.02, []],
  ['accuracy', 0, ['length_exploded']],
  ['rewards/accuracy_reward/mean', 0.02, []],
  ['rewards/accuracy_reward/mean', 0, ['length_exploded']],
])('takes completions that grow for earned where more are right, by %s: %d a step', (name, gain, told) => {
  const rows = Array.from({ length: 40 }, (_row, i) => ({
    step: i + 1,
    metrics: { 'completions/mean_length': 40 + 2 * i, [name]: 0.3 + gain * Math.min(i, 25) },
  }));
  expect(evaluate({ config: {}, rows }).onsets.map(({ rule, metrics }) => [rule, metrics])).toEqual(
    told.map((rule) => [rule, ['completions/mean_length', name]]),
  );
});

it('sees the same however the steps are handed over, and nothing of later steps', () => {
  const series = MADE[0];
  const whole = evaluate(series);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: series.rows.length }), (cut) => {
      const part = evaluate({ ...series, rows: series.rows.slice(0, cut) });
      const { step } = series.rows[cut - 1];
      const until = whole.onsets.filter(({ since }) => since <= step);
      expect(part.onsets.map(({ rule, since, seen }) => [rule, since, seen])).toEqual(
        until.map(({ rule, since, seen }) => [rule, since, seen]),
      );
    }),
    { numRuns: 40 },
  );
});

it('tells an alert once as long as it goes on, and again after it was gone for a while', () => {
  const row = (step: number, cut: number) => ({ step, metrics: { 'completions/clipped_ratio': cut } });
  const rows = Array.from({ length: 100 }, (_, i) => row(i + 1, i < 30 || (i > 40 && i < 80) ? 0.9 : 0));
  const { onsets } = evaluate({ config: {}, rows });
  expect(onsets.map(({ rule, since, last, on }) => [rule, since, last, on])).toEqual([
    ['truncated', 5, 32, false],
    ['truncated', 44, 82, false],
  ]);
});

it('takes thresholds in place of its own, and leaves rules out that are off', () => {
  const rows = Array.from({ length: 10 }, (_, i) => ({ step: i + 1, metrics: { 'completions/clipped_ratio': 0.3 } }));
  const seen = (off: string[], thresholds: Record<string, Record<string, number>>) => {
    const evaluator = new Evaluator({ off, thresholds });
    for (const { step, metrics } of rows) evaluator.feed(step, metrics, { config: {}, weights: {} });
    return evaluator.onsets.map(({ rule }) => rule);
  };
  expect(seen([], {})).toEqual([]);
  expect(seen([], { truncated: { share: 0.2 } })).toEqual(['truncated']);
  expect(seen(['truncated'], { truncated: { share: 0.2 } })).toEqual([]);
});
