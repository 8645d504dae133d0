import { describe, expect, it, vi } from 'vitest';
import type { Completion } from '../../connector.ts';
import { FakeConnector } from '../../../testing/fake-connector.ts';
import type { Group } from '../../connector.ts';
import { RolloutsModel, alike, goldText, partsAt, visibleGroups } from './model.ts';

const fake = new FakeConnector({ runs: [{ id: 'a', steps: 50 }] });
const made = fake.groupsOf({ id: 'a' }, 10, 12);
const base = { groups: made, sort: 'order' as const, shown: 'all' as const, modality: null, type: null, search: '' };
const rights = (groups: Group[]) => groups.map(({ completions }) => completions.filter(({ correct }) => correct).length);

describe('visibleGroups', () => {
  it('mixed groups are those with right and wrong answers', () => {
    const mixed = visibleGroups({ ...base, shown: 'mixed' });
    expect(mixed.length).toBeGreaterThan(0);
    for (const count of rights(mixed)) expect(count > 0 && count < 8).toBe(true);
  });

  it('every group is in exactly one of all right, all wrong and mixed', () => {
    const sizes = (['right', 'wrong', 'mixed'] as const).map((shown) => visibleGroups({ ...base, shown }).length);
    expect(sizes.reduce((a, b) => a + b)).toBe(made.length);
  });

  it('a spread that is left of rounding is none', () => {
    const groups = [
      { ...made[0], reward_std: 4.75e-16 },
      { ...made[1], reward_std: 0.01 },
    ];
    expect(visibleGroups({ ...base, groups, shown: 'flat' })).toEqual([groups[0]]);
  });

  it('sorts by reward spread, widest first', () => {
    const spreads = visibleGroups({ ...base, sort: 'spread' }).map(({ reward_std }) => reward_std!);
    expect(spreads).toEqual([...spreads].sort((a, b) => b - a));
  });

  it('sorts by advantage spread, which a spread of rewards without scaling and one with it tell apart', () => {
    const gap = ({ completions }: Group): number => {
      const advantages = completions.map(({ advantage }) => advantage!);
      return Math.max(...advantages) - Math.min(...advantages);
    };
    const gaps = visibleGroups({ ...base, sort: 'advantage' }).map(gap);
    expect(gaps).toEqual([...gaps].sort((a, b) => b - a));
    expect(gaps[0]).toBeGreaterThan(gaps.at(-1)!);
  });

  it.each([
    ['cut', { finish_reason: 'length' }],
    ['unread', { prediction: null }],
    ['stray', { text: 'so <think>a</think> <answer> C </answer>' }],
  ] as const)('flag %s: groups with such a completion', (shown, change) => {
    const clean = made.map((group) => ({
      ...group,
      completions: group.completions.map((one) => ({
        ...one,
        finish_reason: 'stop',
        prediction: 'C',
        text: '<think>a</think> <answer> C </answer>',
      })),
    }));
    expect(visibleGroups({ ...base, groups: clean, shown })).toEqual([]);
    Object.assign(clean[4].completions[2], change);
    expect(visibleGroups({ ...base, groups: clean, shown })).toEqual([clean[4]]);
  });

  it('searches in questions and completions, all words, any case', () => {
    expect(visibleGroups({ ...base, search: 'ABNORMALITY colour' })).toHaveLength(12);
    expect(visibleGroups({ ...base, search: 'abnormality nowhere-said' })).toHaveLength(0);
  });

  it('keeps a modality', () => {
    const kept = visibleGroups({ ...base, modality: 'Dermoscopy' });
    expect(new Set(kept.map(({ modality }) => modality))).toEqual(new Set(['Dermoscopy']));
  });
});

it('keeps a question type', () => {
  const groups = made.map((group, at) => ({ ...group, question_type: at === 3 ? 'Anatomy Identification' : group.question_type }));
  expect(visibleGroups({ ...base, groups, type: 'Anatomy Identification' })).toEqual([groups[3]]);
});

it('the right option is shown with its text', () => {
  expect(goldText(made[0])).toBe('C) Mild tumor');
  expect(goldText({ ...made[0], answer: 'F' })).toBe('F');
  expect(goldText({ ...made[0], answer: null })).toBe('–');
});

