/** The log of a real training by TRL's GRPOTrainer, made into a run: its curves are the log's, and its rollouts give the advantages that TRL computed. */
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { importRun } from '../../kernel-bridge/src/runs/import.ts';
import { readGroups } from '../../kernel-bridge/src/runs/groups.ts';
import { readMetrics } from '../../kernel-bridge/src/runs/metrics.ts';
import type { RunStore } from '../../kernel-bridge/src/runs/store.ts';
import { verifyRun } from '../../kernel-bridge/src/runs/verify.ts';
import { makeTiny, type Tiny } from '../../kernel-bridge/src/rl/testing/tiny.ts';

type Row = Record<string, number> & { step: number };

let tiny: Tiny;
let output: string;
let run: RunStore;
let log: Row[];
beforeAll(async () => {
  tiny = await makeTiny();
  output = join(tiny.directory, 'output');
  const root = join(import.meta.dirname, '..', '..');
  execFileSync(join(root, '.venv/bin/python'), [join(import.meta.dirname, 'python/trl_log.py'), tiny.model, output], { stdio: 'ignore' });
  log = (JSON.parse(readFileSync(join(output, 'checkpoint-6/trainer_state.json'), 'utf8')) as { log_history: Row[] }).log_history;
  run = await importRun(join(tiny.directory, 'home'), output);
}, 300_000);
afterAll(async () => {
  run[Symbol.dispose]();
  await tiny[Symbol.asyncDispose]();
});

it('has every value of the log at its step, under its name', () => {
  const { step, metrics } = readMetrics(run.db, {});
  expect(step).toEqual([1, 2, 3, 4, 5, 6]);
  const values = log.flatMap(({ step: at, ...row }) => Object.entries(row).map(([name, value]) => [at, name, value] as const));
  expect(values.length).toBeGreaterThan(200);
  for (const [at, name, value] of values) expect(metrics[name][at - 1], `${name} of step ${at}`).toBe(value);
});

it('is a finished run whose digests hold, and says what it lacks', async () => {
  const { state, step, total_steps, imported } = run.summary();
  expect([state, step, total_steps]).toEqual(['finished', 6, 6]);
  expect(imported!.weights).toEqual({ length: 1, says_a: 1 });
  expect(imported!.lacks.join(' ')).toContain(
    'Completions of 3 steps (2, 4, 6) were left out: the evaluation at the same step wrote over them.',
  );
  expect(await verifyRun(run)).toMatchObject({ digests: true, steps: 6 });
});

it('has the rollouts of the steps whose tables are of training, in groups that give the advantages of TRL', () => {
  const groups = readGroups(run.db, { from: 1, to: 6, limit: 100, offset: 0 });
  expect(groups.map(({ step, group }) => [step, group])).toEqual([1, 3, 5].flatMap((step) => [0, 1].map((group) => [step, group])));
  for (const { step, prompt, completions, reward_mean, reward_std } of groups) {
    expect(prompt).toMatch(/^(it|is|A|B) (it|is|A|B)$/);
    expect(completions).toHaveLength(2);
    for (const { text, reward, rewards, advantage } of completions) {
      expect(rewards.says_a, text).toBe(Number(text.includes('A')));
      expect(reward).toBe(rewards.length! + rewards.says_a!);
      expect(advantage, `step ${step}`).toBeCloseTo((reward! - reward_mean!) / (reward_std! + 1e-4), 5);
    }
  }
});

it('reads the log of the middle from a checkpoint that was copied elsewhere', async () => {
  const elsewhere = join(tiny.directory, 'elsewhere');
  cpSync(join(output, 'checkpoint-3'), elsewhere, { recursive: true });
  using part = await importRun(join(tiny.directory, 'home'), elsewhere);
  expect(part.summary()).toMatchObject({ step: 3, total_steps: 6 });
  expect(part.summary().imported!.lacks).toContain('Completions.');
});
