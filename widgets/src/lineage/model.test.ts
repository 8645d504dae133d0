import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FakeConnector, type FakeRun } from '../../testing/fake-connector.ts';
import type { RewardRevision, RunSummary } from '../connector.ts';
import { changesAtFork, changesNow, familyOf, happenings } from './model.ts';

const connector = new FakeConnector();
const summaryOf = (run: FakeRun): RunSummary => connector.summary(run);
const inherited = (run: string, to: number, name = run) => ({ run, name, variant: 'think', to });

const PARENT: FakeRun = { id: 'p', name: 'Demo', steps: 100 };
const EARLY: FakeRun = { id: 'early', parent: 'p', steps: 90, inherited: [inherited('p', 20, 'Demo')] };
const LATE: FakeRun = { id: 'late', parent: 'p', steps: 60, inherited: [inherited('p', 60, 'Demo')] };
const OF_EARLY: FakeRun = { id: 'of-early', parent: 'early', steps: 80, inherited: [inherited('p', 20, 'Demo'), inherited('early', 40)] };
const OTHER: FakeRun = { id: 'other', steps: 5 };

const rows = (runs: FakeRun[], id: string) =>
  familyOf(runs.map(summaryOf), id).map(({ id: one, depth, up, from, to }) => [one, depth, up, from, to]);

it('puts a family in rows, from whichever of them it is looked for: the fork that left last stands nearest to its parent', () => {
  const tree = [
    ['p', 0, 0, 0, 100],
    ['late', 1, 1, 60, 60],
    ['early', 1, 2, 20, 90],
    ['of-early', 2, 1, 40, 80],
  ];
  for (const id of ['p', 'late', 'early', 'of-early']) expect(rows([OF_EARLY, OTHER, EARLY, LATE, PARENT], id)).toEqual(tree);
  expect(rows([OF_EARLY, OTHER, EARLY, LATE, PARENT], 'other')).toEqual([['other', 0, 0, 0, 5]]);
  expect(rows([PARENT], 'nowhere')).toEqual([]);
  const [itself, other] = [
    { id: 'x', parent: 'y', steps: 3 },
    { id: 'y', parent: 'x', steps: 4 },
  ];
  expect(
    rows([itself, other], 'x')
      .map(([id]) => id)
      .sort(),
  ).toEqual(['x', 'y']);
});

it('keeps a parent that was removed in its place, by what its forks know of it', () => {
  const family = familyOf([OF_EARLY, LATE].map(summaryOf), 'late');
  expect(family.map(({ id, name, run, from, to }) => [id, name, run === null, from, to])).toEqual([
    ['p', 'Demo', true, 0, 60],
    ['late', 'late', false, 60, 60],
    ['early', 'early', true, 20, 40],
    ['of-early', 'of-early', false, 40, 80],
  ]);
  // forked at its parent's own first step, which leaves no trace of that parent but its id
  const nameless = familyOf([summaryOf({ id: 'x', parent: 'gone', steps: 30, inherited: [inherited('p', 20, 'Demo')] })], 'x');
  expect(nameless.map(({ id, from, to }) => [id, from, to])).toEqual([
    ['p', 0, 20],
    ['gone', 20, 20],
    ['x', 20, 30],
  ]);
});

it('shows every relative once, below its parent, whatever was forked and removed', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ parent: fc.nat(), at: fc.nat(), steps: fc.integer({ min: 1, max: 50 }), removed: fc.boolean() }), {
        minLength: 1,
        maxLength: 12,
      }),
      (drawn) => {
        const runs: (RunSummary & { removed: boolean })[] = [];
        for (const { parent: nth, at, steps, removed } of drawn) {
          const parent = runs.length > 0 && nth % 3 > 0 ? runs[nth % runs.length] : null;
          const to = parent ? 1 + (at % parent.step) : 0;
          const before = parent?.inherited.filter((_, i) => (parent.inherited[i - 1]?.to ?? 0) < to) ?? [];
          const cut = before.map((one) => ({ ...one, to: Math.min(one.to, to) }));
          const taken = parent ? [...cut, ...((cut.at(-1)?.to ?? 0) < to ? [inherited(parent.id, to)] : [])] : [];
          const id = `r${runs.length}`;
          runs.push({ ...summaryOf({ id, parent: parent?.id ?? null, steps: to + steps, inherited: taken }), removed });
        }
        const kept = runs.filter(({ removed }) => !removed);
        for (const { id } of kept) {
          const family = familyOf(kept, id);
          const ids = family.map((one) => one.id);
          expect(new Set(ids).size).toBe(ids.length);
          expect(ids).toContain(id);
          family.forEach(({ parent, up, from, to }, at) => {
            expect(to).toBeGreaterThanOrEqual(from);
            if (parent === null) return expect(at).toBe(0);
            expect(family[at - up].id).toBe(parent);
            expect(family[at - up].to).toBeGreaterThanOrEqual(from); // a line that leaves a bar, not the empty space after it
          });
          // a relative sees the same family
          for (const other of family) if (other.run) expect(familyOf(kept, other.id).map((one) => one.id)).toEqual(ids);
        }
      },
    ),
  );
});

