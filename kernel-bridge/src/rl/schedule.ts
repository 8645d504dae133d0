import { SCHEDULES as SETTINGS, type TrainConfig } from '../protocol/index.ts';

type Name = TrainConfig['lr_scheduler_type'];
/** Of the settings of every schedule; `peak` is the learning rate that the factor is of. */
type Settings = Record<string, number> & { warmup_type: string; decay_type: string; peak: number };
type Schedule = (step: number, warmup: number, total: number, settings: Settings) => number;

const share = (done: number, of: number): number => done / Math.max(1, of);
const wave = (cycles: number, progress: number): number => 0.5 * (1 + Math.cos(Math.PI * cycles * 2 * progress));

/** After a linear rise from 0, `fall`. */
const warmed =
  (fall: Schedule): Schedule =>
  (step, warmup, total, settings) =>
    step < warmup ? share(step, warmup) : fall(step, warmup, total, settings);

/** Between 0 and 1, over the share of a warm-up or of a decay that is done. */
const UP: Record<string, (x: number) => number> = {
  linear: (x) => x,
  cosine: (x) => 0.5 * (1 - Math.cos(Math.PI * x)),
  '1-sqrt': (x) => 1 - Math.sqrt(1 - x),
};
const DOWN: Record<string, (x: number, cycles: number) => number> = {
  linear: (x) => 1 - x,
  cosine: (x, cycles) => wave(cycles, x),
  '1-sqrt': (x) => 1 - Math.sqrt(x),
};

const lowest = ({ min_lr, min_lr_rate, peak }: Settings): number => min_lr_rate ?? min_lr / peak;
const above = (least: number, factor: number): number => Math.max(0, factor * (1 - least) + least);

/** Factors on the peak learning rate, as transformers' optimization.py; `step` counts finished steps, so the first update sees 0. */
const SCHEDULES: Record<Name, Schedule> = {
  constant: () => 1,
  constant_with_warmup: warmed(() => 1),
  linear: warmed((step, warmup, total) => Math.max(0, share(total - step, total - warmup))),
  cosine: warmed((step, warmup, total) => Math.max(0, wave(0.5, share(step - warmup, total - warmup)))),
  cosine_with_restarts: warmed((step, warmup, total, { num_cycles }) => {
    const progress = share(step - warmup, total - warmup);
    return progress >= 1 ? 0 : Math.max(0, wave(0.5, (num_cycles * progress) % 1));
  }),
  polynomial: warmed((step, warmup, total, { lr_end, power, peak }) => {
    const left = step > total ? 0 : 1 - (step - warmup) / (total - warmup);
    return ((peak - lr_end) * left ** power + lr_end) / peak;
  }),
  inverse_sqrt: warmed((step, warmup, _, { timescale }) => {
    const scale = timescale ?? (warmup || 10_000);
    return 1 / Math.sqrt((step + scale - warmup) / scale);
  }),
  cosine_with_min_lr: warmed((step, warmup, total, settings) =>
    above(lowest(settings), wave(settings.num_cycles, share(step - warmup, total - warmup))),
  ),
  cosine_warmup_with_min_lr: (step, warmup, total, settings) => {
    const { warmup_lr_rate: first, num_cycles } = settings;
    if (step < warmup) return first === null ? share(step + 1, warmup) : first + (1 - first) * share(step, warmup - 1);
    return above(lowest(settings), wave(num_cycles, share(step - warmup + 1, total - warmup)));
  },
  warmup_stable_decay: (step, warmup, total, settings) => {
    const { num_decay_steps: decay, min_lr_ratio: least, warmup_type, decay_type, num_cycles } = settings;
    const stable = settings.num_stable_steps ?? total - warmup - decay;
    if (step < warmup) return above(least, UP[warmup_type](share(step, warmup)));
    if (step < warmup + stable) return 1;
    return step < warmup + stable + decay ? above(least, DOWN[decay_type](share(step - warmup - stable, decay), num_cycles)) : least;
  },
};

type Keys = 'learning_rate' | 'lr_scheduler_type' | 'lr_scheduler_kwargs' | 'warmup_steps';

/** Learning rate of the update that follows `step` finished ones. */
export function learningRate(config: Pick<TrainConfig, Keys>, step: number, total: number): number {
  const { learning_rate: peak, lr_scheduler_type: name, lr_scheduler_kwargs, warmup_steps } = config;
  const warmup = warmup_steps < 1 ? Math.ceil(total * warmup_steps) : Math.floor(warmup_steps);
  const settings = { ...SETTINGS[name], ...lr_scheduler_kwargs, peak } as unknown as Settings;
  return peak * SCHEDULES[name](step, warmup, total, settings);
}
