/** kill -9 of each process that a run in JupyterLab has, and runs that go on from each of their steps. */
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, expect } from 'vitest';
import type { TrainConfig } from '../../kernel-bridge/src/protocol/index.ts';
import { hasEnded } from '../../kernel-bridge/src/protocol/run.ts';
import { createTrainer } from '../../kernel-bridge/src/rl/index.ts';
import { makeTiny, type Tiny } from '../../kernel-bridge/src/rl/testing/tiny.ts';
import { runDirectory } from '../../kernel-bridge/src/runs/home.ts';
import { openRun } from '../../kernel-bridge/src/runs/runs.ts';
import { until } from '../server/harness.ts';
import { loadTinyItems, writeTinyItems } from '../server/tiny-items.ts';
import { below, fault, holds, oneOf, type Random } from './fault.ts';
import { ended, Lab, TARGETS, type Target } from './lab.ts';
import { forgetMoments } from './moments.ts';
import { contentOf } from './trained.ts';
import { makeRun, takeUp, train } from './writer.ts';

const STEPS = 12;
const SETTINGS: Partial<TrainConfig>[] = [
  { num_iterations: 2, eval_steps: 4, eval_samples: 6, dataset_test_split: 'test' },
  { processes: 2, dp_shards: 2, save_steps: 2 },
  { use_peft: true, lora_r: 4, gradient_accumulation_steps: 2, per_device_train_batch_size: 4, lr_scheduler_type: 'cosine' },
];
const scratch = mkdtempSync(join(tmpdir(), 'medr1-kills-'));
let tiny: Tiny | undefined;
const configOf = (changes: Partial<TrainConfig>): TrainConfig => tiny!.config({ max_steps: STEPS, save_steps: 3, ...changes });

