/** A number that follows the step: a reward's weight or parameter that moves while a run trains. No DOM, no store: the views draw it, the trainer counts by it. */
import Type from 'typebox';

export const SHAPES = ['linear', 'cosine', 'step'] as const;
export type Shape = (typeof SHAPES)[number];

const Step = (description: string) => Type.Integer({ minimum: 1, description });
const Shaped = {
  schedule: Type.Unsafe<Shape>(
    Type.String({ enum: [...SHAPES], description: 'linear and cosine move from one value to the other, step jumps' }),
  ),
  from: Type.Number({ description: 'up to `start`' }),
  to: Type.Number({ description: 'from `end` on' }),
};

export const Schedule = Type.Object(
  { ...Shaped, start: Step('last step that has `from`'), end: Step('first step that has `to`') },
  { additionalProperties: false },
);
export type Schedule = Type.Static<typeof Schedule>;

/** As people write one: in an edit `start` is the next step where it is left out, in a configuration step 1. `over` steps after it is its `end`. */
export const ScheduleInput = Type.Object(
  {
    ...Shaped,
    start: Type.Optional(Step('last step that has `from`')),
    end: Type.Optional(Step('first step that has `to`')),
    over: Type.Optional(Step('steps from `start` to `end`')),
  },
  { additionalProperties: false },
);
export type ScheduleInput = Type.Static<typeof ScheduleInput>;

export const isSchedule = (value: unknown): value is ScheduleInput => typeof value === 'object' && value !== null && 'schedule' in value;

/** Between 0 and 1, over the share of the way from `start` to `end`. */
const WAYS: Record<Shape, (share: number) => number> = {
  linear: (share) => share,
  cosine: (share) => 0.5 * (1 - Math.cos(Math.PI * share)),
  step: () => 0,
};

/** The value that counts for a step. */
export function valueAt({ schedule, from, to, start, end }: Schedule, step: number): number {
  if (step <= start) return from;
  if (step >= end) return to;
  return from + (to - from) * WAYS[schedule]((step - start) / (end - start));
}

/** With `start` and `end` told, or what is wrong with it. `next`: the step that `start` is where it is left out. */
export function settled({ schedule, from, to, start = undefined, end, over }: ScheduleInput, next: number): Schedule | string {
  if ((end === undefined) === (over === undefined)) return 'must hold either end or over';
  const first = start ?? next;
  const last = end ?? first + over!;
  return last > first ? { schedule, from, to, start: first, end: last } : `must end after step ${first}, where it starts`;
}
