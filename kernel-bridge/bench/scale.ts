/**
 * One run by one process and by two, of one thread each, with the same total work: `npm run bench -- scale [--steps N] [--questions N]`. The run is that
 * of the made sample (GRPO, thinking), cut into two shards, so both give the same bits. Prints the time of a step, the speed-up, how long each rank
 * waited for the other, and the bytes that a rank sends in a step. The speed-up says something on a machine with two cores that nobody else uses.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadItems } from '../src/data/load.ts';
import { loadModel } from '../src/models/index.ts';
import type { StepResult } from '../src/protocol/step.ts';
import type { RankTask } from '../src/rl/testing/rank-member.ts';
import { completeConfig } from '../src/runs/config.ts';
import { readArguments } from './arguments.ts';

const GOAL = 1.8;
const given = readArguments({ steps: { type: 'string', default: '8' }, questions: { type: 'string', default: '16' } });
const [steps, questions] = [Number(given.steps), Number(given.questions)];
const root = join(import.meta.dirname, '../..');
const sample = join(root, '.medr1/sample');
const model = join(root, 'examples/sample/model');
const member = join(root, 'kernel-bridge/src/rl/testing/rank-member.ts');
const directory = mkdtempSync(join(tmpdir(), 'medr1-bench-scale-'));
const loaded = await loadItems(sample, { usable: true });
const config = completeConfig({
  model_name_or_path: model,
  dataset_name: sample,
  num_generations: 8,
  per_device_train_batch_size: 32,
  gradient_accumulation_steps: (questions * 8) / 32,
  max_completion_length: 64,
  dp_shards: 2,
  device: 'cpu',
  max_steps: steps + 1,
});

interface Run {
  /** Of a step, the first left out, seconds. */
  stepSeconds: number;
  /** Of a step, by rank. */
  waited: number[];
  bits: string;
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

async function train(size: number): Promise<Run> {
  const file = join(directory, `${size}.json`);
  const task: RankTask = { config, items: loaded.items.slice(0, 400), root: loaded.root, steps: steps + 1, save: `${file}-checkpoint` };
  writeFileSync(file, JSON.stringify(task));
  const rank = (number: number) =>
    new Promise<void>((resolve, reject) => {
      const child = spawn(process.execPath, [member, file, String(number), String(size), `${file}-store`], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, OMP_NUM_THREADS: '1' },
      });
      child.on('error', reject);
      child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`rank ${number} of ${size} ended with ${code}`))));
    });
  await Promise.all(Array.from({ length: size }, (_, number) => rank(number)));
  const { results } = JSON.parse(readFileSync(`${file}.out`, 'utf8')) as { results: StepResult[] };
  const counted = results.slice(1).map(({ metrics }) => metrics);
  const waitedOf = (number: number) => median(counted.map((metrics) => metrics[`time/rank_${number}_wait_s`] ?? 0));
  return {
    stepSeconds: median(counted.map((metrics) => metrics.step_time!)),
    waited: size === 1 ? [] : Array.from({ length: size }, (_, number) => waitedOf(number)),
    bits: createHash('sha256')
      .update(readFileSync(`${file}-checkpoint/model.safetensors`))
      .digest('hex'),
  };
}

try {
  const [one, two] = [await train(1), await train(2)];
  using weights = await loadModel(model);
  const trained = [...weights.params.values()].reduce((sum, weight) => sum + weight.numel * 4, 0);
  const speedUp = one.stepSeconds / two.stepSeconds;
  console.table([
    { processes: 1, 'step, s': one.stepSeconds.toFixed(3), 'waited by rank, s': '', 'sent by a rank, MB': '' },
    {
      ...{
        processes: 2,
        'step, s': two.stepSeconds.toFixed(3),
        'waited by rank, s': two.waited.map((seconds) => seconds.toFixed(3)).join(', '),
      },
      // Half of the gradients go to their owner, and a rank's own weights, about half, to the other.
      'sent by a rank, MB': ((trained / 2 + trained / 2) / 1e6).toFixed(1),
    },
  ]);
  const same = one.bits === two.bits;
  console.log(`speed-up ${speedUp.toFixed(2)} (goal ${GOAL}); the weights are ${same ? 'the same bits' : 'NOT the same bits'}`);
  console.log(JSON.stringify({ benchmark: 'scale', steps, questions, one, two, speedUp, goal: GOAL, met: speedUp >= GOAL, same }));
  if (!same) process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
