import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeStep } from '../../../test/server/fake-trainer.ts';
import type { StepResult } from '../protocol/step.ts';
import { RolloutAnswers } from './answers.ts';
import { completeConfig } from './config.ts';
import { newRunId, runDirectory } from './home.ts';
import { RunStore } from './store.ts';

let home: string;
let root: string;
let store: RunStore;
let id: string;
const dataset = () => ({ name: 'indexed', root });

function makeRun(at = root): RunStore {
  id = newRunId();
  mkdirSync(runDirectory(home, id), { recursive: true });
  const config = completeConfig({ model_name_or_path: 'm', dataset_name: at, variant: 'no-think' });
  return RunStore.create(runDirectory(home, id), { id, name: 'mine', parent: null, config, root: at, data_hash: '' });
}

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'medr1-answers-'));
  root = join(home, 'data');
  mkdirSync(root);
  store = makeRun();
});
afterEach(() => {
  store[Symbol.dispose]();
  rmSync(home, { recursive: true });
});

/** Step with group g answering item-g; `right[g]` completions of four are. */
function step(number: number, right: (number | null)[]): StepResult {
  const made = fakeStep(number, undefined, 4, right.length);
  made.groups.forEach((group, g) =>
    group.completions.forEach((completion, i) => Object.assign(completion, { correct: right[g] === null ? null : i < right[g] })),
  );
  return made;
}

it('a question is right, wrong or mixed by its newest group', () => {
  const answers = new RolloutAnswers(home);
  expect([...answers.newest(id, dataset()).byItem]).toEqual([]);
  store.commitStep(step(1, [4, 0, 2, null]));
  const first = answers.newest(id, dataset());
  expect([...first.byItem]).toEqual([
    ['item-0', 'right'],
    ['item-1', 'wrong'],
    ['item-2', 'mixed'],
  ]);
  store.commitStep(step(2, [0]));
  const second = answers.newest(id, dataset());
  expect(second.stamp).not.toBe(first.stamp);
  expect(second.byItem.get('item-0')).toBe('wrong');
  expect([second.steps.get('item-0'), second.steps.get('item-1')]).toEqual([2, 1]);
  expect(new RolloutAnswers(home).newest(id, dataset()).byItem).toEqual(second.byItem);
});

describe('a fork', () => {
  /** A fork at `at` of a copy of the store, with another variant. */
  function fork(of: RunStore, at: number, name: string): RunStore {
    const made = newRunId();
    mkdirSync(runDirectory(home, made), { recursive: true });
    of.db.prepare('VACUUM INTO ?').run(join(runDirectory(home, made), 'run.db'));
    const child = RunStore.open(runDirectory(home, made));
    const { id: parent, config } = of.row();
    child.becomeFork({ id: made, name, parent, config: { ...config, variant: 'think' }, request_id: null, total_steps: 0 }, at, {
      rewards: null,
      settings: {},
    });
    return child;
  }

  it('counts its own answers alone, and tells whose the others are', () => {
    store.commitStep(step(1, [4, 0]));
    store.commitStep(step(2, [4, 0]));
    using child = fork(store, 2, 'child');
    const answers = new RolloutAnswers(home);
    const { id: forked } = child.row();
    expect(answers.newest(forked, dataset()).byItem.size).toBe(0);
    child.commitStep(step(3, [0]));
    expect([...answers.newest(forked, dataset()).byItem]).toEqual([['item-0', 'wrong']]);
    const told = answers.toItem('item-0', dataset(), [forked]);
    expect(told.map(({ step, variant, sampled_by }) => [step, variant, sampled_by?.name ?? null])).toEqual([
      [3, 'think', null],
      [2, 'no-think', 'mine'],
      [1, 'no-think', 'mine'],
    ]);
  });

  it('does not tell again what the run it came from tells', () => {
    store.commitStep(step(1, [4]));
    using child = fork(store, 1, 'child');
    child.commitStep(step(2, [4]));
    const told = new RolloutAnswers(home).toItem('item-0', dataset());
    expect(told.map(({ run_name, step, sampled_by }) => [run_name, step, sampled_by])).toEqual(
      expect.arrayContaining([
        ['child', 2, null],
        ['mine', 1, null],
      ]),
    );
    expect(told).toHaveLength(2);
  });

  it('of a fork keeps every run that trained a part of its history', () => {
    for (let n = 1; n <= 4; n++) store.commitStep(step(n, [4]));
    using child = fork(store, 2, 'child');
    child.commitStep(step(3, [4]));
    using grandchild = fork(child, 3, 'grandchild');
    expect(grandchild.row().inherited.map(({ name, variant, to }) => [name, variant, to])).toEqual([
      ['mine', 'no-think', 2],
      ['child', 'think', 3],
    ]);
    using early = fork(grandchild, 1, 'early');
    expect(early.row().inherited.map(({ name, to }) => [name, to])).toEqual([['mine', 1]]);
  });

  it('raises no alert: nothing of its parent was dropped', () => {
    for (let n = 1; n <= 3; n++) store.commitStep(step(n, [4]));
    using child = fork(store, 2, 'child');
    expect(child.summary().alert).toBeNull();
    expect(child.events(0).filter(({ kind }) => kind === 'alert')).toEqual([]);
  });

  it('made before this was kept knows at least where it left its parent', () => {
    store.commitStep(step(1, [4]));
    using child = fork(store, 1, 'child');
    child.db.exec("UPDATE run SET inherited = '[]'");
    const { created_at } = child.row();
    child.append(1, { kind: 'alert', code: 'STEPS_DROPPED', message: '', remedy: '' }, created_at);
    expect(child.row().inherited).toEqual([{ run: id, name: id, variant: null, to: 1 }]);
  });
});

