import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import type { Completion, Group, RewardReport } from '../connector.ts';
import { FollowedRun } from '../store/followed-run.ts';
import {
  draftOf,
  draftTo,
  editOf,
  freshName,
  idleSince,
  isDirty,
  listed,
  preview,
  readsOf,
  scoredGroups,
  stepsOf,
  toTry,
  valuesOf,
  varianceShares,
  type Scored,
} from './model.ts';
import { TEMPLATE } from './source.ts';
import { rewardChanges, rewardMark } from '../store/marks.ts';

/** A group of completions with these raw rewards. */
function group(...rewards: Record<string, number | null>[]): Group {
  return { completions: rewards.map((one, index) => ({ index, rewards: one }) as Completion) } as Group;
}
const mixed = group({ accuracy: 1, format: 1 }, { accuracy: 0, format: 1 });
const formatOnly = group({ accuracy: 0, format: 1 }, { accuracy: 0, format: 0 });
const flat = group({ accuracy: 1, format: 1 }, { accuracy: 1, format: 1 });

describe('preview', () => {
  it('counts groups that gain or lose their gradient', () => {
    expect(preview([mixed, formatOnly, flat], { accuracy: 1, format: 1 }, { accuracy: 1, format: 0 })).toMatchObject({
      teachingBefore: 2,
      teachingAfter: 1,
      gained: 0,
      lost: 1,
    });
    expect(preview([formatOnly], { accuracy: 1, format: 0 }, { accuracy: 1, format: 1 })).toMatchObject({ gained: 1, lost: 0 });
  });

  it('counts completions whose advantage changes sign', () => {
    const torn = group({ accuracy: 1, format: 0 }, { accuracy: 0, format: 1 });
    expect(preview([torn], { accuracy: 2, format: 1 }, { accuracy: 1, format: 2 }).flipped).toBe(2);
    expect(preview([torn], { accuracy: 2, format: 1 }, { accuracy: 4, format: 1 }).flipped).toBe(0);
  });

  it('a reward that does not apply adds nothing to the mean', () => {
    expect(
      preview([group({ accuracy: null, format: 1 }, { accuracy: 1, format: 1 })], { accuracy: 1, format: 1 }, { accuracy: 1, format: 0.5 }),
    ).toMatchObject({
      meanBefore: 1.5,
      meanAfter: 1,
    });
  });
});

it('advantages are over the standard deviation where they are scaled', () => {
  const weights = { accuracy: 1 };
  expect(preview([mixed], weights, weights, [mixed], false).advantages.before).toEqual([0.5, -0.5]);
  expect(preview([mixed], weights, weights).advantages.before[0]).toBeCloseTo(0.5 / (Math.SQRT1_2 + 1e-4), 9);
});

it('values of a function leave out those that do not apply, and it counts those it failed on', () => {
  const groups = [group({ mine: null, accuracy: 1 }, { mine: 2, accuracy: 0 }), group({ accuracy: 1 })];
  const [mine, accuracy] = valuesOf(['mine', 'accuracy'], groups, [{ name: 'mine', failed: 4, failing: 1 } as RewardReport]);
  expect(mine).toEqual({ name: 'mine', values: [2], notApplicable: 1, failed: 4, failing: 1 });
  expect(accuracy).toEqual({ name: 'accuracy', values: [1, 0, 1], notApplicable: 0, failed: 0, failing: null });
});

it('a revision counts until the next one, and not at all where that came at once', () => {
  const revisions = [{ step: 1 }, { step: 4 }, { step: 4 }, { step: 9 }, { step: null }];
  expect(revisions.map((_, at) => stepsOf(revisions, at))).toEqual([
    { from: 1, to: 3 },
    null,
    { from: 4, to: 8 },
    { from: 9, to: null },
    null,
  ]);
});

it('shares of variance follow the squared weight', () => {
  const shares = varianceShares([mixed, formatOnly], { accuracy: 2, format: 1 });
  expect(shares.accuracy).toBeCloseTo(0.8, 9);
  expect(shares.format).toBeCloseTo(0.2, 9);
  expect(varianceShares([flat], { accuracy: 1, format: 1 })).toEqual({});
});

