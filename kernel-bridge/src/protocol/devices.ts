/** The devices of the server's machine, who is on them, and the queues of runs and evaluations before them. */
import Type from 'typebox';

const Nullable = <S extends Type.TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

/** A process that holds a model. */
export const DeviceJob = Type.Object({
  kind: Type.String({ description: 'train, evaluate or answer' }),
  id: Type.String({ description: 'of the run or the evaluation' }),
  name: Type.String({ description: 'as people know it: "run a-b"' }),
  pid: Nullable(Type.Integer()),
  bytes: Type.Number({ description: "that it takes on the device by the planner's estimate; 0 where that is not known" }),
  exclusive: Type.Boolean(),
  started_at: Type.Number({ description: 'milliseconds since 1970' }),
  heard_at: Nullable(Type.Number({ description: 'when its process spoke last: at least at the end of each step; null while it loads' })),
});
export type DeviceJob = Type.Static<typeof DeviceJob>;

export const DeviceUse = Type.Object({
  id: Type.String({ description: 'cuda:0, cpu:1: the place among those of its kind' }),
  kind: Type.String({ description: 'cuda or cpu' }),
  name: Type.String(),
  uuid: Nullable(Type.String({ description: 'of a GPU or a slice of one (MIG)' })),
  threads: Nullable(Type.Integer({ description: 'of a slot of the CPU' })),
  memory_total: Nullable(Type.Number({ description: "bytes; slots of the CPU share the machine's" })),
  memory_used: Nullable(Type.Number({ description: 'bytes, of all programs' })),
  utilization: Nullable(Type.Number({ description: 'percent' })),
  jobs: Type.Array(DeviceJob),
});
export type DeviceUse = Type.Static<typeof DeviceUse>;

/** A run or an evaluation that waits for a device. */
export const QueuedJob = Type.Object({
  kind: Type.String({ description: 'train or evaluate' }),
  id: Type.String({ description: 'of the run or the evaluation' }),
  name: Type.String(),
  held: Type.Boolean({ description: 'it is passed over until it is released' }),
  reason: Type.String({ description: 'what it waits for' }),
});
export type QueuedJob = Type.Static<typeof QueuedJob>;

export const Devices = Type.Object({
  devices: Type.Array(DeviceUse),
  queue: Type.Array(QueuedJob, { description: 'first to start first' }),
});
export type Devices = Type.Static<typeof Devices>;

/** Moves a run or an evaluation that waits, or holds it. */
export const QueueMove = Type.Object(
  {
    /** The waiting run or evaluation before which it goes; null = the end of the queue. */
    before: Type.Optional(Nullable(Type.String())),
    held: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type QueueMove = Type.Static<typeof QueueMove>;