it('steps that were dropped are forgotten', () => {
  const answers = new RolloutAnswers(home);
  store.commitStep(step(1, [4]));
  store.commitStep(step(2, [0]));
  expect(answers.newest(id, dataset()).byItem.get('item-0')).toBe('wrong');
  store.dropAfter(1, { revisions: 'drop' });
  expect(answers.newest(id, dataset()).byItem.get('item-0')).toBe('right');
});

it('only runs on the same data count: by name, by folder, or by a link to it', () => {
  const answers = new RolloutAnswers(home);
  store.commitStep(step(1, [4]));
  expect(answers.newest(id, { name: 'other', root: join(home, 'elsewhere') }).byItem.size).toBe(0);
  expect(answers.newest(id, { name: root, root: join(home, 'elsewhere') }).byItem.size).toBe(1);
  symlinkSync(root, join(home, 'link'));
  expect(answers.newest(id, { name: 'linked', root: join(home, 'link') }).byItem.size).toBe(1);
  expect(answers.toItem('item-0', { name: 'other', root: home })).toEqual([]);
});

it('tells what every run said to a question, each newest first', () => {
  store.commitStep(step(1, [4]));
  store.commitStep(step(2, [1]));
  const first = id;
  const other = makeRun();
  other.commitStep(step(1, [0]));
  other[Symbol.dispose]();
  const answers = new RolloutAnswers(home);
  const all = answers.toItem('item-0', dataset());
  expect(all.map(({ run, step }) => [run === first, step]).toSorted()).toEqual([
    [false, 1],
    [true, 1],
    [true, 2],
  ]);
  const mine = answers.toItem('item-0', dataset(), [first]);
  expect(mine.map((each) => each.step)).toEqual([2, 1]);
  expect(mine[0]).toMatchObject({ run: first, run_name: 'mine', variant: 'no-think', source: 'rollouts', group: 0 });
  expect(mine[0].completions.map(({ correct }) => correct)).toEqual([true, false, false, false]);
  expect(mine[0].completions[0]).toMatchObject({ text: '<think> step 2 </think> <answer> A </answer>', prediction: 'A' });
  expect(answers.toItem('item-7', dataset())).toEqual([]);
});

it('a run that is none is named where it was asked for', () => {
  const answers = new RolloutAnswers(home);
  expect(() => answers.newest('20260101-000000-aaaa', dataset())).toThrow(/no run/);
  expect(() => answers.toItem('item-0', dataset(), ['20260101-000000-aaaa'])).toThrow(/no run/);
});

it('answers stored before readings had names count as the run counts', () => {
  store.commitStep(step(1, [4, 4]));
  store.db.prepare('UPDATE rollout_group SET reading = NULL').run();
  store.db.prepare(`UPDATE completion SET text = 'A', prediction = NULL, correct = 0 WHERE "group" = 0`).run();
  store.db.prepare(`UPDATE completion SET text = '<answer>no, A</answer>' WHERE "group" = 1`).run();
  const answers = new RolloutAnswers(home);
  expect([...answers.newest(id, dataset()).byItem]).toEqual([
    ['item-0', 'right'],
    ['item-1', 'wrong'],
  ]);
  const told = ['item-0', 'item-1'].map((item) => answers.toItem(item, dataset(), [id])[0]);
  expect(told.map(({ reading, think_open }) => [reading, think_open])).toEqual([
    ['exact', false],
    ['exact', false],
  ]);
  expect(told.map(({ completions }) => completions[0])).toEqual([
    { text: 'A', prediction: 'A', correct: true },
    { text: '<answer>no, A</answer>', prediction: null, correct: false },
  ]);
});
