/** What the run store holds and what clients see of it. Field names on the wire are the store's columns. */
import Type from 'typebox';
import { TrainConfig } from './config.ts';
import { ALERT_LEVELS, type AlertLevel } from './alerts.ts';
import { ReadingName } from './readings.ts';
import { LiveSettings } from './live-settings.ts';
import { RewardParameters, RewardSource } from './rewards.ts';
import type { RunState } from './run-states.ts';
import { Schedule } from './scheduled.ts';

export { hasEnded, isActive, type RunState } from './run-states.ts';

const Nullable = <S extends Type.TSchema>(schema: S) => Type.Union([schema, Type.Null()]);
const ErrorShape = Type.Object({ code: Type.String(), message: Type.String(), remedy: Type.String() });

/** A stretch of a fork's history that another run trained. */
export const Inherited = Type.Object({
  run: Type.String({ description: 'run that trained these steps' }),
  name: Type.String({ description: 'its name when it was forked' }),
  variant: Nullable(Type.String({ description: 'its prompt variant; null for forks made before it was kept' })),
  to: Type.Integer({ description: 'last step of the stretch; it begins after the stretch before it, the first one at step 1' }),
});
export type Inherited = Type.Static<typeof Inherited>;

/** The run that trained a step of a fork in its place; null where the fork did itself. */
export const trainedBy = (inherited: readonly Inherited[], step: number): Inherited | null =>
  inherited.find(({ to }) => step <= to) ?? null;

/** Last step that a fork took over, 0 for a run that is no fork. */
export const lastInherited = (inherited: readonly Inherited[]): number => inherited.at(-1)?.to ?? 0;

/** What people note of a run. It is kept beside the run's log and is no part of what is trained. */
export const Annotations = Type.Object({
  tags: Type.Array(Type.String()),
  notes: Type.String(),
  pinned: Type.Boolean({ description: 'shown before the others' }),
  archived: Type.Boolean({ description: 'left out of lists unless they are asked for' }),
  colour: Nullable(Type.Integer({ description: 'place in the palette of the views; null = the view gives one' })),
});
export type Annotations = Type.Static<typeof Annotations>;

/** Of a run of which nothing was noted. */
export const NO_ANNOTATIONS: Annotations = { tags: [], notes: '', pinned: false, archived: false, colour: null };

/** A run that was started together with another: the same questions in the same order and the same seeds under two prompts. */
export const Pair = Type.Object({
  id: Type.String({ description: 'of the pair, the same in both runs' }),
  with: Type.String({ description: 'the other run; it may have been deleted since' }),
  variant: Type.String({ description: 'prompt variant of the other run' }),
});
export type Pair = Type.Static<typeof Pair>;

export const Rollback = Type.Object({
  step: Type.Integer({ description: 'that the run went on from' }),
  from: Type.Integer({ description: 'last step that was dropped' }),
  time: Type.Number({ description: 'milliseconds since 1970' }),
});
export type Rollback = Type.Static<typeof Rollback>;

/** Of a run that another trainer made and whose log was read. */
export const Imported = Type.Object({
  from: Type.String({ description: 'the file that was read' }),
  keys: Type.Array(Type.String(), {
    description: 'of the configuration, those that the log tells; the others are unknown, whatever they are set to here',
  }),
  stride: Type.Integer({ minimum: 1, description: 'steps from one that was logged to the next' }),
  weights: Type.Record(Type.String(), Type.Number(), { description: 'of its reward functions, as far as the log tells' }),
  lacks: Type.Array(Type.String(), { description: 'what the log did not hold, and what of it was left out: a sentence each' }),
});
export type Imported = Type.Static<typeof Imported>;

