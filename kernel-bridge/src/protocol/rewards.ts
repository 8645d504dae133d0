/** Reward functions as runs, clients and views speak of them: built in by name, or a user's own file by its source. */
import Type from 'typebox';
import { VARIANTS, type Variant } from './config.ts';
import { Schedule, ScheduleInput } from './scheduled.ts';
import { ON_TIMEOUT, ServedNames, type OnTimeout, RewardTest } from './kernels.ts';

export { isKernelReward, isRewardFile, rewardName } from './reward-names.ts';

const Nullable = <S extends Type.TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

/** A user's function as a run keeps it: later edits of the file or the cell change nothing. */
export const RewardSource = Type.Object({
  file: Type.String({ description: 'name of the file, my_reward.ts; my_function.py of a function that a kernel serves', maxLength: 120 }),
  source: Type.String(),
  sha256: Type.String({ description: 'of the source, in hexadecimal' }),
  /** kernel: a Python function, evaluated where it was written. A file of the sandbox where left out. */
  runtime: Type.Optional(Type.Literal('kernel')),
  timeout_s: Type.Optional(Type.Number({ description: 'of a kernel: longest that a step waits for it' })),
  on_timeout: Type.Optional(Type.Unsafe<OnTimeout>(Type.String({ enum: [...ON_TIMEOUT] }))),
  /** Of a kernel's function; a file of the sandbox holds its own. */
  tests: Type.Optional(Type.Array(RewardTest)),
});
export type RewardSource = Type.Static<typeof RewardSource>;

/** A parameter of a built-in function: a number may follow the step. */
export const ParameterValue = Type.Union([Type.Number(), Type.Boolean(), Type.String(), Schedule]);
export type ParameterValue = Type.Static<typeof ParameterValue>;

/** By function, by parameter; those that are left out take the function's defaults. */
export const RewardParameters = Type.Record(Type.String(), Type.Record(Type.String(), ParameterValue));
export type RewardParameters = Type.Static<typeof RewardParameters>;

/** As an edit gives them; null goes back to the default. */
export const ParameterChanges = Type.Record(
  Type.String(),
  Type.Record(Type.String(), Type.Union([Type.Number(), Type.Boolean(), Type.String(), ScheduleInput, Type.Null()])),
);
export type ParameterChanges = Type.Static<typeof ParameterChanges>;

/** The functions in force: the keys of `weights`, in the order in which they are summed. Those without a source are built in. */
export interface RewardSet {
  weights: Record<string, number>;
  sources: Record<string, RewardSource>;
  parameters?: RewardParameters;
  /** Of weights that follow the step; `weights` holds what such a one starts from. */
  weight_schedules?: Record<string, Schedule>;
}

/** Source texts by file name (my_reward.ts), as clients send them. */
export const RewardFiles = Type.Record(Type.String(), Type.String());
export type RewardFiles = Type.Static<typeof RewardFiles>;

export const BuiltInReward = Type.Object({
  name: Type.String(),
  description: Type.String(),
  range: Type.Tuple([Type.Number(), Type.Number()]),
  formula: Type.String({ description: 'what a completion earns' }),
  known_failure: Type.String({ description: 'how a policy gets it without what it is meant for, or where it misjudges' }),
  /** JSON Schema of its parameters: an object whose properties each have title, description and, where it follows from nothing else, default. */
  parameters: Type.Unsafe<{ properties: Record<string, ParameterSchema> }>(Type.Record(Type.String(), Type.Unknown())),
});
/** JSON Schema of one parameter. */
export interface ParameterSchema {
  type?: 'number' | 'integer' | 'boolean' | 'string';
  enum?: string[];
  title: string;
  description: string;
  unit?: string;
  default?: number | boolean | string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  maxLength?: number;
}
export type BuiltInReward = Type.Static<typeof BuiltInReward>;

