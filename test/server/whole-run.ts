/** All of a run that must repeat, whatever stopped it on its way. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect } from 'vitest';
import type { Client } from '../../kernel-bridge/src/client/index.ts';
import { openRun } from '../../kernel-bridge/src/runs/runs.ts';

/** Metrics but for wall times, rollouts, revisions, checkpoints, and what the last checkpoint holds. */
export async function everythingOf(client: Client, id: string) {
  const { metrics, step } = await client.metrics(id);
  const { checkpoints } = await client.run(id);
  const untimed = Object.entries(metrics).filter(([name]) => !/^(time\/|step_time|rollouts_per_s)/.test(name));
  const last = checkpoints.at(-1)!;
  return {
    step,
    metrics: Object.fromEntries(untimed),
    groups: (await client.groups(id, { from: 1, limit: 1024 })).groups,
    revisions: (await client.rewards(id)).map((one) => ({ step: one.step, weights: one.weights, sources: one.sources })),
    last: last.step,
    tensors: tensorsOf(last.path),
  };
}

/** Weights and the optimiser's state, by file. */
function tensorsOf(checkpoint: string): Record<string, Buffer> {
  const files = readdirSync(checkpoint).filter((file) => file.endsWith('.safetensors'));
  expect(files.some((file) => /^(adapter_)?model\.safetensors$/.test(file))).toBe(true);
  return Object.fromEntries(files.map((file) => [file, readFileSync(join(checkpoint, file))]));
}

const TABLES = ['run', 'step', 'metric_name', 'metric', 'rollout_group', 'completion', 'reward_revision', 'checkpoint', 'command', 'event'];

/** All that a run says of itself: its rows, by table. A copy by `--report` has the same. */
export function rowsOf(home: string, id: string): Record<string, string[]> {
  using store = openRun(home, id);
  const rows = (name: string): string[] =>
    store.db
      .prepare(`SELECT * FROM ${name}`)
      .all()
      .map((row) => inspect(row))
      .sort();
  return Object.fromEntries(TABLES.map((name) => [name, rows(name)]));
}
