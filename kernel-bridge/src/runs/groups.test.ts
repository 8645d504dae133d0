import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeStep } from '../../../test/server/fake-trainer.ts';
import { completeConfig } from './config.ts';
import { eachGroup, readGroups, sampleGroups } from './groups.ts';
import { RunStore } from './store.ts';
import { tryRewards } from './try-rewards.ts';

let directory: string;
let store: RunStore;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'medr1-groups-'));
  const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd' });
  store = RunStore.create(directory, { id: 'x', name: 'x', parent: null, config, root: '/data', data_hash: 'h' }, 1000);
});
afterEach(() => {
  store[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});

const steps = (...sizes: number[]): void =>
  sizes.forEach((size, i) => store.commitStep({ ...fakeStep(i + 1, undefined, 1, size), step: i + 1 }));
const drawn = (from: number, to: number, most: number) =>
  sampleGroups(store.db, { from, to, most }).map(({ step, group }) => [step, group]);

describe('a sample of groups', () => {
  it('is all of them, in order, where they are few', () => {
    steps(2, 1);
    expect(drawn(1, 2, 10)).toEqual([
      [1, 0],
      [1, 1],
      [2, 0],
    ]);
  });

  it('has as many of each step as of any other, spread over its groups', () => {
    steps(9, 9, 9);
    expect(drawn(2, 3, 6)).toEqual([...[0, 3, 6].map((group) => [2, group]), ...[0, 3, 6].map((group) => [3, group])]);
  });

  it('is of the newest steps where there is not one for each', () => {
    steps(4, 4, 4);
    expect(drawn(1, 3, 2)).toEqual([
      [2, 0],
      [3, 0],
    ]);
  });
});

it('a try looks at the newest steps as much as at older ones', async () => {
  steps(...Array<number>(20).fill(40));
  const { groups, reports } = await tryRewards(store, { built_in: ['format'] });
  expect(groups).toHaveLength(640);
  expect([1, 20].map((step) => groups.filter((one) => one.step === step).length)).toEqual([32, 32]);
  expect(groups.filter(({ step }) => step === 20).at(-1)!.group).toBeGreaterThan(35);
  expect(reports[0].completions).toBe(640);
});

it('a try of earlier steps leaves newer ones out', async () => {
  steps(1, 1, 1);
  const { groups } = await tryRewards(store, { built_in: ['format'], steps: 2, to: 2 });
  expect(groups.map(({ step }) => step)).toEqual([1, 2]);
});

describe('groups that are read one by one', () => {
  beforeEach(() => [1, 2, 3].forEach((step) => store.commitStep(fakeStep(step, undefined, 3, 4))));

  it.each([
    { from: 1, to: 3, limit: 99, offset: 0 },
    { from: 2, to: 2, limit: 99, offset: 0 },
    { from: 1, to: 3, limit: 4, offset: 2 },
    { from: 1, to: 3, limit: 9, offset: 9 },
  ])('are those that are read at once: %j', (query) => {
    const groups = [...eachGroup(() => store, query)].map((group) => ({ ...group, completions: [...group.completions] }));
    expect(groups).toEqual(readGroups(store.db, query));
  });

  it.each(['groups', 'completions'])('end with an error where the run is rolled back between two %s', (between) => {
    const groups = eachGroup(() => store, { from: 1, to: 3, limit: 99, offset: 0 });
    const completions = groups.next().value!.completions[Symbol.iterator]();
    completions.next();
    store.dropAfter(2, { revisions: 'drop' });
    expect(() => (between === 'groups' ? groups : completions).next()).toThrow('cannot be read on');
  });
});

describe('the reading of stored groups', () => {
  const all = { from: 1, to: 9, limit: 9, offset: 0 };

  it('is the one that they were stored with', () => {
    const made = fakeStep(1, undefined, 1, 1);
    Object.assign(made.groups[0], { reading: 'tolerant' });
    store.commitStep(made);
    expect(readGroups(store.db, all)[0].reading).toBe('tolerant');
    expect(store.detail().reading).toBe('exact');
  });

  it.each([
    // text, prediction and verdict of versions before readings had names, then as accuracy rewards it
    ['A', null, 0, 'A', true],
    ['<answer>x y</answer><answer>A</answer>', 'A', 1, null, false],
    ['<answer> A </answer>', 'A', 1, 'A', true],
  ])('where it was stored without one, %j is read anew as the run counts', (text, before, was, prediction, correct) => {
    steps(1);
    store.db.prepare('UPDATE rollout_group SET reading = NULL').run();
    store.db.prepare('UPDATE completion SET text = ?, prediction = ?, correct = ?').run(text, before, was);
    const [group] = readGroups(store.db, all);
    expect(group.reading).toBe('exact');
    expect(group.completions[0]).toMatchObject({ prediction, correct });
  });

  it('a run of before gets the column when it is opened', () => {
    steps(1);
    store.db.exec('ALTER TABLE rollout_group DROP COLUMN reading');
    store[Symbol.dispose]();
    store = RunStore.open(directory);
    expect(readGroups(store.db, all)[0]).toMatchObject({ reading: 'exact', completions: [{ prediction: 'A', correct: true }] });
  });
});
