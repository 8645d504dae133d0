import { describe, expect, it } from 'vitest';
import { completeConfig, nearestKey, parseSettings } from './config.ts';

const given = (changes: object) => () => completeConfig({ model_name_or_path: 'm', dataset_name: 'd', ...changes });

describe('completeConfig', () => {
  it("fills in the schema's defaults", () => {
    expect(given({})()).toMatchObject({ trainer: 'grpo', num_generations: 8, beta: 0.04, reward_funcs: ['accuracy', 'format'] });
  });

  it.each([
    [{ learning_rat: 1 }, /key "learning_rat" that is not known/],
    [{ beta: 'much' }, /beta is "much"; it must be number/],
    [{ top_p: 4 }, /top_p is 4; it must be <= 1/],
    [{ loss_type: 'ppo' }, /loss_type is "ppo"; it must be one of "grpo", "dr_grpo"/],
    [{ reward_weights: [1] }, /reward_weights is \[1\]; it must hold one number for each of the 2/],
    [{ lr_scheduler_type: 'cosine_with_min_lr' }, /lr_scheduler_kwargs is null; it must hold either min_lr or min_lr_rate/],
    [{ lr_scheduler_kwargs: { num_cycles: 2 } }, /lr_scheduler_kwargs is .* it must not hold num_cycles: linear takes no settings/],
    [{ lr_scheduler_type: 'warmup_stable_decay', lr_scheduler_kwargs: { num_decay_steps: 9, decay_type: 'sqrt' } }, /1-sqrt as decay_type/],
    [{ lr_scheduler_type: 'polynomial', lr_scheduler_kwargs: { lr_end: 1 } }, /an lr_end below learning_rate/],
    [{ lr_scheduler_type: 'polynomial', lr_scheduler_kwargs: { power: 'two' } }, /a number from 0 as power/],
    [{ delta: 1.1 }, /delta is 1.1; it must exceed 1 \+ epsilon/],
    [{ num_generations: 7 }, /per_device_train_batch_size is 16; it must, times gradient_accumulation_steps, be a multiple/],
    [{ min_pixels: 500_000 }, /min_pixels is 500000; it must not exceed/],
    [{ model_name_or_path: undefined }, /lacks model_name_or_path/],
    [{ metric_for_best_model: 'acuracy', eval_steps: 5 }, /metric_for_best_model is "acuracy"; it must be a metric that evaluations log/],
    [{ metric_for_best_model: 'accuracy' }, /eval_steps is 0; it must be above 0 with metric_for_best_model/],
    [{ beta: NaN }, /beta is NaN; it must be/],
    [{ reward_weights: [1, -Infinity] }, /reward_weights is \[1,"-Infinity"\]; it must be number/],
    [{ per_device_train_batch_size: 8e15 }, /per_device_train_batch_size is 8000000000000000; it must be at most 10000000000/],
    [{ learning_rate: 1e300 }, /learning_rate is 1e\+300; it must be at most/],
    ...['greedy', 'reduce_lr_on_plateau'].map((name): [object, RegExp] => [
      { lr_scheduler_type: name },
      new RegExp(`lr_scheduler_type is "${name}"; it must be one of "linear", "cosine", .*"warmup_stable_decay"`),
    ]),
  ])('refuses %j and names the key', (changes, message) => {
    expect(given(changes)).toThrow(message);
  });

  it.each([null, [], 'text', 3])('refuses %j, which is no object', (input) => {
    expect(() => completeConfig(input)).toThrow(/must be an object/);
  });

  it('does not take keys of Object.prototype for known ones', () => {
    expect(given({ constructor: 1 })).toThrow(/"constructor" that is not known/);
    expect(given(JSON.parse('{"__proto__": {"beta": 3}}') as object)).toThrow(/"__proto__" that is not known/);
  });
});

it.each([
  ['learning_rat', 'learning_rate'],
  ['num_generation', 'num_generations'],
  ['Beta', 'beta'],
  ['zzzzzzzzzz', undefined],
])('nearest known key to %s is %s', (key, nearest) => {
  expect(nearestKey(key)).toBe(nearest);
});

it('--set values mean what YAML says, 1e-5 a number among them', () => {
  expect(parseSettings(['a=1e-5', 'b=true', 'c=null', 'd=[x, 2]', 'e=a=b'])).toEqual({ a: 1e-5, b: true, c: null, d: ['x', 2], e: 'a=b' });
  expect(() => parseSettings(['nothing'])).toThrow(/is not key=value/);
  expect(() => parseSettings(['beta=['])).toThrow(/--set: "beta=\[" is not YAML: Flow sequence/);
});
