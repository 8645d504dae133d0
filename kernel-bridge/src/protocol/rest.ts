/** What routes of the server and of runs take and answer (routes.ts is their table). */
import Type from 'typebox';
import { TrainConfig, VARIANTS, type Variant } from './config.ts';
import { ServedNames } from './kernels.ts';
import { ParameterChanges, RewardFiles } from './rewards.ts';
import { ScheduleInput } from './scheduled.ts';

/** Goes up when a client of the version before would be refused or would misread; docs/develop.md has the rule. */
export const PROTOCOL_VERSION = 1;

export const ServerInfo = Type.Object({
  version: Type.String(),
  protocol: Type.Integer(),
  pid: Type.Integer(),
  started_at: Type.Number(),
  home: Type.String({ description: 'directory that holds runs, indexes and caches' }),
  device: Type.Object({
    kind: Type.String(),
    name: Type.String(),
    memory_used: Type.Union([Type.Number(), Type.Null()]),
    memory_total: Type.Union([Type.Number(), Type.Null()]),
    utilization: Type.Union([Type.Number(), Type.Null()]),
  }),
  /** The made sample, when it has been written: what the demo run and the forms offer first. */
  sample: Type.Union([Type.Null(), Type.Object({ dataset: Type.String(), models: Type.Record(Type.String(), Type.String()) })]),
  /** Configurations to start from, by name (presets.ts). */
  presets: Type.Optional(Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown()))),
});
export type ServerInfo = Type.Static<typeof ServerInfo>;

/** Keys of the configuration to change, and what that saves. */
export const MemorySwitch = Type.Object({
  set: Type.Unsafe<Partial<TrainConfig>>(Type.Record(Type.String(), Type.Unknown())),
  saves_bytes: Type.Number(),
});
export type MemorySwitch = Type.Static<typeof MemorySwitch>;

export const Estimate = Type.Object({
  parameters: Type.Integer(),
  trainable_parameters: Type.Integer(),
  /** Bytes by purpose when most are needed: weights, reference, optimizer, gradients, activations, logits, kv_cache, images, heap, process. */
  memory: Type.Record(Type.String(), Type.Number()),
  /** Of one process. */
  total_bytes: Type.Number(),
  /** That one process may take: its part of what is free where several share it. */
  available_bytes: Type.Number(),
  /** Processes that share the run. */
  processes: Type.Optional(Type.Integer()),
  /**
   * The fewest GPUs like those here on which the run fits, with a process and at least one shard of the step on each: a power of two. Null where no
   * number of them is enough; left out on a CPU, whose processes share one memory.
   */
  least_devices: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
  /** Completions a second by the same measurement as seconds_per_step. */
  rollouts_per_s: Type.Optional(Type.Union([Type.Number(), Type.Null()])),
  fits: Type.Boolean(),
  total_steps: Type.Integer(),
  train_items: Type.Integer(),
  advice: Type.Array(Type.String()),
  /** Part of a step that needs most. */
  peak_phase: Type.Optional(Type.String()),
  /** Null until a run on this device and in this precision has made steps. Within a factor of two where models and lengths differ. */
  seconds_per_step: Type.Optional(Type.Union([Type.Number(), Type.Null()])),
  /** What that was measured on. */
  seconds_from: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  /** Settings that would save memory when it does not fit, the largest saving first, each alone. */
  switches: Type.Optional(Type.Array(MemorySwitch)),
});
export type Estimate = Type.Static<typeof Estimate>;

export const TRASH_KINDS = ['run', 'evaluation', 'data'] as const;
export type TrashKind = (typeof TRASH_KINDS)[number];

/** Something that was removed and can be put back. */
export const Trashed = Type.Object({
  id: Type.String({ description: 'of the entry in the trash' }),
  kind: Type.Unsafe<TrashKind>(Type.String({ enum: [...TRASH_KINDS] })),
  of: Type.String({ description: 'id of the run or evaluation, name of the data set' }),
  name: Type.String({ description: 'as people know it' }),
  removed_at: Type.Number({ description: 'milliseconds since 1970' }),
});
export type Trashed = Type.Static<typeof Trashed>;

export const RUN_ACTIONS = ['start', 'pause', 'resume', 'stop', 'checkpoint'] as const;
export type RunAction = (typeof RUN_ACTIONS)[number];

/** `request_id` is made by the client; the same id again changes nothing, so a resend is harmless, also after a restart of the server. */
const RequestId = Type.Optional(Type.String({ maxLength: 64 }));

/** Characters of a run's name and of a tag. */
export const MAX_NAME = 200;
export const MAX_TAG = 60;
export const MAX_TAGS = 50;
export const MAX_NOTES = 20_000;
/** Colours that the views have for runs. */
export const RUN_COLOURS = 7;

/** A line of text that shows something. */
const Line = (maxLength: number, pattern: string) => Type.String({ minLength: 1, maxLength, pattern });
/** Without control characters and spaces at its ends. */
const LINE = '^[^\\s\\p{Cc}]([^\\p{Cc}]*[^\\s\\p{Cc}])?$';

