/** Reward functions as runs, clients and views speak of them: built in by name, or a user's own file by its source. */
import Type from 'typebox';

const Nullable = <S extends Type.TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

/** A user's reward file as a run keeps it: later edits of the file change nothing. */
export const RewardSource = Type.Object({
  file: Type.String({ description: 'name of the file, my_reward.ts', maxLength: 120 }),
  source: Type.String(),
  sha256: Type.String({ description: 'of the source, in hexadecimal' }),
});
export type RewardSource = Type.Static<typeof RewardSource>;

/** The functions in force: the keys of `weights`, in the order in which they are summed. Those without a source are built in. */
export interface RewardSet {
  weights: Record<string, number>;
  sources: Record<string, RewardSource>;
}

/** Source texts by file name (my_reward.ts), as clients send them. */
export const RewardFiles = Type.Record(Type.String(), Type.String());
export type RewardFiles = Type.Static<typeof RewardFiles>;

export const BuiltInReward = Type.Object({
  name: Type.String(),
  description: Type.String(),
  range: Type.Tuple([Type.Number(), Type.Number()]),
});
export type BuiltInReward = Type.Static<typeof BuiltInReward>;

/** What one reward function gave for a set of completions. */
export const RewardReport = Type.Object({
  name: Type.String(),
  /** Of a user's file. */
  sha256: Nullable(Type.String()),
  completions: Type.Integer(),
  /** Completions to which it does not apply (null). */
  not_applicable: Type.Integer(),
  mean: Nullable(Type.Number()),
  std: Nullable(Type.Number({ description: 'over the completions, N - 1' })),
  min: Nullable(Type.Number()),
  max: Nullable(Type.Number()),
  /** Completions by value, ascending; ten ranges of one width where there are more than ten values. */
  histogram: Type.Array(Type.Object({ from: Type.Number(), to: Type.Number(), count: Type.Integer() })),
  ms_per_completion: Nullable(Type.Number()),
  /** What it wrote with console.log, the first lines. */
  log: Type.Array(Type.String()),
  /** Its own tests; null where the file has none. */
  tests: Nullable(Type.Object({ passed: Type.Integer(), total: Type.Integer() })),
  error: Nullable(Type.Object({ code: Type.String(), message: Type.String(), remedy: Type.String() })),
});
export type RewardReport = Type.Static<typeof RewardReport>;

/** Functions to try on stored rollouts: sources by file name, and names of built-in ones. */
export const TryRewards = Type.Object(
  {
    files: Type.Optional(RewardFiles),
    built_in: Type.Optional(Type.Array(Type.String())),
    steps: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 20, description: 'the last steps that have rollouts' })),
  },
  { additionalProperties: false },
);
export type TryRewards = Type.Static<typeof TryRewards>;

export const TriedRewards = Type.Object({
  reports: Type.Array(RewardReport),
  /** Values by function for each group that was looked at, in the order of its completions. */
  groups: Type.Array(
    Type.Object({
      step: Type.Integer(),
      group: Type.Integer(),
      rewards: Type.Record(Type.String(), Type.Array(Nullable(Type.Number()))),
    }),
  ),
});
export type TriedRewards = Type.Static<typeof TriedRewards>;

/** An entry of reward_funcs that names a file, not a built-in function. */
export const isRewardFile = (entry: string): boolean => /\.(ts|js|mts|mjs)$/.test(entry);

/** The name a function goes by in weights and metrics: that of the built-in one, or the file's without folder and ending. */
export const rewardName = (entry: string): string =>
  isRewardFile(entry)
    ? entry
        .split(/[\\/]/)
        .at(-1)!
        .replace(/\.[mc]?[tj]s$/, '')
    : entry;
