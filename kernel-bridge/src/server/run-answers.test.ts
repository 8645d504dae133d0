import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fakeStep } from '../../../test/server/fake-trainer.ts';
import { evalDirectory } from '../evals/evals.ts';
import { madeItem, madeSettings, madeStore } from '../evals/fixtures.ts';
import { completeConfig } from '../runs/config.ts';
import { newRunId, runDirectory } from '../runs/home.ts';
import { RunStore } from '../runs/store.ts';
import { answersOfRuns } from './run-answers.ts';

let home: string;
let run: string;
const dataset = { name: 'made', root: '/data' };
let evals = 0;

/** A run that answered item-0 right at step 1 and item-1 at step 2. */
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'medr1-run-answers-'));
  run = newRunId();
  mkdirSync(runDirectory(home, run), { recursive: true });
  const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'made' });
  using store = RunStore.create(runDirectory(home, run), { id: run, name: 'mine', parent: null, config, root: '/data', data_hash: '' });
  for (const step of [1, 2]) {
    const made = fakeStep(step, undefined, 2, 1);
    made.groups[0].item_id = `item-${step - 1}`;
    store.commitStep(made);
  }
});
afterEach(() => rmSync(home, { recursive: true }));

/** An evaluation of the run's checkpoint at `step`; the right answer is A. */
function evaluate(step: number, letters: (string | null)[], changes: Partial<ReturnType<typeof madeSettings>> = {}): void {
  const id = `20260101-00000${++evals}-aaaa`;
  mkdirSync(evalDirectory(home, id), { recursive: true });
  const items = letters.map((_, i) => madeItem(`item-${i}`));
  const settings = madeSettings({ run, step, ...changes });
  madeStore(evalDirectory(home, id), items, letters, { id, settings, run_name: 'mine' })[Symbol.dispose]();
}

it('the latest of groups and evaluations counts', () => {
  const said = answersOfRuns(home);
  const answers = () => Object.fromEntries(said.outcomes(run, dataset).byItem);
  expect(answers()).toEqual({ 'item-0': 'right', 'item-1': 'right' });
  const before = said.outcomes(run, dataset).stamp;
  evaluate(1, ['B', 'B', null, 'A']);
  expect(answers()).toEqual({ 'item-0': 'wrong', 'item-1': 'right', 'item-2': 'wrong', 'item-3': 'right' });
  expect(said.outcomes(run, dataset).stamp).not.toBe(before);
  evaluate(2, ['A', 'B']);
  expect(answers()).toEqual({ 'item-0': 'right', 'item-1': 'wrong', 'item-2': 'wrong', 'item-3': 'right' });
});

it('evaluations of other data or of no run do not', () => {
  evaluate(2, ['B', 'B'], { root: '/elsewhere' });
  evaluate(2, ['B', 'B'], { run: null, step: null });
  expect([...answersOfRuns(home).outcomes(run, dataset).byItem.values()]).toEqual(['right', 'right']);
});

it('a question has what was said in training and in evaluations, the latest first', () => {
  evaluate(2, ['B']);
  const said = answersOfRuns(home).toItem('item-0', dataset, [run]);
  expect(said.map(({ source, step }) => [source, step])).toEqual([
    ['evaluation', 2],
    ['rollouts', 1],
  ]);
});
