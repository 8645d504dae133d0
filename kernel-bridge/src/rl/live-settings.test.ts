/** Settings, weights and parameters that change while a trainer trains. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { liveOf, type LiveSettings, type RewardSet, type TrainConfig } from '../protocol/index.ts';
import type { StepResult } from '../protocol/step.ts';
import { createTrainer, type Trainer } from './index.ts';
import { makeTiny, type Tiny } from './testing/tiny.ts';

let tiny: Tiny;
beforeAll(async () => {
  tiny = await makeTiny();
});
afterAll(() => tiny[Symbol.asyncDispose]());

interface More {
  resumeFrom?: string;
  settings?: LiveSettings;
  rewards?: RewardSet;
}
const start = (changes: Partial<TrainConfig> = {}, more: More = {}): Promise<Trainer> =>
  createTrainer({ config: tiny.config(changes), items: tiny.items, evalItems: tiny.items, root: tiny.directory, ...more });

async function steps(trainer: Trainer, count: number): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (let i = 0; i < count; i++) {
    const { metrics, ...rest } = await trainer.trainStep();
    const untimed = Object.entries(metrics).filter(([name]) => !/^(time\/|step_time|rollouts_per_s)/.test(name));
    results.push({ ...rest, metrics: Object.fromEntries(untimed) });
  }
  return results;
}
const lengths = ({ groups }: StepResult) => groups.map(({ completions }) => completions.length);

const OTHER = {
  learning_rate: 5e-4,
  beta: 0.2,
  temperature: 0.7,
  epsilon: 0.1,
  epsilon_high: 0.3,
  delta: 1.5,
  max_completion_length: 6,
  num_generations: 2,
  dynamic_sampling: 1,
} satisfies Partial<TrainConfig>;

it('all of them, given before the first step, make the run that was configured so', async () => {
  using configured = disposed(await start(OTHER));
  const expected = [await steps(configured.trainer, 3), await configured.trainer.evaluate()];
  using changed = disposed(await start());
  changed.trainer.setSettings(liveOf(tiny.config(OTHER)));
  expect([await steps(changed.trainer, 3), await changed.trainer.evaluate()]).toEqual(expected);
  using begun = disposed(await start({}, { settings: liveOf(tiny.config(OTHER)) }));
  expect([await steps(begun.trainer, 3), await begun.trainer.evaluate()]).toEqual(expected);
});

it('a run of an adapter that began without a KL term takes one, for its reference is the model itself', async () => {
  const lora: Partial<TrainConfig> = { use_peft: true, lora_r: 4, num_iterations: 2 };
  using configured = disposed(await start({ ...lora, beta: 0.2 }));
  const expected = await steps(configured.trainer, 3);
  using changed = disposed(await start({ ...lora, beta: 0 }));
  changed.trainer.setSettings(liveOf(tiny.config({ beta: 0.2 })));
  expect(await steps(changed.trainer, 3)).toEqual(expected);
  using without = disposed(await start({ ...lora, beta: 0 }));
  const [one] = await steps(without.trainer, 1);
  expect(one.metrics.kl ?? null).toBeNull();
  without.trainer.setSettings(liveOf(tiny.config({ beta: 0.2 })));
  expect((await steps(without.trainer, 2)).map(({ metrics }) => metrics.kl ?? null)).toEqual([null, expect.any(Number)]); // from the next rollouts
});

it('those that rollouts are made by count from the next rollouts, the others from the next step, and a resume in between changes no bit', async () => {
  const changes: Partial<TrainConfig> = { num_iterations: 2, lr_scheduler_type: 'constant' };
  const settings = liveOf(tiny.config(OTHER));
  using straight = disposed(await start(changes));
  const before = await steps(straight.trainer, 1);
  straight.trainer.setSettings(settings);
  const after = await steps(straight.trainer, 4);
  expect(after[0].metrics.learning_rate).toBe(5e-4);
  expect(after[0].groups).toEqual([]); // the rollouts of step 1, used again
  expect([...before, ...after].map(lengths)).toEqual([[4, 4], [], [2, 2, 2, 2], [], [2, 2, 2, 2]]);

  using first = disposed(await start(changes));
  expect(await steps(first.trainer, 1)).toEqual(before);
  const directory = join(tiny.directory, 'between');
  await first.trainer.saveCheckpoint(directory);
  using second = disposed(await start(changes, { resumeFrom: directory }));
  second.trainer.setSettings(settings);
  expect(await steps(second.trainer, 1)).toEqual(after.slice(0, 1));
  using third = disposed(await start(changes, { resumeFrom: directory, settings }));
  expect(await steps(third.trainer, 4)).toEqual(after);
});

it('the schedule of the learning rate goes on with another peak, over as many steps as before', async () => {
  using run = disposed(await start({ max_steps: 4, learning_rate: 1e-3 }));
  const [one] = await steps(run.trainer, 1);
  run.trainer.setSettings({ ...liveOf(tiny.config()), learning_rate: 2e-3, num_generations: 2 });
  const rest = await steps(run.trainer, 3);
  expect([one, ...rest].map(({ metrics }) => metrics.learning_rate)).toEqual([1e-3, 1.5e-3, 1e-3, 0.5e-3]);
  expect(run.trainer.totalSteps).toBe(4);
});

it('without max_steps the number of steps stays what the configuration said', async () => {
  using run = disposed(await start({ max_steps: -1, num_train_epochs: 2 }));
  const { totalSteps } = run.trainer;
  run.trainer.setSettings({ ...liveOf(tiny.config()), num_generations: 2 });
  await steps(run.trainer, 1);
  expect(run.trainer.totalSteps).toBe(totalSteps);
});

it('a weight and a parameter that follow the step are those of each step, on rollouts used again too, and after a resume', async () => {
  const rewards: RewardSet = {
    weights: { accuracy_tolerant: 1, soft_overlong_punishment: 1 },
    sources: {},
    weight_schedules: { soft_overlong_punishment: { schedule: 'linear', from: 1, to: 0, start: 1, end: 5 } },
    parameters: { soft_overlong_punishment: { soft_punish_cache: { schedule: 'linear', from: 8, to: 4, start: 1, end: 5 } } },
  };
  using run = disposed(await start({ num_iterations: 2 }, { rewards }));
  const seen = await steps(run.trainer, 2);
  const directory = join(tiny.directory, 'moving');
  await run.trainer.saveCheckpoint(directory);
  seen.push(...(await steps(run.trainer, 1)));
  expect(seen.map(({ metrics }) => metrics['reward_weights/soft_overlong_punishment'] ?? null)).toEqual([1, null, 0.5]);
  expect(seen.map(({ metrics }) => metrics['reward_parameters/soft_overlong_punishment/soft_punish_cache'] ?? null)).toEqual([8, null, 6]);
  const cache = 6;
  for (const { token_ids, rewards: given, reward } of seen[2].groups.flatMap(({ completions }) => completions)) {
    const free = 8 - cache;
    expect(given.soft_overlong_punishment).toBeCloseTo(token_ids.length <= free ? 0 : (free - token_ids.length) / cache, 12);
    expect(reward).toBeCloseTo(given.accuracy_tolerant! + 0.5 * given.soft_overlong_punishment!, 12);
  }
  using again = disposed(await start({ num_iterations: 2 }, { rewards, resumeFrom: directory }));
  expect(await steps(again.trainer, 1)).toEqual(seen.slice(2));
});

const disposed = (trainer: Trainer) => ({ trainer, [Symbol.dispose]: () => trainer.dispose() });