it('a reward is saturated once its spread has been gone for 20 steps', async () => {
  const load = async (steps: number) => {
    const run = new FollowedRun(new FakeConnector({ runs: [{ id: 'a', steps }] }), 'a');
    await run.load();
    return idleSince(run, 'format');
  };
  expect(await load(125)).toBeNull();
  expect(await load(140)).toEqual({ why: 'saturated', since: 111 });
});

it('a reward that applied to no completion for 20 steps is not called saturated', async () => {
  const run = new FollowedRun(new FakeConnector({ runs: [{ id: 'a', steps: 60 }] }), 'a');
  await run.load();
  for (const column of ['mean', 'std'])
    run.metrics.set(
      `rewards/mine/${column}`,
      run.steps.map((step) => (step < 30 ? 0.4 : null)),
    );
  expect(idleSince(run, 'mine')).toEqual({ why: 'not applicable', since: 30 });
});

describe('a draft of functions', () => {
  const source = (text: string) => ({ file: 'mine.ts', source: text, sha256: text });
  const current = { weights: { accuracy: 1, mine: 0.5 }, sources: { mine: source('old') } };

  it('is dirty by a weight, a function or a source', () => {
    expect(isDirty(draftOf(current), current)).toBe(false);
    expect(isDirty({ weights: { accuracy: 1, mine: 0.4 }, files: {} }, current)).toBe(true);
    expect(isDirty({ weights: { accuracy: 1 }, files: {} }, current)).toBe(true);
    expect(isDirty({ weights: current.weights, files: { mine: source('new') } }, current)).toBe(true);
  });

  it('asks the backend for what is stored nowhere: new sources and built-in functions', () => {
    expect(toTry({ weights: { accuracy: 2, mine: 1 }, files: {} }, current)).toBeNull();
    expect(toTry({ weights: { accuracy: 1, mine: 1, format: 1 }, files: { mine: source('new') } }, current)).toEqual({
      files: { 'mine.ts': 'new' },
      built_in: ['format'],
    });
  });

  it('sends sources and what is left out only where there are any', () => {
    expect(editOf(draftOf(current), current)).toEqual({ weights: current.weights });
    expect(editOf({ weights: { mine: 1 }, files: { mine: source('new') } }, current)).toEqual({
      weights: { mine: 1 },
      files: { 'mine.ts': 'new' },
      remove: ['accuracy'],
    });
  });

  it('goes back to an older revision, its sources too', () =>
    expect(draftTo({ weights: { mine: 1 }, sources: { mine: source('first') } }, current)).toEqual({
      weights: { mine: 1 },
      files: { mine: { file: source('first').file, source: 'first' } },
    }));

  it('says what changed', () =>
    expect(rewardChanges(current, { weights: { mine: 1, format: 0.2 }, sources: { mine: source('new') } })).toEqual([
      'mine 0.5 → 1',
      'mine: new source',
      'format added, 0.2',
      'accuracy removed',
    ]));

  it('says how parameters, schedules and settings changed, and titles a mark of settings alone so', () => {
    const moves = { schedule: 'linear', from: 1, to: 0, start: 3, end: 9 } as const;
    const before = {
      weights: { mine: 1, length_band: 1 },
      sources: {},
      parameters: {},
      weight_schedules: {},
      settings: { beta: 0.04, delta: null } as never,
    };
    const after = {
      ...before,
      parameters: { length_band: { low: 40 } },
      weight_schedules: { mine: moves },
      settings: { beta: 0.02, delta: 2 } as never,
    };
    expect(rewardChanges(before, after)).toEqual([
      'mine: 1 → 0 over steps 3 to 9 (linear)',
      'length_band low default → 40',
      'beta 0.04 → 0.02',
      'delta none → 2',
    ]);
    expect(rewardChanges(after, before)[0]).toBe('mine 1 → 0 over steps 3 to 9 (linear) → 1');
    const revision = { ...before, settings: after.settings, revision: 2, step: 7, reason: 'KL climbs', author: '', created_at: 0 };
    expect(rewardMark(revision, before)).toMatchObject({
      title: 'Settings, revision 2',
      detail: 'beta 0.04 → 0.02, delta none → 2. KL climbs',
    });
    expect(rewardMark({ ...revision, weights: { mine: 2, length_band: 1 } }, before).title).toBe('Rewards, revision 2');
  });

  it('previews with the values that were tried, in place of what a function gave before', () => {
    const { stored, tried } = scoredGroups({
      reports: [{ name: 'mine' } as RewardReport],
      groups: [
        { step: 3, group: 1, stored: { accuracy: [1, 0], mine: [9, 9] }, rewards: { mine: [0, 2] }, failing: {} },
        { step: 4, group: 0, stored: { accuracy: [1, 1], mine: [9, 9] }, rewards: {}, failing: {} },
        { step: 5, group: 0, stored: { accuracy: [1, 1], mine: [9, 9] }, rewards: { mine: [null, 4] }, failing: { mine: [0] } },
      ],
    });
    expect(valuesOf(['accuracy', 'mine'], tried)).toMatchObject([
      { values: [1, 0, 1, 1, 1, 1], notApplicable: 0 },
      { values: [0, 2, 4], notApplicable: 0 },
    ]);
    expect(valuesOf(['mine'], stored)).toMatchObject([{ values: [9, 9, 9, 9, 9, 9] }]);
    expect(preview(stored.slice(0, 1), { accuracy: 1 }, { accuracy: 1, mine: 1 }, tried.slice(0, 1))).toMatchObject({
      meanBefore: 0.5,
      meanAfter: 1.5,
      flipped: 2,
    });
  });

  it('gets a name that is not taken', () => expect(freshName(['my_reward', 'my_reward_2'])).toBe('my_reward_3'));
});

