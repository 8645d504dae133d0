/** Learning rate schedules by transformers' names, each with the keys that `lr_scheduler_kwargs` may hold for it and their defaults (null: none). */
export const SCHEDULES = {
  linear: {},
  cosine: {},
  cosine_with_restarts: { num_cycles: 1 },
  polynomial: { lr_end: 1e-7, power: 1 },
  constant: {},
  constant_with_warmup: {},
  inverse_sqrt: { timescale: null },
  cosine_with_min_lr: { num_cycles: 0.5, min_lr: null, min_lr_rate: null },
  cosine_warmup_with_min_lr: { num_cycles: 0.5, min_lr: null, min_lr_rate: null, warmup_lr_rate: null },
  warmup_stable_decay: {
    num_decay_steps: null,
    num_stable_steps: null,
    warmup_type: 'linear',
    decay_type: 'cosine',
    min_lr_ratio: 0,
    num_cycles: 0.5,
  },
} as const satisfies Record<string, Record<string, number | string | null>>;

export type ScheduleName = keyof typeof SCHEDULES;
export const SCHEDULE_NAMES = Object.keys(SCHEDULES) as ScheduleName[];

/** Ways from one rate to another, for warmup_type and decay_type of warmup_stable_decay. */
const RAMPS = ['linear', 'cosine', '1-sqrt'] as const;

/** What is wrong with the settings of a schedule, null when nothing is. */
export function scheduleProblem(name: ScheduleName, given: Readonly<Record<string, unknown>>, learningRate: number): string | null {
  const known: Record<string, number | string | null> = SCHEDULES[name];
  for (const [key, value] of Object.entries(given)) {
    if (!Object.hasOwn(known, key)) {
      const keys = Object.keys(known);
      return `must not hold ${key}: ${name} ${keys.length === 0 ? 'takes no settings' : `takes ${keys.join(', ')}`}`;
    }
    if (key === 'warmup_type' || key === 'decay_type') {
      if (!RAMPS.some((ramp) => ramp === value)) return `must hold one of ${RAMPS.join(', ')} as ${key}`;
    } else if (typeof value !== 'number' || !(value >= 0)) return `must hold a number from 0 as ${key}`;
  }
  if ('min_lr' in known && 'min_lr' in given === 'min_lr_rate' in given) return `must hold either min_lr or min_lr_rate for ${name}`;
  if (name === 'warmup_stable_decay' && !('num_decay_steps' in given)) return 'must hold num_decay_steps for warmup_stable_decay';
  if (name === 'polynomial' && Number(given.lr_end ?? SCHEDULES.polynomial.lr_end) >= learningRate)
    return `must hold an lr_end below learning_rate ${learningRate} for polynomial`;
  return null;
}