async function makeData(): Promise<void> {
  if (tiny) return;
  tiny = await makeTiny();
  await writeTinyItems(tiny);
}
afterAll(async () => {
  await tiny?.[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
});

interface Disturbance {
  kills?: number;
  targets?: readonly Target[];
  /** No kill comes before this step. */
  from?: number;
  /** What happens to the run before it is resumed. */
  meanwhile?: (home: string, id: string) => void;
  /** Of the configuration, from that of the run that it is held to. */
  changes?: Partial<TrainConfig>;
}

/** A run whose processes are killed on its way, and which is resumed each time. */
async function disturbed(
  random: Random,
  settings: number,
  { kills = 2, targets = TARGETS, from = 0, meanwhile, changes = {} }: Disturbance = {},
): Promise<string> {
  const lab = new Lab(mkdtempSync(join(scratch, 'lab-')));
  try {
    if (kills > 0) lab.hold(STEPS - 1);
    const { id } = await lab.ask((client) => client.createRun({ ...configOf({ ...SETTINGS[settings], ...changes }) }));
    const killed: string[] = [];
    for (let kill = 0; kill < kills; kill++) {
      const target = oneOf(
        random,
        targets.filter((one) => one !== 'rank' || SETTINGS[settings].processes === 2),
      );
      const step = from + below(random, STEPS - 1 - from);
      const told = await until(async () => {
        const { summary } = await lab.ask((client) => client.run(id));
        if (summary.step < step && !hasEnded(summary.state)) return `at step ${summary.step}`;
        // A run that was resumed tells of the steps of before until its process drops what came after the checkpoint.
        return summary.state === 'running' ? summary.step : 0;
      }, 300_000);
      await wait(random() * 100);
      await lab.kill(target, id);
      killed.push(target);
      const { state, error } = await ended(lab, id);
      using store = openRun(lab.home, id);
      holds(store.step >= told, `step ${told} was told, the run has ${store.step} after a kill of ${target}`);
      if (state === 'finished') break;
      holds(state === 'interrupted' || error?.code === 'RANK_LOST', `a kill of ${target} left the run ${state}: ${error?.message}`);
      meanwhile?.(lab.home, id);
      if (kill + 1 < kills) lab.hold(STEPS - 1);
      await lab.ask((client) => client.action(id, 'resume'));
    }
    const { state, error } = await ended(lab, id);
    holds(state === 'finished', `the run is ${state}: ${error?.message}`);
    const { checkpoints, ...rest } = contentOf(lab.home, id);
    const straight = await undisturbed(settings);
    expect(rest).toEqual(straight.rest);
    // Which ones are kept is another matter: a process whose backend was killed writes one more, which takes the place of another.
    holds(checkpoints.at(-1)?.[0] === STEPS, `the last checkpoint is of step ${checkpoints.at(-1)?.[0]}`);
    for (const [step, tensors] of checkpoints) expect(tensors, `checkpoint of step ${step}`).toEqual(straight.checkpoints.get(step));
    const left = readdirSync(join(runDirectory(lab.home, id), 'checkpoints')).filter((name) => name.includes('tmp'));
    holds(left.length === 0, `${left.join(', ')} was left`);
    return killed.toSorted().join(' and ');
  } finally {
    await lab.close();
  }
}

const trained = async (home: string, id: string): Promise<string> => train(home, id, () => {}, createTrainer, loadTinyItems);

interface Straight {
  rest: unknown;
  /** Of each step. */
  checkpoints: ReadonlyMap<number, [string, Buffer][]>;
}

const straightRuns = new Map<number, Straight>();
/** What a run of these settings holds that one process trained without a stop. */
async function undisturbed(settings: number): Promise<Straight> {
  if (!straightRuns.has(settings)) {
    const home = mkdtempSync(join(scratch, 'straight-'));
    const config = { ...configOf(SETTINGS[settings]), processes: 1, save_steps: 1, save_total_limit: STEPS };
    const id = await makeRun(home, tiny!.model, config, loadTinyItems);
    holds((await trained(home, id)) === 'finished', 'the run that nobody disturbed did not finish');
    const { checkpoints, ...rest } = contentOf(home, id);
    straightRuns.set(settings, { rest, checkpoints: new Map(checkpoints) });
  }
  return straightRuns.get(settings)!;
}

fault('D2', {
  lacks: process.platform === 'linux' ? null : 'processes are looked at by /proc, which is of Linux',
  setUp: makeData,
  attempt: (random, n) => disturbed(random, n % SETTINGS.length),
  control: (random) => disturbed(random, 0, { kills: 1, targets: ['worker'], from: 4, meanwhile: forgetMoments }),
});

/** The same run once more: another home, other processes, another number of them. */
async function again(random: Random, changes: Partial<TrainConfig> = {}): Promise<string> {
  const settings = below(random, SETTINGS.length);
  const processes = SETTINGS[settings].processes === 2 ? oneOf(random, [1, 2]) : 1;
  await disturbed(random, settings, { kills: 0, changes: { processes, ...changes } });
  return processes === 2 ? 'two processes' : 'one process';
}

fault('R2', {
  lacks: process.platform === 'linux' ? null : 'processes are looked at by /proc, which is of Linux',
  setUp: makeData,
  attempt: (random) => again(random),
  control: (random) => again(random, { seed: 7 }),
});

/** A run with a checkpoint of each of its steps, finished; each try goes on from one of them in a copy. */
let every: { home: string; id: string; content: unknown };

async function withEveryCheckpoint(): Promise<void> {
  await makeData();
  const home = join(scratch, 'every');
  const changes = {
    save_steps: 1,
    save_total_limit: null,
    num_iterations: 3,
    gradient_accumulation_steps: 2,
    per_device_train_batch_size: 4,
  };
  const id = await makeRun(home, tiny!.model, configOf(changes), loadTinyItems);
  holds((await trained(home, id)) === 'finished', 'the run did not finish');
  every = { home, id, content: contentOf(home, id) };
}

async function goneOnFrom(step: number, meanwhile: (home: string, id: string) => void = () => {}): Promise<void> {
  const home = join(scratch, `from-${step}`);
  cpSync(every.home, home, { recursive: true });
  {
    using store = openRun(home, every.id);
    store.dropAfter(step, { revisions: 'repeat' });
    store.setState('interrupted');
    for (const name of readdirSync(join(store.directory, 'checkpoints')))
      if (Number(name.slice(5)) > step) rmSync(join(store.directory, 'checkpoints', name), { recursive: true });
  }
  meanwhile(home, every.id);
  takeUp(home, every.id);
  const state = await trained(home, every.id);
  holds(state === 'finished', `the run that was taken up at step ${step} is ${state}`);
  expect(contentOf(home, every.id)).toEqual(every.content);
  rmSync(home, { recursive: true });
}

fault('R1', {
  setUp: withEveryCheckpoint,
  places: async () => STEPS - 1,
  attempt: (_, place) => goneOnFrom(place + 1),
  control: () => goneOnFrom(5, forgetMoments),
});