const revision = (number: number, step: number | null, more: Partial<RewardRevision> = {}): RewardRevision => ({
  ...{ revision: number, step, weights: { accuracy: 1, format: 1 }, sources: {}, reason: '', author: '', created_at: 0 },
  ...more,
});

it('tells what a fork began with from what was edited in both later', () => {
  const parent = [
    revision(1, 1),
    revision(2, 30, { weights: { accuracy: 1, format: 0.5 } }),
    revision(3, 80, { weights: { accuracy: 2, format: 0.5 } }),
  ];
  const child = [
    parent[0],
    parent[1],
    revision(3, 41, { weights: { accuracy: 1, format: 0.1 } }),
    revision(4, 70, { weights: { accuracy: 1 } }),
  ];
  expect(changesAtFork(parent, child, { from: 40, to: 90 }).phrases).toEqual(['format 0.5 → 0.1']);
  expect(changesNow(parent, child).phrases).toEqual(['accuracy 2 → 1', 'format removed']);
  // before its first step what a fork was made with waits
  const waiting = [parent[0], parent[1], revision(3, null, { weights: { accuracy: 1, format: 0.1 } })];
  expect(changesAtFork(parent, waiting, { from: 40, to: 40 }).phrases).toEqual(['format 0.5 → 0.1']);
  expect(changesAtFork(parent, parent.slice(0, 2), { from: 40, to: 40 })).toEqual({ phrases: [], sources: [] });
});

it('gives the sources that differ, also of a function that came', () => {
  const source = (text: string) => ({ file: 'mine.ts', source: text, sha256: text });
  const parent = [revision(1, 1, { weights: { mine: 1 }, sources: { mine: source('one') } })];
  const child = [...parent, revision(2, 11, { weights: { mine: 1, new: 1 }, sources: { mine: source('two'), new: source('three') } })];
  expect(changesAtFork(parent, child, { from: 10, to: 12 }).sources).toEqual([
    { name: 'mine', file: 'mine.ts', before: 'one', after: 'two' },
    { name: 'new', file: 'mine.ts', before: '', after: 'three' },
  ]);
});

it('lists what happened in the steps that a run made itself', async () => {
  const fake = new FakeConnector({
    runs: [{ id: 'c', parent: 'p', steps: 100, inherited: [inherited('p', 60, 'Demo')] }],
    rewards: [
      revision(1, 1),
      revision(2, 30, { weights: { accuracy: 2, format: 1 } }),
      revision(3, 61, { weights: { accuracy: 2, format: 0.1 }, reason: 'why' }),
    ],
    evals: [{ id: 'e', name: 'held out' }],
  });
  const detail = await fake.run('c');
  const family = familyOf(
    [detail.summary, summaryOf({ id: 'd', name: 'Next', parent: 'c', steps: 90, inherited: [inherited('p', 60), inherited('c', 80)] })],
    'c',
  );
  const dropped = (step: number) => ({
    kind: 'alert' as const,
    seq: 1,
    time: 0,
    step,
    code: 'STEPS_DROPPED',
    message: 'Steps dropped.',
    remedy: '',
  });
  const evaluation = {
    ...fake.evals.summary({ id: 'e', name: 'held out', controls: ['blank-image'] }),
    settings: { ...fake.evals.summary({ id: 'e' }).settings, run: 'c', step: 90 },
  };
  const other = { ...evaluation, id: 'f', settings: { ...evaluation.settings, run: 'p' } };
  const relative = family.find(({ id }) => id === 'c')!;
  const logged = (step: number, metrics: Record<string, number>) => ({ kind: 'evaluation' as const, seq: 1, time: 0, step, metrics });
  const events = [
    ...[dropped(20), dropped(70), { ...dropped(75), code: 'truncated' }],
    logged(60, { eval_accuracy: 0.1 }), // of its parent
    logged(85, { eval_runtime: 3, eval_loss: 0.5, 'eval_rewards/accuracy_reward/mean': 0.25 }),
    logged(95, { eval_runtime: 3 }),
  ];
  const found = happenings(relative, { detail, events }, [evaluation, other], family);
  expect(found.map(({ kind, step, id, text }) => [kind, step, id ?? text])).toEqual([
    ['checkpoint', 60, 'periodic'],
    ['rewards', 61, 'format 1 → 0.1. why'],
    ['dropped', 70, 'Steps dropped.'],
    ['fork', 80, 'd'],
    ['evaluation', 85, 'eval_rewards/accuracy_reward/mean 0.250, eval_loss 0.500'],
    ['evaluation', 90, 'e'],
    ['evaluation', 95, 'eval_runtime 3.00'],
  ]);
  expect(found.find(({ id }) => id === 'e')!.text).toMatch(/^\d+\.\d % right of 200 questions$/); // its control has as many answers again
});
