/** `npm run bench -- digest`: what the digest over a step of 128 rollouts takes, when it is written and when it is checked. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { longStep } from '../../test/server/long-step.ts';
import type { StepResult } from '../src/protocol/step.ts';
import { completeConfig } from '../src/runs/config.ts';
import { completionBytes, firstDamage, sealStep } from '../src/runs/digest.ts';
import { RunStore } from '../src/runs/store.ts';
import { transaction } from '../src/log/database.ts';
import { readArguments } from './arguments.ts';

readArguments({});

const STEPS = 40;
const METRICS = 40;

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1];

function timed(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

function stepOf(step: number, tokens: number): StepResult {
  const metrics = Object.fromEntries(Array.from({ length: METRICS }, (_, k) => [`m${k}`, Math.random()]));
  return { ...longStep(step, tokens), metrics };
}

for (const tokens of [32, 100, 256]) {
  const directory = mkdtempSync(join(tmpdir(), 'medr1-bench-'));
  const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd', per_device_train_batch_size: 8 });
  const run = RunStore.create(directory, { id: 'x', name: 'x', parent: null, config, root: '', data_hash: '' });
  const written: number[] = [];
  for (let step = 1; step <= STEPS; step++) {
    run.commitStep(stepOf(step, tokens), run.dueRewards());
    const bytes = completionBytes(run.db, step);
    transaction(run.db, () => written.push(timed(() => sealStep(run.db, step, null, bytes))));
  }
  const start = performance.now();
  if (await firstDamage(run.db)) throw new Error('a sound run is said to be damaged');
  const checked = (performance.now() - start) / STEPS;
  console.log(`128 rollouts of ${tokens} tokens: written in ${median(written).toFixed(2)} ms, checked in ${checked.toFixed(2)} ms a step`);
  run[Symbol.dispose]();
  rmSync(directory, { recursive: true });
}
