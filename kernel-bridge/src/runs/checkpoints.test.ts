import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeStep } from '../../../test/server/fake-trainer.ts';
import { newestValid, removeUnfinished, verifyCheckpoint, writeCheckpoint } from './checkpoints.ts';
import { completeConfig } from './config.ts';
import { forkRun } from './lineage.ts';
import { RunStore } from './store.ts';

let directory: string;
let store: RunStore;
const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd' });

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'medr1-checkpoints-'));
  store = RunStore.create(directory, { id: 'x', name: 'x', parent: null, config, root: '', data_hash: '' });
});
afterEach(() => {
  store[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});

interface Written {
  step: number;
  files: Record<string, { size: number; sha256: string }>;
}
function editManifest(dir: string, change: (manifest: Written) => unknown): void {
  const file = join(dir, 'manifest.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as Written;
  change(manifest);
  writeFileSync(file, JSON.stringify(manifest));
}

async function save(dir: string): Promise<void> {
  mkdirSync(join(dir, 'sub'), { recursive: true });
  writeFileSync(join(dir, 'model.safetensors'), 'weights');
  writeFileSync(join(dir, 'sub', 'state.json'), '{}');
}
async function stepAndSave(reason = 'periodic', pinned = false, keep = 2): Promise<void> {
  store.commitStep(fakeStep(store.step + 1));
  await writeCheckpoint(store, save, { reason, pinned, keep });
}

it('a checkpoint appears whole, with a manifest of every file', async () => {
  await stepAndSave();
  const [{ path, bytes }] = store.checkpoints();
  await verifyCheckpoint(path);
  expect(bytes).toBe('weights'.length + '{}'.length);
  expect(readdirSync(join(directory, 'checkpoints'))).toEqual(['step-000001']);
});

it('a save that fails leaves neither directory nor row', async () => {
  store.commitStep(fakeStep(1));
  const half = async (dir: string): Promise<void> => {
    await save(dir);
    throw new Error('disk full');
  };
  await expect(writeCheckpoint(store, half, { reason: 'periodic', pinned: false, keep: 2 })).rejects.toThrow('disk full');
  expect(readdirSync(join(directory, 'checkpoints'))).toEqual([]);
  expect(store.checkpoints()).toEqual([]);
});

it.each([
  ['a changed byte', (dir: string) => writeFileSync(join(dir, 'model.safetensors'), 'weightz'), /has other content/],
  ['a longer file', (dir: string) => appendFileSync(join(dir, 'model.safetensors'), '!'), /has 8 bytes, not 7/],
  ['a missing file', (dir: string) => rmSync(join(dir, 'sub', 'state.json')), /has 0 bytes, not 2/],
  ['a manifest without files', (dir: string) => editManifest(dir, (manifest) => (manifest.files = {})), /leaves out model.safetensors/],
  [
    'a manifest that leaves one out',
    (dir: string) => editManifest(dir, ({ files }) => delete files['model.safetensors']),
    /leaves out model.safetensors/,
  ],
  ['a manifest of another step', (dir: string) => editManifest(dir, (manifest) => (manifest.step = 1)), /is that of step 1/],
  ['a manifest that is null', (dir: string) => writeFileSync(join(dir, 'manifest.json'), 'null'), /names no files/],
  [
    'an optimiser missing from both',
    (dir: string) =>
      editManifest(dir, ({ files }) => {
        writeFileSync(join(dir, 'trainer_state.json'), '');
        files['trainer_state.json'] = { size: 0, sha256: '' };
      }),
    /has no optimizer.safetensors/,
  ],
  ['a missing manifest', (dir: string) => rmSync(join(dir, 'manifest.json')), /manifest.json is missing/],
])('%s is noticed, and the checkpoint before is taken', async (_, damage, message) => {
  await stepAndSave();
  await stepAndSave();
  damage(store.checkpointPath(2));
  const { checkpoint, damaged } = await newestValid(store);
  expect(checkpoint?.step).toBe(1);
  expect(damaged.map(String)).toEqual([expect.stringMatching(message)]);
});

it('keeps save_total_limit periodic ones, and every one that was asked for', async () => {
  await stepAndSave('requested', true);
  for (let i = 0; i < 4; i++) await stepAndSave();
  expect(store.checkpoints().map(({ step }) => step)).toEqual([1, 4, 5]);
  expect(existsSync(store.checkpointPath(3))).toBe(false);
});

it('one that a kill kept from removing older ones leaves no more of them at the end of the run', async () => {
  await stepAndSave();
  await stepAndSave();
  await stepAndSave('periodic', false, 3); // nothing is removed, as when the process dies right after
  await writeCheckpoint(store, save, { reason: 'final', pinned: true, keep: 2 });
  expect(store.checkpoints().map(({ step, pinned }) => [step, pinned])).toEqual([
    [2, false],
    [3, true],
  ]);
});

describe('metric_for_best_model', () => {
  /** Steps with an evaluation each, null where it gave no value; returns the steps whose checkpoints are left, and the best. */
  async function left(values: (number | null)[], changes: Record<string, unknown>, keep = 2): Promise<[number[], number | undefined]> {
    using run = RunStore.create(mkdtempSync(join(directory, 'run-')), {
      ...{ id: 'y', name: 'y', parent: null, root: '', data_hash: '' },
      config: completeConfig({ model_name_or_path: 'm', dataset_name: 'd', eval_steps: 1, dataset_test_split: 'test', ...changes }),
    });
    for (const [i, value] of values.entries()) {
      run.commitStep(fakeStep(i + 1));
      if (value !== null) run.addEvaluation({ eval_accuracy: value, eval_reward: -value });
      await writeCheckpoint(run, save, { reason: 'periodic', pinned: false, keep });
    }
    const { checkpoints } = run.detail();
    for (const { path } of checkpoints) await verifyCheckpoint(path);
    expect(readdirSync(join(run.directory, 'checkpoints'))).toHaveLength(checkpoints.length);
    return [checkpoints.map(({ step }) => step), checkpoints.find(({ best }) => best)?.step];
  }

  it.each<[string, (number | null)[], Record<string, unknown>, number, number[], number | undefined]>([
    ['is not set: the newest stay', [0.9, 0.1, 0.2, 0.3], {}, 2, [3, 4], undefined],
    ['the best stays beside the newest', [0.1, 0.9, 0.2, 0.3, 0.4], { metric_for_best_model: 'eval_accuracy' }, 2, [2, 5], 2],
    ['its prefix may be left out', [0.1, 0.9, 0.2, 0.3, 0.4], { metric_for_best_model: 'accuracy' }, 3, [2, 4, 5], 2],
    ['a best among the newest takes no further place', [0.1, 0.2, 0.9, 0.3], { metric_for_best_model: 'accuracy' }, 2, [3, 4], 3],
    ['with one place the newest stays too', [0.9, 0.2, 0.3], { metric_for_best_model: 'accuracy' }, 1, [1, 3], 1],
    ['of equals the first', [0.5, 0.5, 0.5], { metric_for_best_model: 'accuracy' }, 1, [1, 3], 1],
    ['less is better', [0.1, 0.9, 0.5, 0.6], { metric_for_best_model: 'accuracy', greater_is_better: false }, 2, [1, 4], 1],
    ['a step without a value has the one before', [0.9, null, 0.1, 0.2], { metric_for_best_model: 'accuracy' }, 1, [1, 4], 1],
    ['before any value the newest stay', [null, null, null], { metric_for_best_model: 'accuracy' }, 2, [2, 3], undefined],
  ])('%s', async (_, values, changes, keep, steps, best) => {
    expect(await left(values, changes, keep)).toEqual([steps, best]);
  });
});

it('asking for a checkpoint where a periodic one stands pins that one', async () => {
  await stepAndSave();
  await writeCheckpoint(store, () => Promise.reject(new Error('not again')), { reason: 'requested', pinned: true, keep: 2 });
  expect(store.checkpoints()).toMatchObject([{ step: 1, pinned: true, reason: 'requested' }]);
});

it('brings back no directory of a run that was removed', async () => {
  store.commitStep(fakeStep(1));
  renameSync(directory, `${directory}-trash`);
  await expect(writeCheckpoint(store, save, { reason: 'periodic', pinned: false, keep: 2 })).rejects.toThrow(/ENOENT/);
  expect(existsSync(directory)).toBe(false);
  renameSync(`${directory}-trash`, directory);
});

it('clears what a killed process left unfinished or half removed', async () => {
  await stepAndSave();
  mkdirSync(join(directory, 'checkpoints', 'step-000002.tmp-abcd'));
  mkdirSync(join(directory, 'checkpoints', 'step-000003')); // its row went first
  await removeUnfinished(store);
  expect(readdirSync(join(directory, 'checkpoints'))).toEqual(['step-000001']);
});

/** Rewards of its own are tried in a sandbox before a fork is made: time in which the run itself goes on. */
const REWARDS = { reward_funcs: ['accuracy', 'format'], reward_weights: [1, 0.5] };

it('one that its run removes while it is forked is unknown, not damaged', async () => {
  await stepAndSave();
  const forking = forkRun(directory, store, 1, REWARDS);
  store.removeCheckpoint(1);
  rmSync(store.checkpointPath(1), { recursive: true });
  await expect(forking).rejects.toMatchObject({ code: 'CHECKPOINT_UNKNOWN', http: 404 });
});

it('one that its run is rolled back before while it is forked is unknown: no fork begins from the model in its place', async () => {
  for (let step = 1; step <= 2; step++) await stepAndSave();
  const forking = forkRun(directory, store, 2, { max_steps: 9, ...REWARDS });
  store.dropAfter(1, { revisions: 'drop' });
  await expect(forking).rejects.toMatchObject({ code: 'CHECKPOINT_UNKNOWN', remedy: 'It has: 1.' });
  expect(readdirSync(join(directory, 'runs'))).toEqual([]);
});
