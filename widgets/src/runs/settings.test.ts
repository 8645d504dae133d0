import { expect, it } from 'vitest';
import { parseSettings } from './settings.ts';

it('reads a key and a value a line, values as JSON where they are', () => {
  expect(
    parseSettings('learning_rate = 1e-5\n\n# a note\nvariant: no-think\nreward_weights=[1, 0.2]\nmodality = null\nrun_name = a = b'),
  ).toEqual({
    learning_rate: 1e-5,
    variant: 'no-think',
    reward_weights: [1, 0.2],
    modality: null,
    run_name: 'a = b',
  });
});

it('names the line that is none', () => {
  expect(() => parseSettings('beta = 0\nfaster')).toThrow('"faster" is no setting.');
});