export const RunSummary = Type.Object({
  id: Type.String(),
  name: Type.String(),
  parent: Nullable(Type.String({ description: 'run this one was forked from' })),
  /** Steps that a fork took over, by the run that trained them: its metrics and rollouts there are not its own. */
  inherited: Type.Array(Inherited),
  /** Null for a run that was started alone, and for a fork. */
  pair: Nullable(Pair),
  state: Type.Unsafe<RunState>(Type.String()),
  trainer: Type.String(),
  variant: Type.String(),
  created_at: Type.Number({ description: 'milliseconds since 1970' }),
  started_at: Nullable(Type.Number()),
  ended_at: Nullable(Type.Number()),
  step: Type.Integer({ description: 'last committed optimiser step' }),
  total_steps: Type.Integer(),
  reward: Nullable(Type.Number()),
  /** Last 60 rewards, for the sparkline. */
  recent_reward: Type.Array(Nullable(Type.Number())),
  rollouts_per_s: Nullable(Type.Number()),
  eta_s: Nullable(Type.Number()),
  device: Nullable(Type.String()),
  error: Nullable(ErrorShape),
  /** How often people took the run back to an earlier checkpoint, oldest first, as far as that is not rolled back itself. Left out where they never did. */
  rollbacks: Type.Optional(Type.Array(Rollback)),
  /** The newest alert, while it is recent: of the last 20 steps. */
  alert: Nullable(Type.Object({ step: Type.Integer(), message: Type.String(), remedy: Type.String() })),
  /** Sequence number of the last event of this run. */
  seq: Type.Integer(),
  /** Since when a queued run waits for the device, in milliseconds since 1970: earlier ones go first. Null = it does not wait, or was not asked to start. */
  waits_since: Nullable(Type.Number()),
  /** A run that waits is passed over until it is released. */
  held: Type.Optional(Type.Boolean()),
  annotations: Annotations,
  /** It was trained by another trainer, and can only be looked at. */
  imported: Type.Optional(Imported),
  /** A copy of a run that another machine trains and reports. */
  reported: Type.Optional(
    Type.Object({
      host: Type.String({ description: 'the machine that trains it' }),
      directory: Type.String({ description: 'of the run there' }),
      away: Type.Optional(Type.Boolean({ description: 'nothing is heard of it at the moment' })),
    }),
  ),
});
export type RunSummary = Type.Static<typeof RunSummary>;

export const Checkpoint = Type.Object({
  step: Type.Integer(),
  /** Directory that transformers loads. */
  path: Type.String(),
  created_at: Type.Number(),
  reason: Type.String({ description: 'periodic, requested, final, stopped or interrupted' }),
  pinned: Type.Boolean(),
  bytes: Type.Integer(),
  /** It has the best metric_for_best_model of those that are left; set in RunDetail. */
  best: Type.Optional(Type.Boolean()),
});
export type Checkpoint = Type.Static<typeof Checkpoint>;

export const RewardRevision = Type.Object({
  revision: Type.Integer({ minimum: 1 }),
  /** First step scored with it; null while it waits for the next step. */
  step: Nullable(Type.Integer()),
  /** Of every function in force, in the order in which they are summed. */
  weights: Type.Record(Type.String(), Type.Number()),
  /** Users' own functions by name; the others are built in. */
  sources: Type.Record(Type.String(), RewardSource),
  /** Of built-in functions, as given; not in revisions of before there were any, as the two that follow. */
  parameters: Type.Optional(RewardParameters),
  /** Of weights that follow the step. */
  weight_schedules: Type.Optional(Type.Record(Type.String(), Schedule)),
  /** Settings of the run in force with it, all that can be changed while it trains. */
  settings: Type.Optional(LiveSettings),
  reason: Type.String(),
  author: Type.String(),
  created_at: Type.Number(),
});
export type RewardRevision = Type.Static<typeof RewardRevision>;

export const RunDetail = Type.Object({
  summary: RunSummary,
  config: TrainConfig,
  /** By which its completions count as right. */
  reading: ReadingName,
  checkpoints: Type.Array(Checkpoint),
  rewards: Type.Array(RewardRevision),
  metric_names: Type.Array(Type.String()),
  directory: Type.String(),
});
export type RunDetail = Type.Static<typeof RunDetail>;

/** How a question was answered each time that a run asked it. */
export const QuestionHistory = Type.Object({
  item_id: Type.String(),
  asked: Type.Array(
    Type.Object({
      step: Type.Integer(),
      right: Type.Integer({ description: 'completions that answer right' }),
      judged: Type.Integer({ description: 'completions whose answer could be judged' }),
    }),
  ),
});
export type QuestionHistory = Type.Static<typeof QuestionHistory>;

/** One per token; null where the value is not finite. */
const TokenNumbers = Nullable(Type.Array(Nullable(Type.Number())));

export const Completion = Type.Object({
  index: Type.Integer(),
  text: Type.String({ description: 'decoded with special tokens left out' }),
  token_ids: Type.Array(Type.Integer()),
  /** One per token, of the sampling distribution at its temperature. */
  logprobs: Type.Array(Type.Number()),
  /** Of the policy's distribution at each token, in nats, at the first update on these rollouts: the policy that sampled them. Null = not stored. */
  entropy: TokenNumbers,
  /** k3 estimate of the KL divergence to the reference at each token, at the first update. Null = not stored, or beta is 0. */
  kl: TokenNumbers,
  /** pi / pi_old of each token at the last update on these rollouts; at the first it is 1. Null = no update but the first was made. */
  ratio: TokenNumbers,
  /** Tokens whose ratio was cut to its bound at that update. Null = as `ratio`, or the loss cuts none. */
  clipped: Nullable(Type.Array(Type.Boolean())),
  finish_reason: Type.String({ description: 'stop or length' }),
  /** Raw, unweighted; null = not applicable. */
  rewards: Type.Record(Type.String(), Nullable(Type.Number())),
  /** Weighted sum. */
  reward: Nullable(Type.Number()),
  /** Null = the rewards were too large for one, and the step was skipped. */
  advantage: Nullable(Type.Number()),
  /** The letter read from it by the reading of its group, null when none could be read. */
  prediction: Nullable(Type.String()),
  correct: Nullable(Type.Boolean()),
});
export type Completion = Type.Static<typeof Completion>;