describe('completions by the value that they got', () => {
  const groups: Scored[] = [
    { step: 4, group: 0, completions: [{ rewards: { mine: 2 } }, { rewards: { mine: null } }, { rewards: { mine: -1 } }] },
    { step: 3, group: 5, completions: [{ rewards: { mine: 2 } }, { rewards: {} }] },
  ];
  const reads = readsOf(groups, ({ completions }) => completions.map(({ rewards }) => rewards.mine));

  it('keep their place, and leave out what has no value', () =>
    expect(reads).toEqual([
      { step: 4, group: 0, completion: 0, value: 2 },
      { step: 4, group: 0, completion: 2, value: -1 },
      { step: 3, group: 5, completion: 0, value: 2 },
    ]));

  it('are listed from the lowest, equal ones by step', () =>
    expect(listed(reads, (value) => value !== 0).map(({ step, value }) => [step, value])).toEqual([
      [4, -1],
      [3, 2],
      [4, 2],
    ]));
});

it('a preview tells the mean reward of each step, as it was and as it would be', () => {
  const at = (step: number, ...accuracy: number[]) => ({
    step,
    group: 0,
    completions: accuracy.map((one) => ({ rewards: { accuracy: one } })),
  });
  expect(preview([at(9, 1, 1), at(8, 0, 1), at(9, 0, 0)], { accuracy: 1 }, { accuracy: 3 }).steps).toEqual([
    { step: 8, before: 0.5, after: 1.5 },
    { step: 9, before: 0.5, after: 1.5 },
  ]);
});

it('the function that is begun with names all that a function gets, as the guide does', () => {
  const guide = readFileSync(join(import.meta.dirname, '../../../docs/guides/rewards.md'), 'utf8');
  const [told] = /## What it gets[\s\S]*?(?=\n## )/.exec(guide)!;
  const rows = told.split('\n').filter((line) => line.startsWith('| `'));
  const names = rows.flatMap((line) => [...line.split('|')[1].matchAll(/`(\w+)`/g)].map(([, name]) => name));
  const [context] = /interface Context \{[\s\S]*?\n\}/.exec(TEMPLATE)!;
  expect([...context.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name)).toEqual(names);
});