/** What one reward function gave for a set of completions. */
export const RewardReport = Type.Object({
  name: Type.String(),
  /** Of a user's file. */
  sha256: Nullable(Type.String()),
  completions: Type.Integer(),
  /** Completions without a value: those that it fails on, and all of a step where it was not found out which those are. Not among `completions`. */
  failed: Type.Integer(),
  /** Of these, completions that it is known to fail on; null where it was not found out of every step. */
  failing: Nullable(Type.Integer()),
  /** Completions to which it does not apply (null). */
  not_applicable: Type.Integer(),
  mean: Nullable(Type.Number()),
  std: Nullable(Type.Number({ description: 'over the completions, N - 1' })),
  min: Nullable(Type.Number()),
  max: Nullable(Type.Number()),
  /** Completions by value, ascending. More than ten different values are counted in ten ranges of equal width. */
  histogram: Type.Array(Type.Object({ from: Type.Number(), to: Type.Number(), count: Type.Integer() })),
  ms_per_completion: Nullable(Type.Number()),
  /** What it wrote with console.log, the first lines. */
  log: Type.Array(Type.String()),
  /** Its own tests; null where the file has none. */
  tests: Nullable(Type.Object({ passed: Type.Integer(), total: Type.Integer() })),
  /** The first one. */
  error: Nullable(Type.Object({ code: Type.String(), message: Type.String(), remedy: Type.String() })),
});
export type RewardReport = Type.Static<typeof RewardReport>;

/** Functions to try on stored rollouts: sources by file name, and names of built-in ones. */
export const TryRewards = Type.Object(
  {
    files: Type.Optional(RewardFiles),
    built_in: Type.Optional(Type.Array(Type.String())),
    /** Of built-in functions under trial, in place of those in force. */
    parameters: Type.Optional(ParameterChanges),
    kernel: Type.Optional(ServedNames),
    steps: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 20, description: 'the last steps that have rollouts' })),
    to: Type.Optional(Type.Integer({ minimum: 1, description: 'the last of them; else the newest' })),
  },
  { additionalProperties: false },
);
export type TryRewards = Type.Static<typeof TryRewards>;

/** What a configuration asks for, to be looked at before there is a run. */
export const CheckRewards = Type.Object(
  {
    reward_funcs: Type.Array(Type.String(), { description: 'as in the configuration: names, and files' }),
    reward_files: Type.Optional(RewardFiles),
    variant: Type.Optional(Type.Unsafe<Variant>(Type.Enum([...VARIANTS], { default: 'think' }))),
    max_completion_length: Type.Optional(Type.Integer({ minimum: 1, default: 256 })),
  },
  { additionalProperties: false },
);
export type CheckRewards = Type.Static<typeof CheckRewards>;

/** An entry of reward_funcs: what it is, and why it cannot be used. */
export const CheckedReward = Type.Object({
  entry: Type.String(),
  name: Type.String(),
  /** Of a user's file that could be read. */
  sha256: Nullable(Type.String()),
  tests: Nullable(Type.Object({ passed: Type.Integer(), total: Type.Integer() })),
  error: Nullable(Type.Object({ code: Type.String(), message: Type.String(), remedy: Type.String() })),
});
export type CheckedReward = Type.Static<typeof CheckedReward>;

export const TriedRewards = Type.Object({
  reports: Type.Array(RewardReport),
  /** Values by function for each group that was looked at (640 at most, a fair sample of the steps), in the order of its completions. */
  groups: Type.Array(
    Type.Object({
      step: Type.Integer(),
      group: Type.Integer(),
      rewards: Type.Record(Type.String(), Type.Array(Nullable(Type.Number()))),
      /** What the functions that were in force gave. */
      stored: Type.Record(Type.String(), Type.Array(Nullable(Type.Number()))),
      /** By function, indexes of the completions that it fails on; `rewards` has null for them. */
      failing: Type.Record(Type.String(), Type.Array(Type.Integer())),
    }),
  ),
});
export type TriedRewards = Type.Static<typeof TriedRewards>;