describe('RolloutsModel', () => {
  it('reads a step once and takes it from memory the second time', async () => {
    const connector = new FakeConnector({ runs: [{ id: 'a', steps: 50 }] });
    const model = new RolloutsModel(connector);
    await model.show('a', 3);
    await model.show('a', 4);
    await model.show('a', 3);
    expect(connector.calls.filter(([name]) => name === 'groups')).toHaveLength(2);
    expect(model.state.value).toMatchObject({ status: 'ready', step: 3 });
  });

  it('shows the step asked for last, whatever answers last', async () => {
    const connector = new FakeConnector({ runs: [{ id: 'a', steps: 50 }] });
    const slow = Promise.withResolvers<{ groups: Group[]; steps: [number, number] }>();
    const { groups } = connector;
    connector.groups = (id, query = {}) => (query.step === 3 ? slow.promise : groups(id, query));
    const model = new RolloutsModel(connector);
    const first = model.show('a', 3);
    await model.show('a', 4);
    slow.resolve({ groups: made, steps: [1, 50] });
    await first;
    expect(model.state.value.step).toBe(4);
  });

  it('a failure is shown with its remedy and can be tried again', async () => {
    const connector = new FakeConnector({ runs: [{ id: 'a', steps: 50 }], failure: { code: 'X', message: 'gone', remedy: 'come back' } });
    const model = new RolloutsModel(connector);
    await model.show('a', 3);
    expect(model.state.value).toMatchObject({ status: 'error', error: { message: 'gone', remedy: 'come back' } });
    connector.options.failure = undefined;
    await model.show('a', 3);
    expect(model.state.value.status).toBe('ready');
  });
});

it('sort, filter and colouring come back from what the workspace kept, without what is malformed', () => {
  const model = new RolloutsModel(fake);
  const chosen = {
    sort: 'low',
    shown: 'mixed',
    modality: 'CT',
    type: 'Grading',
    search: 'star',
    fold: true,
    layout: 'tree',
    colouring: 'kl',
  } as const;
  model.set(chosen);
  const again = new RolloutsModel(fake);
  again.restore(JSON.parse(JSON.stringify(model)));
  expect(again.state.value).toEqual({ ...model.state.value, ...chosen });
  again.restore({
    sort: 'toString',
    shown: 7,
    modality: {},
    type: [],
    search: null,
    fold: 'yes',
    colouring: 'attribution',
    status: 'error',
  });
  expect(again.state.value).toEqual(model.state.value);
  again.restore('nonsense');
  expect(again.toJSON()).toEqual(chosen);
});

describe('following', () => {
  it('steps that come faster than they can be read never keep all of them from the screen', async () => {
    vi.useFakeTimers();
    const connector = new FakeConnector({ runs: [{ id: 'a', steps: 50 }] });
    const { groups } = connector;
    connector.groups = async (id, query) => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return groups(id, query);
    };
    const model = new RolloutsModel(connector);
    const shown = new Set<number | null>();
    model.state.subscribe(() => void (model.state.value.status === 'ready' && shown.add(model.state.value.step)));
    for (let step = 1; step <= 40; step++) {
      void model.follow('a', step);
      await vi.advanceTimersByTimeAsync(100);
    }
    await vi.advanceTimersByTimeAsync(3000);
    vi.useRealTimers();
    expect([...shown]).toEqual([1, expect.any(Number), expect.any(Number), expect.any(Number), 40]);
  });
});

describe('what the completions of a group have in common', () => {
  const said = (index: number, token_ids: number[], reward = 1) =>
    ({ index, token_ids, text: token_ids.join(' '), rewards: { accuracy: reward } }) as unknown as Completion;

  it('those that say the same and got the same stand once', () => {
    const found = alike([said(0, [1, 2]), said(1, [3]), said(2, [1, 2]), said(3, [1, 2], 0)]);
    expect(found.map(({ one, others }) => [one.index, others.map(({ index }) => index)])).toEqual([
      [0, [2]],
      [1, []],
      [3, []],
    ]);
  });

  it.each([
    [
      [
        [1, 2, 3],
        [1, 2, 4],
        [1, 2, 3],
      ],
      2,
    ],
    [
      [
        [1, 2],
        [1, 2, 3],
      ],
      2,
    ],
    [[[4], [1]], 0],
    [
      [
        [1, 2],
        [1, 2],
      ],
      null,
    ],
    [[], null],
  ])('%j part at %j', (all, at) => expect(partsAt(all.map((ids, index) => said(index, ids)))).toBe(at));
});