export const Group = Type.Object({
  step: Type.Integer(),
  group: Type.Integer({ description: '0-based within the step' }),
  item_id: Type.String(),
  dataset: Type.String(),
  image: Nullable(Type.String({ description: "relative to the data set's root" })),
  question: Type.String(),
  options: Type.Array(Type.String()),
  answer: Nullable(Type.String()),
  modality: Type.String(),
  question_type: Type.String(),
  prompt: Type.String({ description: "text of the user's turn as the model got it" }),
  /** By which `prediction` and `correct` of its completions are read. */
  reading: ReadingName,
  reward_mean: Nullable(Type.Number()),
  reward_std: Nullable(Type.Number()),
  completions: Type.Array(Completion),
});
export type Group = Type.Static<typeof Group>;

/** Columns of one run's metrics; `null` = not logged at that step. Names are TRL's. */
export const MetricTable = Type.Object({
  run: Type.String(),
  epoch: Type.String(),
  seq: Type.Integer(),
  step: Type.Array(Type.Integer()),
  /** Milliseconds since 1970 at which the step was committed. */
  time: Type.Array(Type.Number()),
  metrics: Type.Record(Type.String(), Type.Array(Nullable(Type.Number()))),
  /** By metric, the steps whose value JSON cannot hold and how it reads (NaN, Infinity, -Infinity); `metrics` has null there. */
  non_finite: Type.Optional(Type.Record(Type.String(), Type.Array(Type.Tuple([Type.Integer(), Type.String()])))),
});
export type MetricTable = Type.Static<typeof MetricTable>;

const base = { seq: Type.Integer(), time: Type.Number(), step: Type.Integer() };
/** The durable log of one run. Dense `seq` from 1; everything a view shows can be rebuilt from it and the tables it points to. */
export const RunEvent = Type.Union([
  Type.Object({ ...base, kind: Type.Literal('state'), state: Type.Unsafe<RunState>(Type.String()), error: Nullable(ErrorShape) }),
  Type.Object({
    ...base,
    kind: Type.Literal('step'),
    metrics: Type.Record(Type.String(), Nullable(Type.Number())),
    groups: Type.Integer({ description: 'groups stored for this step' }),
  }),
  Type.Object({
    ...base,
    kind: Type.Literal('rewards'),
    revision: RewardRevision,
    /** Weights and sources before. */
    previous: Nullable(Type.Record(Type.String(), Type.Number())),
    previous_sources: Type.Optional(Type.Record(Type.String(), RewardSource)),
    previous_parameters: Type.Optional(RewardParameters),
    previous_weight_schedules: Type.Optional(Type.Record(Type.String(), Schedule)),
    previous_settings: Type.Optional(LiveSettings),
  }),
  Type.Object({ ...base, kind: Type.Literal('checkpoint'), checkpoint: Checkpoint }),
  Type.Object({ ...base, kind: Type.Literal('evaluation'), metrics: Type.Record(Type.String(), Nullable(Type.Number())) }),
  Type.Object({
    ...base,
    kind: Type.Literal('alert'),
    code: Type.String({ description: 'what happened (error code), or the rule that saw it' }),
    message: Type.String(),
    remedy: Type.String(),
    /** Of an alert that a rule raised; the others tell of what happened to the run. */
    by: Type.Optional(Type.Unsafe<'rule' | 'client'>(Type.String({ enum: ['rule', 'client'] }))),
    level: Type.Optional(Type.Unsafe<AlertLevel>(Type.String({ enum: [...ALERT_LEVELS] }))),
    since: Type.Optional(Type.Integer({ description: 'first step at which the rule saw it' })),
    /** Of a roll-back: the last step that it dropped. */
    rolled_back_from: Type.Optional(Type.Integer()),
  }),
]);
export type RunEvent = Type.Static<typeof RunEvent>;

/** Kinds of events, in the order of RunEvent. */
export const EVENT_KINDS = ['state', 'step', 'rewards', 'checkpoint', 'evaluation', 'alert'] as const satisfies RunEvent['kind'][];
