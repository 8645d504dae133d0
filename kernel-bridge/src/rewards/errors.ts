import { WorkbenchError, type Unanswered } from '../protocol/index.ts';
import { reasonOf } from '../files/reason.ts';
import type { Failure, FailureKind } from './sandbox/messages.ts';
import type { RewardInput } from './types.ts';

/** Characters of a completion that an error quotes. */
const QUOTED = 200;

const quoted = ({ completion }: RewardInput): string =>
  JSON.stringify(completion.length > QUOTED ? `${completion.slice(0, QUOTED)}…` : completion);
const seen = (input: RewardInput): string => `item ${input.item.id}, completion ${quoted(input)}`;

/** Code, how the message goes on, and the remedy, by what went wrong in a user's file. */
const FAILURES: Record<FailureKind, [code: string, verb: (what: string) => string, remedy: string]> = {
  syntax: [
    'SYNTAX',
    (what) => `cannot be read as a program: ${what}`,
    'Correct that line. Types are stripped, so enums, namespaces and imports cannot be used.',
  ],
  export: ['EXPORT', (what) => `cannot be used: ${what}`, 'Write: export default (completions, context) => completions.map(...)'],
  threw: ['THREW', (what) => `threw ${what}`, 'Mend the function, or return null where it does not apply.'],
  time: ['TIMEOUT', (what) => `was stopped: ${what}`, 'Look for an endless loop, or for a regular expression that backtracks.'],
  memory: ['MEMORY', (what) => `was stopped: ${what}`, 'Keep less data at a time. Most often a loop builds a long list or a long text.'],
  length: ['LENGTH', (what) => `returned ${what}`, 'Return an array with one number or null per completion, in their order.'],
  value: ['VALUE', (what) => `returned ${what}`, 'Return a finite number, or null where the reward does not apply.'],
  tests: ['TESTS', (what) => `fails its own test: ${what}`, 'Mend the function or the test.'],
};

const inPython = (remedy: string): string => remedy.replace('an array', 'a list').replace('null', 'None');

