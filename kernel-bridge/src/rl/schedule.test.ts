import { describe, expect, it } from 'vitest';
import { learningRate } from './schedule.ts';

const rates = (lr_scheduler_type: 'linear' | 'cosine' | 'constant' | 'constant_with_warmup', warmup_steps: number) =>
  [0, 1, 2, 3, 4].map((step) => learningRate({ learning_rate: 1, lr_scheduler_type, lr_scheduler_kwargs: null, warmup_steps }, step, 4));

describe("learning rates are transformers' schedules", () => {
  it.each([
    ['linear', 0, [1, 0.75, 0.5, 0.25, 0]],
    ['linear', 2, [0, 0.5, 1, 0.5, 0]],
    ['cosine', 0, [1, 0.5 + Math.SQRT1_2 / 2, 0.5, 0.5 - Math.SQRT1_2 / 2, 0]],
    ['constant', 2, [1, 1, 1, 1, 1]],
    ['constant_with_warmup', 2, [0, 0.5, 1, 1, 1]],
  ] as const)('%s, warm-up %s', (type, warmup, expected) =>
    rates(type, warmup).forEach((rate, step) => expect(rate).toBeCloseTo(expected[step], 12)),
  );
});
