/**
 * Reward functions that the kernel of a notebook, or a script, evaluates for the runs of this server. It polls: each poll says what it serves, brings
 * answers, and waits for calls. Texts and numbers travel, nothing else.
 */
import Type from 'typebox';

const Nullable = <S extends Type.TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

/** What a run does when no answer came in time: stand still, or count the function as not applicable to the step. */
export const ON_TIMEOUT = ['pause', 'skip'] as const;
export type OnTimeout = (typeof ON_TIMEOUT)[number];

/** A completion of a function's own tests, what it is to give for it, and entries of the columns by name. */
export const RewardTest = Type.Object({ completion: Type.String(), expected: Nullable(Type.Number()) }, { additionalProperties: true });
export type RewardTest = Type.Static<typeof RewardTest> & Record<string, unknown>;

/** A function that a kernel serves. */
export const KernelReward = Type.Object(
  {
    name: Type.String(),
    source: Type.String({ description: 'as inspect.getsource gives it, without decorators' }),
    timeout_s: Type.Number({ exclusiveMinimum: 0, maximum: 86_400, description: 'longest that a step waits for its answer' }),
    on_timeout: Type.Unsafe<OnTimeout>(Type.String({ enum: [...ON_TIMEOUT] })),
    tests: Type.Optional(Type.Array(RewardTest, { maxItems: 1000, description: 'its own' })),
  },
  { additionalProperties: false },
);
export type KernelReward = Type.Static<typeof KernelReward>;

/** SHA-256 of sources by name: which revision of a served function is meant. */
export const ServedNames = Type.Record(Type.String(), Type.String());

export const KernelCall = Type.Object({
  key: Type.String({ description: 'the same for the same function, step and completions of a run' }),
  name: Type.String(),
  sha256: Type.String(),
  completions: Type.Array(Type.String()),
  columns: Type.Record(Type.String(), Type.Array(Type.Unknown()), { description: 'one entry a completion' }),
  constants: Type.Record(Type.String(), Type.Unknown(), { description: 'step, max_steps, variant, max_completion_length' }),
});
export type KernelCall = Type.Static<typeof KernelCall>;

export const KernelOutcome = Type.Union([
  Type.Object({ values: Type.Array(Nullable(Type.Number())) }),
  Type.Object({
    failure: Type.Object({
      kind: Type.Unsafe<'threw' | 'length' | 'value'>(Type.String({ enum: ['threw', 'length', 'value'] })),
      what: Type.String(),
      line: Nullable(Type.Integer({ description: 'of the source, from 1' })),
      completion: Nullable(Type.Integer()),
    }),
  }),
]);
export type KernelOutcome = Type.Static<typeof KernelOutcome>;

/** Nothing came in time. absent: no kernel serves the function; busy: its kernel is not heard of; slow: it is, and has not finished. */
export interface Unanswered {
  unanswered: 'absent' | 'busy' | 'slow';
  waited_s: number;
}
/** Of a call to a kernel. */
export type Scored = KernelOutcome | Unanswered;

export const PollKernel = Type.Object(
  {
    rewards: Type.Array(KernelReward, { description: 'all that it serves, the newest last' }),
    answers: Type.Optional(Type.Array(Type.Object({ key: Type.String(), outcome: KernelOutcome }))),
    wait_s: Type.Optional(Type.Number({ minimum: 0, maximum: 60, default: 0, description: '0 takes no calls' })),
  },
  { additionalProperties: false },
);
export type PollKernel = Type.Static<typeof PollKernel>;

export const KernelInfo = Type.Object({
  id: Type.String(),
  state: Type.Unsafe<'ready' | 'busy'>(Type.String({ enum: ['ready', 'busy'] })),
  heard_at: Type.Number({ description: 'milliseconds since 1970' }),
  rewards: Type.Array(Type.Object({ name: Type.String(), sha256: Type.String() })),
});
export type KernelInfo = Type.Static<typeof KernelInfo>;
