import type { TrainConfig } from '../protocol/index.ts';

type Schedule = (step: number, warmup: number, total: number) => number;

const rise = (step: number, warmup: number): number => step / Math.max(1, warmup);
const progress = (step: number, warmup: number, total: number): number => (step - warmup) / Math.max(1, total - warmup);

/** Factors on the peak learning rate, as transformers' optimization.py; `step` counts finished steps, so the first update sees 0. */
const SCHEDULES: Record<TrainConfig['lr_scheduler_type'], Schedule> = {
  constant: () => 1,
  constant_with_warmup: (step, warmup) => (step < warmup ? rise(step, warmup) : 1),
  linear: (step, warmup, total) => (step < warmup ? rise(step, warmup) : Math.max(0, (total - step) / Math.max(1, total - warmup))),
  cosine: (step, warmup, total) =>
    step < warmup ? rise(step, warmup) : Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress(step, warmup, total)))),
};

/** Learning rate of the update that follows `step` finished ones. */
export function learningRate(
  config: Pick<TrainConfig, 'learning_rate' | 'lr_scheduler_type' | 'warmup_steps'>,
  step: number,
  total: number,
): number {
  return config.learning_rate * SCHEDULES[config.lr_scheduler_type](step, config.warmup_steps, total);
}
