import { describe, expect, it } from 'vitest';
import { makePlan } from './plan.ts';
import { completeRecipe } from './recipe.ts';

const base = { name: 'odd', model_name_or_path: 'model', dataset_name: 'data', approaches: ['think'], kinds: ['modality'] };
const splits = ['modality/train/CT', 'modality/test/CT', 'modality/train/MRI', 'modality/test/MRI'];

describe('completeRecipe', () => {
  it.each([
    [{ name: '..' }, '/name'], // would be the home itself
    [{ name: '.hidden' }, '/name'],
    [{ name: 'a/b' }, '/name'],
    [{ nmae: 'odd' }, '/nmae'],
    [{ approaches: ['thnk'] }, '/approaches/0'],
    [{ evaluation: { max_tokens: 3 } }, '/evaluation/max_tokens'],
    [{ evaluation: { limit: 0 } }, '/evaluation/limit'],
    [{ common: 3 }, '/common'],
    [{ grpo: { variant: 'no-think' } }, '/grpo/variant: is set for each run by the plan'],
    [{ common: { dataset_train_split: 'modality/train/CT' } }, '/common/dataset_train_split: is set for each run by the plan'],
  ])('refuses %j, naming file and key', (changes, place) => {
    expect(() => completeRecipe({ ...base, ...changes }, 'odd.yaml')).toThrow(`The recipe odd.yaml cannot be used: ${place}`);
  });

  it.each([null, 'text', [1]])('refuses %j, which is no object', (input) => {
    expect(() => completeRecipe(input, 'odd.yaml')).toThrow('odd.yaml');
  });
});

describe('makePlan', () => {
  it('refuses a unit that the data does not have beside ones that it has, by its name', () => {
    const plan = makePlan(completeRecipe({ ...base, units: ['MRI'] }, 'odd.yaml'), splits);
    expect(plan.units.modality).toEqual(['MRI']);
    expect(() => makePlan(completeRecipe({ ...base, units: ['MRI', 'XRay'] }, 'odd.yaml'), splits)).toThrow(
      `units name "XRay", but the data set data has no pair`,
    );
  });

  it.each([
    [{ betta: 1 }, /"betta" that is not known/],
    [{ beta: -1 }, /beta is -1/],
  ])('refuses settings of the runs %j before any run is made', (common, message) => {
    expect(() => makePlan(completeRecipe({ ...base, common }, 'odd.yaml'), splits)).toThrow(message);
  });
});
