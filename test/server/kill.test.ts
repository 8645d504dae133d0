/** kill -9 at random moments, start-up included, under settings whose state a resume must bring back: the run ends as one never stopped. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TrainConfig } from '../../kernel-bridge/src/protocol/index.ts';
import { isAlive, reached, until, workerPid } from './harness.ts';
import { tinyServer, type TinyServer } from './tiny-server.ts';
import { everythingOf } from './whole-run.ts';

const STEPS = 24;
const KILLS = 2;
const SETTINGS: [string, Partial<TrainConfig>][] = [
  ['SFT in two passes', { trainer: 'sft', gradient_accumulation_steps: 2, per_device_train_batch_size: 4, eval_steps: 6 }],
  ['LoRA', { use_peft: true, lora_r: 4, num_iterations: 2 }],
  ['groups without spread replaced', { dynamic_sampling: 3, num_generations: 2, reward_funcs: ['accuracy'] }],
  ['evaluations, few checkpoints and the best one kept', { eval_steps: 2, eval_samples: 6, metric_for_best_model: 'reward', save_total_limit: 1 }],
  ['two passes, two updates on each batch', { gradient_accumulation_steps: 2, per_device_train_batch_size: 4, num_iterations: 2 }],
  [
    'GSPO, GDPO and a higher clip',
    {
      importance_sampling_level: 'sequence',
      multi_objective_aggregation: 'normalize_then_sum',
      epsilon_high: 0.28,
      num_iterations: 3,
      loss_type: 'dapo',
      lr_scheduler_type: 'cosine',
      warmup_steps: 4,
    },
  ],
]; // prettier-ignore

let made: TinyServer;
let tiny: TinyServer['tiny'];
let t: TinyServer['server'];
beforeAll(async () => {
  made = await tinyServer();
  ({ tiny, server: t } = made);
});
afterAll(() => made[Symbol.asyncDispose]());

const create = async (changes: Partial<TrainConfig>): Promise<string> =>
  (await t.client.createRun({ ...tiny.config({ max_steps: STEPS, save_steps: 4, dataset_test_split: 'test', ...changes }) })).id;

const stepOf = async (id: string): Promise<number> => (await t.client.run(id)).summary.step;

/** Kills the worker of a run that was just started: now and then before its first new step, else some steps later. */
async function killed(id: string): Promise<void> {
  await until(async () => (workerLives(id) || (await ended(id)) ? true : 'no worker'));
  if (Math.random() < 0.3) await wait(Math.random() * 1500);
  else {
    const from = await stepOf(id);
    const target = Math.min(STEPS - 1, from + Math.floor(Math.random() * 12));
    await until(async () => ((await stepOf(id)) > target || (await ended(id)) ? true : 'no new step'), 60_000);
    await wait(Math.random() * 60);
  }
  if (await ended(id)) return;
  try {
    process.kill(workerPid(t.home, id), 'SIGKILL');
  } catch {
    // it has just ended, and the server is about to say so
  }
  await reached(t.client, id, 'interrupted', 'finished');
}
/** A loaded machine takes its time. */
const finished = (id: string) =>
  until(async () => {
    const { state, error, step } = (await t.client.run(id)).summary;
    return state === 'finished' || state === 'failed' ? error : `the run is ${state} at step ${step}`;
  }, 90_000);
const ended = async (id: string): Promise<boolean> => ['finished', 'failed'].includes((await t.client.run(id)).summary.state);
function workerLives(id: string): boolean {
  try {
    return isAlive(workerPid(t.home, id));
  } catch {
    return false;
  }
}

it.each(SETTINGS)('%s: bit for bit', async (_, changes) => {
  const straight = await create(changes);
  await finished(straight);
  const id = await create(changes);
  for (let kill = 0; kill < KILLS && !(await ended(id)); kill++) {
    await killed(id);
    if (!(await ended(id))) await t.client.action(id, 'resume');
  }
  expect(await finished(id)).toBeNull();
  const [got, expected] = await Promise.all([id, straight].map((each) => everythingOf(t.client, each)));
  expect(got).toEqual(expected);
  const [kept, wanted] = await Promise.all(
    [id, straight].map(async (each) => (await t.client.run(each)).checkpoints.map(({ step, pinned, best }) => ({ step, pinned, best }))),
  );
  expect(kept).toEqual(wanted);
  const directories = readdirSync(join(t.home, 'runs', id, 'checkpoints'));
  expect(directories).toEqual((await t.client.run(id)).checkpoints.map(({ path }) => path.split('/').at(-1)));
});
