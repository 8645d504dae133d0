/** Every learning rate schedule, at every step, against transformers' own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SCHEDULE_NAMES, type TrainConfig } from '../../kernel-bridge/src/protocol/index.ts';
import { learningRate } from '../../kernel-bridge/src/rl/schedule.ts';

type Settings = NonNullable<TrainConfig['lr_scheduler_kwargs']>;

const here = dirname(fileURLToPath(import.meta.url));
const WITH: Record<string, Settings[]> = {
  cosine_with_restarts: [{}, { num_cycles: 3 }],
  polynomial: [{}, { lr_end: 1e-4, power: 2 }],
  inverse_sqrt: [{}, { timescale: 5 }],
  cosine_with_min_lr: [{ min_lr: 1e-4 }, { min_lr_rate: 0.2, num_cycles: 1 }],
  cosine_warmup_with_min_lr: [{ min_lr: 1e-4 }, { min_lr_rate: 0.2, warmup_lr_rate: 0.1 }],
  warmup_stable_decay: [
    { num_decay_steps: 6 },
    { num_decay_steps: 6, num_stable_steps: 4, min_lr_ratio: 0.1, warmup_type: 'cosine', decay_type: 'linear' },
    { num_decay_steps: 6, warmup_type: '1-sqrt', decay_type: '1-sqrt', min_lr_ratio: 0.05 },
  ],
};
const CASES = SCHEDULE_NAMES.flatMap((lr_scheduler_type) =>
  (WITH[lr_scheduler_type] ?? [{}]).flatMap((lr_scheduler_kwargs) =>
    [0, 5, 0.15].map((warmup_steps) => ({ lr_scheduler_type, lr_scheduler_kwargs, warmup_steps, learning_rate: 1e-3, total: 23 })),
  ),
);

let dir: string;
let expected: number[][];
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'medr1-schedules-'));
  writeFileSync(join(dir, 'cases.json'), JSON.stringify(CASES));
  const python = join(here, '../../.venv/bin/python');
  const printed = execFileSync(python, [join(here, 'python/schedule_expected.py'), join(dir, 'cases.json')], {
    cwd: dir, // where TrainingArguments would put its output
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  expected = JSON.parse(String(printed));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it.each(CASES.map((config, number) => ({ ...config, number, settings: JSON.stringify(config.lr_scheduler_kwargs) })))(
  '$lr_scheduler_type $settings, warm-up $warmup_steps',
  ({ number }) => {
    const config = CASES[number];
    const seen = expected[number].map((_, step) => learningRate(config, step, config.total));
    seen.forEach((rate, step) => expect(rate, `after ${step} steps`).toBeCloseTo(expected[number][step], 12));
  },
);
