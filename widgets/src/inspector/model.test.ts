import { describe, expect, it } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import { settled, until } from '../../testing/until.ts';
import { moved } from '@medr1/kernel-bridge/protocol/selection';
import { NOTHING, type Selection } from '../selection.ts';
import { InspectorModel, rewardParts, subjectOf, weightsAt } from './model.ts';

const at = (parts: Partial<Selection>): Selection => ({ ...NOTHING, ...parts });
const rollout = at({ runs: ['a'], step: 3, group: 1, dataset: 'd', item: 'q' });

describe('subjectOf', () => {
  it.each([
    ['nothing', 'nothing', NOTHING],
    ['a run alone', 'nothing', at({ runs: ['a'] })],
    ['a step', 'step', at({ runs: ['a'], step: 3 })],
    ['a question', 'question', at({ dataset: 'd', item: 'q' })],
    ['a group with its question', 'rollout', rollout],
  ] as const)('a restored selection of %s shows %s', (_what, subject, selection) => {
    expect(subjectOf(null, selection, 'nothing')).toBe(subject);
  });

  it('what is clicked last is shown, though the rest stays selected', () => {
    const question = moved(rollout, { item: 'other' });
    expect(subjectOf(rollout, question, 'rollout')).toBe('question');
    expect(subjectOf(question, moved(question, { group: 2, item: 'q2' }), 'question')).toBe('rollout');
    expect(subjectOf(rollout, moved(rollout, { step: 9 }), 'rollout')).toBe('step');
  });

  it('a group that gets its question stays the subject', () => {
    const bare = moved(rollout, { group: 2 });
    expect(subjectOf(bare, { ...bare, item: 'q2' }, 'rollout')).toBe('rollout');
  });

  it('what is no part of any subject moves nothing: another run overlaid, a variant', () => {
    const question = { ...rollout, item: 'other' };
    expect(subjectOf(question, { ...question, runs: ['a', 'b'] }, 'question')).toBe('question');
    expect(subjectOf(question, { ...question, variant: 'think' }, 'question')).toBe('question');
  });

  it('what is gone is left', () => {
    expect(subjectOf(rollout, at({ dataset: 'd', item: 'q', runs: ['a'] }), 'rollout')).toBe('question');
    expect(subjectOf(rollout, NOTHING, 'rollout')).toBe('nothing');
  });
});

describe('InspectorModel', () => {
  it('reads the one group that is selected, not its whole step', async () => {
    const connector = new FakeConnector({ runs: [{ id: 'a', steps: 9 }] });
    const model = new InspectorModel(connector);
    model.follow(at({ runs: ['a'], step: 3, group: 5 }), {});
    await until(() => expect(model.state.value.group?.status).toBe('ready'));
    expect(model.state.value.group).toMatchObject({ value: { step: 3, group: 5 } });
    expect(connector.calls.filter(([name]) => name === 'groups')).toEqual([['groups', 'a', { step: 3, offset: 5, limit: 1 }]]);
  });

  it('says that a group is not there', async () => {
    const model = new InspectorModel(new FakeConnector({ runs: [{ id: 'a', steps: 9 }] }));
    model.follow(at({ runs: ['a'], step: 3, group: 50 }), {});
    await until(() => expect(model.state.value.group).toMatchObject({ error: { message: 'The run holds no group 50 of step 3.' } }));
  });

  it('reads a group again when another update was made on it, and keeps it on screen meanwhile', async () => {
    const run = { id: 'a', steps: 3, config: { num_iterations: 2 } };
    const model = new InspectorModel(new FakeConnector({ runs: [run] }));
    const selection = at({ runs: ['a'], step: 3, group: 1 });
    const shown = () => {
      const { group } = model.state.value;
      return group?.status === 'ready' ? group.value.completions[0].ratio : group?.status;
    };
    model.follow(selection, {});
    await until(() => expect(shown()).toBe(null));
    const seen = new Set<unknown>();
    model.state.subscribe(() => seen.add(model.state.value.group?.status));
    run.steps = 4;
    model.follow(selection, {}, 1);
    await until(() => expect(shown()).toBeInstanceOf(Array));
    expect([...seen]).toEqual(['ready']);
  });

  it('of two groups asked for one after the other, the later is shown', async () => {
    const connector = new FakeConnector({ runs: [{ id: 'a', steps: 9 }] });
    const { groups } = connector;
    const late = Promise.withResolvers<void>();
    connector.groups = async (id, query = {}) => {
      if (query.offset === 1) await late.promise;
      return groups(id, query);
    };
    const model = new InspectorModel(connector);
    model.follow(at({ runs: ['a'], step: 3, group: 1 }), {});
    model.follow(at({ runs: ['a'], step: 3, group: 2 }), {});
    await until(() => expect(model.state.value.group).toMatchObject({ value: { group: 2 } }));
    late.resolve();
    await settled();
    expect(model.state.value.group).toMatchObject({ value: { group: 2 } });
  });
});

describe('a restored selection', () => {
  const restored = async (item: string | null) => {
    const model = new InspectorModel(new FakeConnector({ runs: [{ id: 'a', steps: 9 }] }));
    const selection = at({ runs: ['a'], step: 3, group: 1, dataset: 'omnimedvqa', item });
    model.follow(selection, {});
    await until(() => expect(model.state.value.group?.status).toBe('ready'));
    model.follow(selection, {});
    return model.state.value.subject;
  };

  it('with the question of its group shows the rollout', async () => expect(await restored('item-3-1')).toBe('rollout'));
  it('with another question shows that: it was chosen later', async () => expect(await restored('other')).toBe('question'));
  it('without a question shows the rollout', async () => expect(await restored(null)).toBe('rollout'));
});

it('the weights of a step are those of the last revision in force by then', () => {
  const revision = (number: number, step: number | null, accuracy: number) => ({
    ...{ revision: number, step, weights: { accuracy }, sources: {}, reason: '', author: '', created_at: 0 },
  });
  const revisions = [revision(1, 1, 1), revision(2, 90, 0.5), revision(3, null, 9)];
  expect([1, 89, 90, 200].map((step) => weightsAt(revisions, step).accuracy)).toEqual([1, 1, 0.5, 0.5]);
  const moving = { ...revisions[0], weight_schedules: { accuracy: { schedule: 'linear' as const, from: 1, to: 0, start: 10, end: 14 } } };
  expect([1, 11, 20].map((step) => weightsAt([moving], step).accuracy)).toEqual([1, 0.75, 0]);
  expect(weightsAt([], 3)).toEqual({});
});

it('a reward that does not apply gives nothing to the sum', () => {
  const [completion] = new FakeConnector({ runs: [{ id: 'a' }] }).groupsOf({ id: 'a' }, 3, 1)[0].completions;
  expect(rewardParts({ ...completion, rewards: { accuracy: 1, own: null } }, { accuracy: 0.5, own: 2 })).toEqual([
    { name: 'accuracy', raw: 1, weight: 0.5, part: 0.5 },
    { name: 'own', raw: null, weight: 2, part: null },
  ]);
});
