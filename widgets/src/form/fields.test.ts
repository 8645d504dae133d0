import { TrainConfig } from '@medr1/kernel-bridge/protocol';
import { describe, expect, it } from 'vitest';
import { configOf, fieldsOf, fromTyped, keyIn, typedOf } from './fields.ts';

const fields = fieldsOf(JSON.parse(JSON.stringify(TrainConfig)));
const field = (key: string) => fields.find((one) => one.key === key)!;
const NEEDED = { model_name_or_path: 'model', dataset_name: 'data' };

it('every key of the schema has a field with a title, a group and a description', () => {
  expect(fields.map(({ key }) => key)).toEqual(Object.keys(TrainConfig.properties));
  for (const { key, title, group, description } of fields)
    expect([key, title !== key, group !== 'Other', description !== '']).toEqual([key, true, true, true]);
});

it('kinds follow from the schema, nullable or not', () => {
  const kinds = Object.fromEntries(fields.map(({ key, kind, nullable }) => [key, nullable ? `${kind}?` : kind]));
  expect(kinds).toMatchObject({
    run_name: 'text?',
    variant: 'choice',
    num_generations: 'integer',
    learning_rate: 'number',
    epsilon_high: 'number?',
    reward_funcs: 'texts',
    reward_weights: 'numbers?',
    use_peft: 'boolean',
    modality: 'texts?',
  });
  expect(field('variant').choices).toEqual(['think', 'no-think', 'think-after']);
});

it('a number that is most often a slip of the pen is known by the schema', () => {
  expect(field('learning_rate').doubtful).toMatchObject({ above: 0.01 });
  expect(field('seed').doubtful).toBeUndefined();
});

it('a tick that may be left open is chosen: yes, no or neither', () => {
  const maybe = field('greater_is_better');
  expect(['', 'true', 'false'].map((typed) => fromTyped(maybe, typed))).toEqual([{ value: null }, { value: true }, { value: false }]);
  expect(typedOf([maybe], { greater_is_better: false })).toEqual({ greater_is_better: 'false' });
});

it('only keys without a default are needed', () =>
  expect(fields.filter(({ required }) => required).map(({ key }) => key)).toEqual(Object.keys(NEEDED)));

it('a form as it opens makes a configuration of the needed keys alone', () => {
  expect(configOf(fields, typedOf(fields, NEEDED))).toEqual({ config: NEEDED, problems: {} });
});

it('a configuration survives the way through the form', () => {
  const config = {
    ...NEEDED,
    learning_rate: 1e-4,
    reward_weights: [1, 0.2],
    epsilon_high: 0.28,
    modality: ['CT(Computed Tomography)', 'X-Ray'],
    use_peft: true,
    variant: 'no-think',
    lr_scheduler_type: 'cosine_with_restarts',
    lr_scheduler_kwargs: { num_cycles: 2 },
  };
  expect(configOf(fields, typedOf(fields, config))).toEqual({ config, problems: {} });
});

describe('what is typed', () => {
  it.each([
    ['temperature', '0', 'Greater than 0.'],
    ['temperature', 'warm', 'Not a number.'],
    ['num_generations', '2.5', 'A whole number.'],
    ['num_generations', '1', 'At least 2.'],
    ['adam_beta1', '1', 'Less than 1.'],
    ['min_p', '2', 'At most 1.'],
    ['model_name_or_path', ' ', 'Needed.'],
    ['lr_scheduler_kwargs', 'num_cycles: 2', 'Keys and values in braces: {"num_cycles": 2}.'],
    ['reward_weights', '1, x', 'Numbers, separated by commas.'],
  ])('%s = %j: %s', (key, typed, problem) => expect(fromTyped(field(key), typed)).toEqual({ problem }));

  it.each([
    ['learning_rate', '1e-5', 1e-5],
    ['epsilon_high', '', null],
    ['temperature', '', 1],
    ['reward_funcs', 'accuracy, format', ['accuracy', 'format']],
  ])('%s = %j is %j', (key, typed, value) => expect(fromTyped(field(key), typed)).toEqual({ value }));
});

it('finds the key that a message of the server names, the longer one first', () => {
  expect(keyIn('epsilon_high must exceed epsilon', fields)).toBe('epsilon_high');
  expect(keyIn('config key beta: at least 0', fields)).toBe('beta');
  expect(keyIn('the disk is full', fields)).toBeNull();
  const typed = { model_name_or_path: '/runs/beta ', dataset_name: 'd', loss_type: 'grpo' };
  expect(keyIn('The model directory /runs/beta does not exist.', fields, typed)).toBe('model_name_or_path');
  expect(keyIn('d is no data set, folder or file', fields, typed)).toBe('dataset_name');
  expect(keyIn('the disk is full of grpo', fields, typed)).toBeNull(); // a choice is no quotation
});

describe('of a request, whose keys may be left out', () => {
  const schema = {
    required: ['name'],
    properties: {
      name: { type: 'string' },
      step: { type: 'integer', minimum: 1 },
      seed: { type: 'integer', default: 42 },
      controls: { type: 'array', items: { enum: ['a', 'b', 'c'], meanings: { a: 'the first' } } },
    },
  };
  const made = fieldsOf(schema);

  it('a list of given values is ticked, and says what they mean', () => {
    expect(made[3]).toMatchObject({ kind: 'ticks', choices: ['a', 'b', 'c'], meanings: { a: 'the first' }, nullable: true });
    expect(fromTyped(made[3], 'a, c')).toEqual({ value: ['a', 'c'] });
  });

  it('what is left empty is left out', () => {
    expect(made.map(({ required }) => required)).toEqual([true, false, false, false]);
    expect(configOf(made, { name: 'n', step: '', seed: '42', controls: '' })).toEqual({ config: { name: 'n' }, problems: {} });
    expect(configOf(made, { name: '', step: '0' }).problems).toEqual({ name: 'Needed.', step: 'At least 1.' });
  });
});