export const errors = {
  unknown: (name: string, known: readonly string[]) =>
    new WorkbenchError({
      code: 'REWARD_UNKNOWN',
      message: `there is no reward function ${JSON.stringify(name)}`,
      remedy: `Use one of: ${known.join(', ')}; or a file of your own, for example ./my_reward.ts.`,
    }),
  unreadable: (path: string, cause: unknown) =>
    new WorkbenchError({
      code: 'REWARD_FILE',
      message: `the reward file ${path} cannot be read: ${reasonOf(cause)}`,
      remedy: 'Check the path in reward_funcs; the file is UTF-8 text that ends in .ts or .js.',
      cause,
    }),
  tooLong: (file: string, bytes: number, most: number) =>
    new WorkbenchError({
      code: 'REWARD_FILE',
      message: `the reward file ${file} has ${bytes} bytes, at most ${most} are allowed`,
      remedy: 'A run stores its reward files, so leave data out of the file.',
    }),
  badName: (file: string) =>
    new WorkbenchError({
      code: 'REWARD_NAME',
      message: `${JSON.stringify(file)} is no name of a reward file`,
      remedy:
        'Use at most 60 letters, digits, _ and -, not beginning with a digit, then .ts or .js (.py for a Python function). Example: my_reward.ts. Names of what every JavaScript object has, such as constructor, are taken.',
    }),
  nameTaken: (file: string, name: string) =>
    new WorkbenchError({
      code: 'REWARD_NAME',
      message: `${file} has the name of the built-in reward ${name}`,
      remedy: 'Rename the file (a function has the name of its file), or the Python function.',
    }),
  twice: (name: string) =>
    new WorkbenchError({
      code: 'REWARD_NAME',
      message: `reward_funcs has two functions with the name ${name}`,
      remedy: 'Rename one of the files: a function has the name of its file.',
    }),
  weightCount: (names: readonly string[], got: number) =>
    new WorkbenchError({
      code: 'REWARD_WEIGHTS',
      message: `reward_weights has ${got} numbers for ${names.length} reward functions (${names.join(', ')})`,
      remedy: 'Give one weight per reward function, in the order of reward_funcs.',
    }),
  notInForce: (name: string, known: readonly string[]) =>
    new WorkbenchError({
      code: 'REWARD_PARAMETER',
      message: `a weight or parameter is given for ${JSON.stringify(name)}, which is none of the reward functions (${known.join(', ')})`,
      remedy: 'Name one of them, or add the function first.',
    }),
  noParameter: (name: string, parameter: string, known: readonly string[], near: string | undefined) =>
    new WorkbenchError({
      code: 'REWARD_PARAMETER',
      message: `reward ${name} has no parameter ${JSON.stringify(parameter)}${known.length === 0 ? ', nor any other' : `; it has ${known.join(', ')}`}`,
      remedy: near === undefined ? 'medr1 reward list shows the parameters of the built-in functions.' : `Did you mean "${near}"?`,
    }),
  parameterValue: (name: string, parameter: string, value: unknown, wanted: string) =>
    new WorkbenchError({
      code: 'REWARD_PARAMETER',
      message: `the ${parameter} of reward ${name} is ${JSON.stringify(value)}; it ${wanted}`,
      remedy: 'medr1 reward list shows what each parameter takes; a schedule is {schedule, from, to, start, end}.',
    }),
  parameters: (name: string, wrong: string) =>
    new WorkbenchError({
      code: 'REWARD_PARAMETER',
      message: `the parameters of reward ${name} cannot be used: it ${wrong}`,
      remedy: 'Give it other values: reward_parameters in a configuration, parameters in an edit.',
    }),
  threw: (name: string, inputs: readonly RewardInput[], cause: unknown) =>
    new WorkbenchError({
      code: 'REWARD_THREW',
      message: `reward ${name} threw ${cause instanceof Error ? cause.message : String(cause)} on ${inputs.length} completions, first: ${seen(inputs[0])}`,
      remedy: 'Correct the reward function. It must return a number or null for every completion.',
      cause,
    }),
  wrongLength: (name: string, inputs: readonly RewardInput[], got: unknown) =>
    new WorkbenchError({
      code: 'REWARD_LENGTH',
      message: `reward ${name} returned ${Array.isArray(got) ? `${got.length} values` : typeof got} for ${inputs.length} completions, first: ${seen(inputs[0])}`,
      remedy: 'Return an array with one number or null per completion, in their order.',
    }),
  notANumber: (name: string, input: RewardInput, got: unknown) =>
    new WorkbenchError({
      code: 'REWARD_VALUE',
      message: `reward ${name} returned ${typeof got === 'number' ? got : (JSON.stringify(got) ?? typeof got)} for ${seen(input)}`,
      remedy: 'Return a finite number, or null where the reward does not apply.',
    }),

  notServed: (name: string, served: readonly string[]) =>
    new WorkbenchError({
      code: 'REWARD_KERNEL_ABSENT',
      message: `no kernel serves the reward function ${name}${served.length > 0 ? `; served are: ${served.join(', ')}` : ''}`,
      remedy: 'Run the cell with @run.reward, @c.reward or c.serve_rewards, and keep its kernel running.',
    }),
  kernelUnreachable: (name: string) =>
    new WorkbenchError({
      code: 'REWARD_KERNEL_UNREACHABLE',
      message: `reward ${name} is a Python function in a kernel, and this process cannot reach kernels`,
      remedy: 'Start it in JupyterLab or under medr1 serve, or write the function as a TypeScript file.',
    }),
  unanswered: (name: string, { unanswered, waited_s }: Unanswered) => {
    const waited = `${Math.round(waited_s * 10) / 10} s`;
    if (unanswered === 'slow')
      return new WorkbenchError({
        code: 'REWARD_TIMEOUT',
        message: `reward ${name} has not answered in ${waited}; its kernel is there, and the function still at work`,
        remedy: 'Give it a longer timeout, or look for what it waits for.',
      });
    if (unanswered === 'busy')
      return new WorkbenchError({
        code: 'REWARD_KERNEL_BUSY',
        message: `the kernel that serves reward ${name} has sent nothing for ${waited}: a cell keeps it busy, its machine sleeps, or it is gone`,
        remedy: 'The run goes on by itself once the kernel answers again.',
      });
    return new WorkbenchError({
      code: 'REWARD_KERNEL_ABSENT',
      message: `no kernel has served reward ${name} for ${waited}: it was restarted or has died, or its notebook was closed`,
      remedy: 'Run the cell with the function again: the run goes on by itself. Or remove the function.',
    });
  },

  /** A failure of a user's file: function, line, completion and remedy. */
  user: (name: string, file: string, { kind, what, line, completion }: Failure, inputs: readonly RewardInput[]) => {
    const [code, verb, remedy] = FAILURES[kind];
    const where = line === null ? file : `${file}:${line}`;
    const count = inputs.length === 0 ? '' : ` for ${inputs.length} completions, the first of ${seen(inputs[0])}`;
    const on =
      completion === null || inputs.length === 0 ? count : ` for completion ${completion} of ${inputs.length}, ${seen(inputs[completion])}`;
    return new WorkbenchError({
      code: `REWARD_${code}`,
      message: `reward ${name} (${where}) ${verb(what)}${on}`,
      remedy: file.endsWith('.py') ? inPython(remedy) : remedy,
    });
  },

  /** An error of this table. */
  isOfReward: (error: unknown): error is WorkbenchError => error instanceof WorkbenchError && error.code.startsWith('REWARD_'),
};

/** Codes with which a run stands still until a kernel serves its functions again. */
export const WAITS_FOR_KERNEL: ReadonlySet<string> = new Set(['REWARD_KERNEL_ABSENT', 'REWARD_KERNEL_BUSY']);

/** A reward function failed on what it was given, or could not be used: nothing of the step has been learnt from. */
export const isRewardFailure = errors.isOfReward;
