/**
 * The commands of a first day on the device: a run on the made sample with a self-check, a checkpoint and an evaluation, killed and resumed; questions
 * about what it said; an evaluation and a map of an answer, held to the CPU's in float32. One that fails does not stop the next.
 */
import { spawn, spawnSync } from 'node:child_process';
import { globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readMetrics } from '../src/runs/metrics.ts';
import { runDirectory } from '../src/runs/home.ts';
import { listRuns, openRun, trainedBy } from '../src/runs/runs.ts';
import { answer, settingOf } from './part.ts';

const { device, directory, rehearse } = await settingOf(process.argv[2]);
const on = rehearse ? 'cpu' : device;
const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const [medr1, model] = [at('../bin/medr1.mjs'), at('../../examples/sample/model')];
const [home, sample, configuration] = ['home', 'sample', 'run.yaml'].map((name) => join(directory, name));
const env = { ...process.env, MEDR1_HOME: home };
const [STEPS, QUESTIONS, TEST] = rehearse ? [4, 16, 8] : [12, 128, 128];

type Facts = Record<string, unknown>;

/** The document that a command prints. Throws with the command's last lines when it fails. */
function run(...args: string[]): Facts {
  const { status, stdout, stderr } = spawnSync(process.execPath, [medr1, ...args, '--json'], { env, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`medr1 ${args.join(' ')} ended with ${status}: ${(stderr + stdout).slice(-800)}`);
  return JSON.parse(stdout) as Facts;
}

const CONFIG = {
  model_name_or_path: model,
  dataset_name: sample,
  dataset_train_split: 'modality/train',
  dataset_test_split: 'modality/test',
  device: on,
  num_generations: 8,
  per_device_train_batch_size: QUESTIONS,
  max_completion_length: 48,
  max_steps: STEPS,
  save_steps: STEPS / 2,
  eval_steps: STEPS,
  probe_steps: STEPS / 2,
  learning_rate: 1e-4,
};
const train = (name: string): string[] => ['train', configuration, '--set', `run_name=${name}`];
const idOf = (name: string): string | undefined =>
  listRuns(home).find((id) => {
    using store = openRun(home, id);
    return store.row().name === name;
  });

/** Figures of a run's last step, and what shows whether the device does what the CPU does. */
function figuresOf(id: string): Facts {
  using store = openRun(home, id);
  const { step, metrics } = readMetrics(store.db, {});
  const last = (name: string) => metrics[name]?.findLast((value) => value !== null) ?? null;
  const names = [
    ...['reward', 'loss', 'grad_norm', 'kl', 'eval_accuracy', 'rollouts_per_s', 'step_time', 'memory/peak_bytes'],
    ...['sampling/sampling_logp_difference/max', 'check/image_sensitivity/grey', 'check/images_unseen', 'check/images_elsewhere'],
  ];
  return { steps: step.at(-1) ?? 0, ...Object.fromEntries(names.map((name) => [name, last(name)])), rewards: metrics.reward };
}

function undisturbed(): Facts {
  writeFileSync(configuration, JSON.stringify(CONFIG)); // JSON is YAML
  run(...train('whole'));
  const figures = figuresOf(idOf('whole')!);
  return { ok: figures.steps === STEPS && figures['check/images_unseen'] === 0 && figures['check/images_elsewhere'] === 0, ...figures };
}

const stepOf = (id: string): number => {
  using store = openRun(home, id);
  return store.step;
};

/** Its worker is killed after the first checkpoint. */
async function killed(): Promise<Facts> {
  const child = spawn(process.execPath, [medr1, ...train('killed')], { env, stdio: 'ignore' });
  const ended = new Promise((resolve) => child.on('close', resolve));
  let at_step = 0;
  while (child.exitCode === null && at_step <= STEPS / 2) {
    await wait(20);
    const id = idOf('killed');
    at_step = id === undefined ? 0 : stepOf(id);
  }
  const directory = runDirectory(home, idOf('killed')!);
  process.kill(trainedBy(directory)!, 'SIGKILL');
  await ended;
  const id = idOf('killed')!;
  run('train', '--resume', id);
  const verified = run('runs', 'verify', id);
  const [whole, resumed] = [figuresOf(idOf('whole')!), figuresOf(id)];
  const same_rewards = JSON.stringify(whole.rewards) === JSON.stringify(resumed.rewards);
  return { ok: resumed.steps === STEPS, at_step, same_rewards, rewards: resumed.rewards, verified };
}

/** Questions about a completion of the run: the policy that said it runs it again. */
function explained(): Facts {
  const score = (...what: string[]) => run('explain', what[0], idOf('whole')!, '1', '0', '0', ...what.slice(1)).score;
  const methods = rehearse ? ['gradient'] : ['gradient', 'integrated', 'occlusion'];
  const scores = methods.map((method) => score('attribution', '--method', method));
  if (!rehearse) for (const what of ['alternatives', 'decision']) score(what);
  return { ok: scores.every((one) => typeof one === 'number'), scores };
}

/** In float32 on both: greedy answers to the same questions. */
function evaluated(): Facts {
  const rights = [on, 'cpu'].map((where) => {
    const how = ['--model', model, '--dataset', sample, '--split', 'modality/test', '--limit', String(TEST), '--no-resume'];
    return (run('eval', ...how, '--dtype', 'float32', '--device', where).strict as { right: number }).right;
  });
  return { ok: Math.abs(rights[0] - rights[1]) <= TEST / 64, rights };
}

/** In float32 on both: the map of one answer by each method. */
function attributed(): Facts {
  const [image] = globSync(join(sample, 'Images/*/*.png')).toSorted();
  const question = 'What modality is this? A) CT B) MRI C) X-ray D) OCT';
  const rows = (rehearse ? ['gradient'] : ['gradient', 'integrated', 'occlusion']).map((method) => {
    const map = (where: string): number[] => {
      const how = ['--model', model, '--image', image, '--question', question, '--completion', '<answer> B </answer>', '--no-check'];
      const found = run('attribute', ...how, '--method', method, '--blocks', '2x2', '--dtype', 'float32', '--device', where);
      return (found.image as number[][]).flat();
    };
    const [found, wanted] = [map(on), map('cpu')];
    const size = Math.max(...wanted.map(Math.abs));
    return { method, apart: Math.max(...wanted.map((value, i) => Math.abs(value - found[i]))) / size };
  });
  return { ok: rows.every(({ apart }) => apart < 1e-3), rows };
}

run('sample', sample, '--images', '8', '--no-model');
const found: Record<string, Facts> = {};
for (const check of [undisturbed, killed, explained, evaluated, attributed]) {
  const start = performance.now();
  let facts: Facts;
  try {
    facts = await check();
  } catch (error) {
    facts = { ok: false, error: (error as Error).message };
  }
  found[check.name] = { seconds: (performance.now() - start) / 1000, ...facts };
}
answer({ ok: Object.values(found).every(({ ok }) => ok), ...found });
