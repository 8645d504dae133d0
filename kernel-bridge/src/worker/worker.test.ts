import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { makeTiny, type Tiny } from '../rl/testing/tiny.ts';
import type { CreateTrainer } from '../rl/types.ts';
import { writeCheckpoint } from '../runs/checkpoints.ts';
import { RunStore } from '../runs/store.ts';
import { writeSafetensors } from '../torch/index.ts';
import { ALWAYS } from './turn.ts';
import { runWorker } from './worker.ts';

let tiny: Tiny;
beforeAll(async () => void (tiny = await makeTiny()));
afterAll(() => tiny[Symbol.asyncDispose]());

/** A run of its own in a worker whose trainer is this function. */
async function worked(directory: string, createTrainer: CreateTrainer) {
  return await runWorker({
    directory,
    home: directory,
    createTrainer,
    loadItems: async () => ({ root: tiny.directory, items: tiny.items, left_out: 0, hash: 'tiny' }),
    committed: () => {},
    log: () => {},
    signal: new AbortController().signal,
    nudge: async () => {},
    turn: ALWAYS,
    answerAsked: async () => {},
  });
}
let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'medr1-worker-'))));
afterEach(() => rmSync(directory, { recursive: true }));

const newRun = (): RunStore =>
  RunStore.create(directory, {
    id: 'r',
    name: 'r',
    parent: null,
    config: tiny.config({ max_steps: 3 }),
    root: tiny.directory,
    data_hash: 'tiny',
  });

it('waits five minutes for a database that another program holds, others ten seconds', async () => {
  using control = newRun();
  const open = vi.spyOn(RunStore, 'open');
  const patience = ({ db }: RunStore): unknown => db.prepare('PRAGMA busy_timeout').get();
  const seen: unknown[] = [];
  const state = await worked(directory, async () => {
    seen.push(patience(open.mock.results[0].value as RunStore), patience(control));
    throw new Error('this test needs no trainer');
  });
  expect([state, ...seen]).toEqual(['failed', { timeout: 300_000 }, { timeout: 10_000 }]);
  open.mockRestore();
});

const STATE = { format: 1, step: 2, cursor: 4, num_tokens: 9, config: { model_name_or_path: 'm' } };

it.each([
  ['a state that is no JSON', { 'trainer_state.json': '{"step": ' }, /no JSON/],
  ['a state that is null', { 'trainer_state.json': 'null' }, /format undefined/],
  ['a state of another kind', { 'trainer_state.json': '{"format": 1}' }, /trainer_state.json.*step/],
  ['a count that is none', { 'trainer_state.json': JSON.stringify({ ...STATE, cursor: 'x' }) }, /cursor/],
  ['moments that are no tensors', { 'optimizer.safetensors': 'x'.repeat(100) }, /optimizer.safetensors/],
])('a checkpoint is passed over whose digests hold and which has %s', async (_, changed, message) => {
  using run = newRun();
  for (const step of [1, 2]) {
    run.commitStep({ step, metrics: {}, groups: [] });
    const files: Record<string, string> = {
      'trainer_state.json': JSON.stringify({ ...STATE, step }),
      ...(step === 2 && changed),
    };
    const save = async (dir: string): Promise<void> => {
      mkdirSync(dir);
      writeSafetensors(join(dir, 'optimizer.safetensors'), new Map());
      for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content);
    };
    await writeCheckpoint(run, save, { reason: 'periodic', pinned: false, keep: null });
  }
  const from: unknown[] = [];
  await worked(directory, async ({ resumeFrom }) => {
    from.push(resumeFrom);
    throw new Error('this test needs no trainer');
  });
  expect(from).toEqual([run.checkpointPath(1)]);
  const told = run.events(0).map((event) => JSON.stringify(event));
  expect(told.filter((one) => one.includes('CHECKPOINT_DAMAGED'))).toEqual([expect.stringMatching(message)]);
});
