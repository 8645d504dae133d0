import { WorkbenchError } from '../protocol/errors.ts';

export const errors = {
  recipe: (file: string, what: string, cause?: unknown) =>
    new WorkbenchError({
      code: 'RECIPE_INVALID',
      exit: 2,
      cause,
      message: `The recipe ${file} cannot be used: ${what}`,
      remedy: 'docs/guides/reproduce.md lists its keys; examples/recipes/reproduce-*.yaml are whole ones.',
    }),
  noUnits: (dataset: string, kind: string) =>
    new WorkbenchError({
      code: 'RECIPE_NO_UNITS',
      message: `The data set ${dataset} has no pair of training and test splits by ${kind.replace('_', ' ')} that the recipe asks for.`,
      remedy: `It needs splits named ${kind}/train/NAME and ${kind}/test/NAME, as Med-R1's Splits folder has them.`,
    }),
  unknownUnits: (dataset: string, units: string[], kinds: string[]) =>
    new WorkbenchError({
      code: 'RECIPE_NO_UNITS',
      message: `The recipe's units name ${units.map((unit) => `"${unit}"`).join(', ')}, but the data set ${dataset} has no pair of training and test splits by ${kinds.join(' or ').replaceAll('_', ' ')} with such a name.`,
      remedy: 'Write the names as the splits have them, after modality/train/ or question_type/train/.',
    }),
  busy: (name: string) =>
    new WorkbenchError({
      code: 'REPRODUCE_BUSY',
      http: 409,
      message: `Another medr1 reproduce works on ${name}.`,
      remedy: 'Wait for that command, or stop it: its state is kept.',
    }),
  stopped: (done: number, total: number) =>
    new WorkbenchError({
      code: 'REPRODUCE_STOPPED',
      message: `Stopped with ${done} of ${total} parts done.`,
      remedy: 'The same command goes on from there.',
    }),
  failed: (names: string[], first: string) =>
    new WorkbenchError({
      code: 'REPRODUCE_FAILED',
      message: `${names.length} of the parts failed: ${names.join(', ')}. The first: ${first}`,
      remedy: 'Correct the cause. The same command then tries these parts again and nothing else.',
    }),
};