export const CreateRun = Type.Object(
  {
    config: Type.Record(Type.String(), Type.Unknown()),
    /** Sources of the reward files that `config.reward_funcs` names; those left out are read on the server's machine. */
    reward_files: Type.Optional(RewardFiles),
    start: Type.Optional(Type.Boolean({ default: true })),
    request_id: RequestId,
  },
  { additionalProperties: false },
);
/** The log of another trainer, on the server's machine. */
export const ImportRun = Type.Object(
  {
    path: Type.String({
      minLength: 1,
      maxLength: 4096,
      description: "output_dir of Hugging Face's Trainer, a checkpoint in it, or a trainer_state.json",
    }),
    name: Type.Optional(Line(MAX_NAME, LINE)),
    num_generations: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, description: 'completions of a question, where the log cannot tell' }),
    ),
    request_id: RequestId,
  },
  { additionalProperties: false },
);
export const CreatePair = Type.Object(
  {
    /** As of a run; the prompt variant is that of `variants`. */
    config: Type.Record(Type.String(), Type.Unknown()),
    variants: Type.Optional(
      Type.Array(Type.Unsafe<Variant>(Type.String({ enum: [...VARIANTS] })), { minItems: 2, maxItems: 2, default: ['think', 'no-think'] }),
    ),
    reward_files: Type.Optional(RewardFiles),
    start: Type.Optional(Type.Boolean({ default: true })),
    request_id: RequestId,
  },
  { additionalProperties: false },
);
export const RunActionRequest = Type.Object(
  { action: Type.Unsafe<RunAction>(Type.String({ enum: [...RUN_ACTIONS] })), request_id: RequestId },
  { additionalProperties: false },
);
export const EditRewards = Type.Object(
  {
    /** Weights by reward function; those left out keep theirs. A built-in function that the run has not is added. */
    weights: Type.Record(Type.String(), Type.Number()),
    /** Weights that follow the step from now on; null holds the weight where `weights` puts it. */
    weight_schedules: Type.Optional(Type.Record(Type.String(), Type.Union([ScheduleInput, Type.Null()]))),
    /** Parameters of built-in functions, by function; those left out stay, null goes back to the default. */
    parameters: Type.Optional(ParameterChanges),
    /** Sources by file name (my_reward.ts): functions to add or to change; weight 1 where none is given for a new one. */
    files: Type.Optional(RewardFiles),
    /** Functions to add or to change that a kernel serves now, by name: SHA-256 of the source. */
    kernel: Type.Optional(ServedNames),
    /** Functions to leave out from now on. */
    remove: Type.Optional(Type.Array(Type.String())),
    reason: Type.Optional(Type.String({ maxLength: 2000 })),
    author: Type.Optional(Type.String({ maxLength: 120 })),
    /** Revision the edit was made on: refused with 409 when another came first. */
    base_revision: Type.Integer(),
    request_id: RequestId,
  },
  { additionalProperties: false },
);
export type EditRewards = Type.Static<typeof EditRewards>;

const OfEdit = {
  reason: Type.Optional(Type.String({ maxLength: 2000 })),
  author: Type.Optional(Type.String({ maxLength: 120 })),
  request_id: RequestId,
};
export const EditSettings = Type.Object(
  {
    /** Keys of the configuration that can be changed while a run trains, with their new values; those left out keep theirs. */
    settings: Type.Record(Type.String(), Type.Unknown()),
    /** Revision the edit was made on: refused with 409 when another changed settings since. Left out, it is made on what is in force. */
    base_revision: Type.Optional(Type.Integer()),
    ...OfEdit,
  },
  { additionalProperties: false },
);
export type EditSettings = Type.Static<typeof EditSettings>;

/** Rewards and settings of an earlier revision, in force again as a new one. */
export const RevertRun = Type.Object({ revision: Type.Integer({ minimum: 1 }), ...OfEdit }, { additionalProperties: false });
export type RevertRun = Type.Static<typeof RevertRun>;

/** A new run that goes on from a checkpoint of this one, with some keys of its configuration changed. */
export const ForkRun = Type.Object(
  {
    step: Type.Integer({ minimum: 1 }),
    /** Keys that change; all else goes on as it was in force at the step. One that says what is rewarded is told together with the others. */
    config: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    /** Sources of reward files that the configuration names and the parent has not. */
    reward_files: Type.Optional(RewardFiles),
    start: Type.Optional(Type.Boolean({ default: true })),
    request_id: RequestId,
  },
  { additionalProperties: false },
);
export const RollbackRun = Type.Object({ step: Type.Integer({ minimum: 1 }) }, { additionalProperties: false });

const Tag = Line(MAX_TAG, '^[^\\s,"\\p{Cc}]([^,"\\p{Cc}]*[^\\s,"\\p{Cc}])?$');
const Tags = Type.Optional(Type.Array(Tag, { maxItems: MAX_TAGS }));

/** What is left out stays. `tags` takes the place of all; the other two leave the tags that they do not name. */
export const AnnotateRun = Type.Object(
  {
    name: Type.Optional(Line(MAX_NAME, LINE)),
    notes: Type.Optional(Type.String({ maxLength: MAX_NOTES })),
    tags: Tags,
    add_tags: Tags,
    remove_tags: Tags,
    pinned: Type.Optional(Type.Boolean()),
    archived: Type.Optional(Type.Boolean()),
    colour: Type.Optional(Type.Union([Type.Integer({ minimum: 0, maximum: RUN_COLOURS - 1 }), Type.Null()])),
    request_id: RequestId,
  },
  { additionalProperties: false },
);
export type AnnotateRun = Type.Static<typeof AnnotateRun>;

/** A configuration as text; YAML, of which JSON is a part. */
export const ReadConfig = Type.Object({ text: Type.String({ maxLength: 1 << 20 }) }, { additionalProperties: false });
