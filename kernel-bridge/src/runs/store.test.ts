import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeStep } from '../../../test/server/fake-trainer.ts';
import { annotate } from './annotations.ts';
import { completeConfig } from './config.ts';
import { readGroups } from './groups.ts';
import { readMetrics } from './metrics.ts';
import { carriedOut, keepRequest } from './requests.ts';
import { editRewards, revisions } from './rewards.ts';
import { RunStore } from './store.ts';

let directory: string;
let store: RunStore;

const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd', per_device_train_batch_size: 8 });

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'medr1-store-'));
  store = RunStore.create(directory, { id: 'x', name: 'x', parent: null, config, root: '/data', data_hash: 'h' }, 1000);
});
afterEach(() => {
  store[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});

const edit = (weights: Record<string, number>, base_revision: number, request_id?: string) =>
  editRewards(store.db, { weights, base_revision, request_id, reason: '', author: '', time: 0 });

describe('a slice of the log', () => {
  const textsAfter = (since: number, most_bytes: number) => store.eventTexts(since, { limit: 100, most_bytes });

  it('ends once it has so many bytes, holds one entry at least, and is the events as JSON', () => {
    for (let k = 0; k < 5; k++) store.alert({ code: 'LONG', message: 'x'.repeat(1000), remedy: '' });
    const after = store.seq - 5;
    expect(textsAfter(after, 1).map(({ seq }) => seq)).toEqual([after + 1]);
    expect(textsAfter(after, 2000).map(({ seq }) => seq)).toEqual([after + 1, after + 2]);
    expect(textsAfter(0, Infinity).map(({ text }) => JSON.parse(text) as unknown)).toEqual(store.events(0));
  });

  it.each(['{"kind": "x"', '[1]', '1', ''])('with an entry that is no object, %j, is an error that names the entry', (body) => {
    store.db.prepare('UPDATE event SET body = ? WHERE seq = 1').run(body);
    expect(() => textsAfter(0, Infinity)).toThrow(
      expect.objectContaining({ code: 'RUN_DAMAGED', message: expect.stringMatching('entry 1') }),
    );
  });

  it.each(['{}', ' { } '])('takes an entry without a word of its own: %j', (body) => {
    store.db.prepare('UPDATE event SET body = ? WHERE seq = 1').run(body);
    expect(JSON.parse(textsAfter(0, 1)[0].text)).toMatchObject({ seq: 1, kind: 'state' });
  });
});

it('a run made by an earlier version gets what came later when it is opened', () => {
  store.db.exec('DROP TABLE request; DROP INDEX rollout_group_by_item');
  using again = RunStore.open(directory);
  expect(carriedOut(again.db, 'r1', 'this')).toBe(false);
  keepRequest(again.db, 'r1', 'this');
  keepRequest(again.db, 'r1', 'this');
  expect(carriedOut(store.db, 'r1', 'this')).toBe(true);
  expect(() => carriedOut(store.db, 'r1', 'that')).toThrow(/used for another request/);
  const plan = again.db.prepare("EXPLAIN QUERY PLAN SELECT step FROM rollout_group WHERE item_id = 'x'").get()!;
  expect(plan.detail).toContain('rollout_group_by_item');
});

it('a request id that was used comes with the same again or is refused, whatever it was used for', () => {
  annotate(store.db, { name: 'new', request_id: 'r1' });
  annotate(store.db, { name: 'new', request_id: 'r1' });
  const used = expect.objectContaining({ code: 'REQUEST_ID_USED', http: 409 });
  expect(() => annotate(store.db, { name: 'other', request_id: 'r1' })).toThrow(used);
  expect(() => edit({ accuracy: 2 }, 1, 'r1')).toThrow(used);
  const made = edit({ accuracy: 2 }, 1, 'r2');
  expect(edit({ accuracy: 2 }, 1, 'r2')).toEqual(made);
  expect(() => edit({ accuracy: 3 }, 1, 'r2')).toThrow(used);
  expect(() => annotate(store.db, { pinned: true, request_id: 'r2' })).toThrow(used);
  expect([store.row().name, revisions(store.db).length]).toEqual(['new', 2]);
});

it('a run made before entropy, KL and ratios of tokens were kept opens, has none, and takes them from then on', () => {
  store.commitStep(fakeStep(1));
  store.db.exec('ALTER TABLE completion DROP COLUMN entropy; ALTER TABLE completion DROP COLUMN kl; DROP TABLE token_ratio');
  using again = RunStore.open(directory);
  const at = (step: number) => readGroups(again.db, { from: step, to: step, limit: 1, offset: 0 })[0].completions[0];
  expect(at(1)).toMatchObject({ logprobs: [-0.1, -0.25, -0.5].map((x) => Number(Math.fround(x).toPrecision(9))), entropy: null, kl: null });
  again.commitStep(fakeStep(2));
  expect(at(2)).toMatchObject({ entropy: [0.5, 0, 1.5], kl: [0.25, null, 0] });
});

describe('ratios of rollouts that are used again', () => {
  const ratios = (ratio: (number | null)[], clipped: boolean[] | null) => ({
    step: 1,
    groups: Array.from({ length: 2 }, () => Array.from({ length: 4 }, () => ({ ratio, clipped }))),
  });
  const stored = () => readGroups(store.db, { from: 1, to: 1, limit: 10, offset: 0 })[1].completions[3];
  const again = (step: number, ratio: (number | null)[], clipped: boolean[] | null) =>
    store.commitStep({ ...fakeStep(step), groups: [], ratios: ratios(ratio, clipped) });

  it('are those of the last update, beside the rollouts', () => {
    store.commitStep(fakeStep(1));
    expect(stored()).toMatchObject({ ratio: null, clipped: null });
    again(2, [1, 1.25, 1], [false, true, false]);
    again(3, [0.5, Infinity, 1.5], null);
    expect(stored()).toMatchObject({ ratio: [0.5, null, 1.5], clipped: null });
  });

  it('go with the step that saw them, and with their rollouts', () => {
    store.commitStep(fakeStep(1));
    again(2, [1, 1.25, 1], [false, true, false]);
    store.dropAfter(1, { revisions: 'repeat' });
    expect(stored()).toMatchObject({ ratio: null, clipped: null, entropy: [0.5, 0, 1.5] });
    again(2, [1, 1.25, 1], [false, true, false]);
    expect(stored()).toMatchObject({ ratio: [1, 1.25, 1], clipped: [false, true, false] });
    store.dropAfter(0, { revisions: 'repeat' });
    expect(store.db.prepare('SELECT count(*) AS n FROM token_ratio').get()).toEqual({ n: 0 });
  });
});

describe('a step', () => {
  it('comes back as it was written: metrics, rollouts, token ids and log-probabilities', () => {
    const result = fakeStep(1);
    store.commitStep(result);
    expect(readGroups(store.db, { from: 1, to: 1, limit: 10, offset: 0 })).toEqual(
      result.groups.map((group) => ({
        ...group,
        completions: group.completions.map((c) => ({ ...c, logprobs: c.logprobs.map((x) => Number(Math.fround(x).toPrecision(9))) })),
      })),
    );
    expect(readMetrics(store.db, {})).toMatchObject({ step: [1], metrics: { reward: [result.metrics.reward], kl: [null] } });
  });

  it('keeps NaN and the infinities apart from a value that is missing', () => {
    store.commitStep({ ...fakeStep(1), metrics: { loss: NaN, grad_norm: Infinity, kl: null, reward: -0.5 } });
    const table = readMetrics(store.db, {});
    expect(table.metrics).toEqual({ loss: [null], grad_norm: [null], kl: [null], reward: [-0.5] });
    expect(table.non_finite).toEqual({ loss: [[1, 'NaN']], grad_norm: [[1, 'Infinity']] });
  });

  it('leaves no row behind when any part of it is refused', () => {
    const bad = fakeStep(1);
    bad.groups[1].completions[3].text = null as unknown as string;
    const seq = store.seq;
    expect(() => store.commitStep(bad)).toThrow(/NOT NULL|cannot be bound/);
    expect(store.step).toBe(0);
    expect(store.seq).toBe(seq);
    for (const table of ['step', 'metric', 'rollout_group', 'completion']) {
      expect(store.db.prepare(`SELECT count(*) AS n FROM ${table}`).get()!.n).toBe(0);
    }
  });

  it('is refused out of order', () => {
    expect(() => store.commitStep(fakeStep(2))).toThrow(/step 2, but the next step is 1/);
  });

  it('numbers events densely, the reward revision before the step that first uses it', () => {
    const due = store.dueRewards();
    store.commitStep(fakeStep(1), due);
    edit({ accuracy: 2 }, 1);
    store.commitStep(fakeStep(2), store.dueRewards());
    const events = store.events(0);
    expect(events.map(({ seq, kind, step }) => [seq, kind, step])).toEqual([
      [1, 'state', 0],
      [2, 'rewards', 1],
      [3, 'step', 1],
      [4, 'rewards', 2],
      [5, 'step', 2],
    ]);
    expect(events[3]).toMatchObject({ previous: { accuracy: 1, format: 1 }, revision: { revision: 2, step: 2, weights: { accuracy: 2 } } });
  });

  it('gives the events of some kinds alone', () => {
    store.commitStep(fakeStep(1), store.dueRewards());
    expect(store.events(0, 10, ['state', 'rewards']).map(({ kind }) => kind)).toEqual(['state', 'rewards']);
    expect(store.events(1, 1, ['state', 'step']).map(({ kind }) => kind)).toEqual(['step']);
  });
});

describe('the database', () => {
  it('is opened as WAL with synchronous FULL, marked as ours', () => {
    const pragma = (name: string) => Object.values(store.db.prepare(`PRAGMA ${name}`).get()!)[0];
    expect([pragma('journal_mode'), pragma('synchronous'), pragma('foreign_keys'), pragma('user_version')]).toEqual(['wal', 2, 1, 1]);
  });

  it('names a damaged file and a file of another version', () => {
    store.db.exec('PRAGMA user_version = 99');
    expect(() => RunStore.open(directory)).toThrow(/has format 99; this version reads 1/);
    expect(() => RunStore.open(join(directory, 'nowhere'))).toThrow(/cannot be read: the file is missing/);
  });
});

describe('reward edits', () => {
  it('are refused when made on a revision that is no longer the last', () => {
    edit({ accuracy: 2 }, 1);
    expect(() => edit({ accuracy: 3 }, 1)).toThrow(/made on revision 1, but the run has revision 2/);
    expect(revisions(store.db)).toHaveLength(2);
  });

  it('happen once however often they are sent', () => {
    expect(edit({ accuracy: 2 }, 1, 'same')).toEqual(edit({ accuracy: 2 }, 1, 'same'));
    expect(revisions(store.db)).toHaveLength(2);
  });

  it('keep the weights that are not named, and refuse names the run does not score', () => {
    expect(edit({ format: 0 }, 1).weights).toEqual({ accuracy: 1, format: 0 });
    expect(() => edit({ lenght: 1 }, 2)).toThrow(/"lenght" is neither a reward function of this run/);
  });
});

it('an alert shows in the summary for twenty steps', () => {
  const alertAt = (): number | undefined => store.summary().alert?.step;
  store.commitStep(fakeStep(1));
  expect(store.summary().alert).toBeNull();
  store.alert({ code: 'KL_HIGH', message: 'KL is high', remedy: 'Lower the learning rate.' });
  expect(store.summary().alert).toEqual({ step: 1, message: 'KL is high', remedy: 'Lower the learning rate.' });
  for (let step = 2; step <= 20; step++) store.commitStep(fakeStep(step));
  expect(alertAt()).toBe(1);
  store.commitStep(fakeStep(21));
  expect(alertAt()).toBeUndefined();
});

describe('going back to a step', () => {
  beforeEach(() => {
    for (let step = 1; step <= 6; step++) {
      if (step === 5) edit({ accuracy: 9 }, 1);
      store.commitStep(fakeStep(step), store.dueRewards());
    }
  });

  it('drops what came after and opens a new epoch with a dense log', () => {
    const epoch = store.epoch;
    store.dropAfter(3, { revisions: 'drop' });
    expect(store.step).toBe(3);
    expect(store.epoch).not.toBe(epoch);
    expect(revisions(store.db).map(({ revision }) => revision)).toEqual([1]);
    const events = store.events(0);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1));
    expect(events.at(-1)).toMatchObject({
      kind: 'alert',
      code: 'STEPS_DROPPED',
      message: 'Steps 4 to 6 were dropped; the run goes on from step 3.',
    });
    for (const table of ['metric', 'rollout_group', 'completion']) {
      expect(store.db.prepare(`SELECT max(step) AS last FROM ${table}`).get()!.last).toBe(3);
    }
  });

  it('after a crash takes reward edits up again at the very steps they took effect', () => {
    store.dropAfter(3, { revisions: 'repeat' });
    expect(store.dueRewards()).toEqual([]);
    store.commitStep(fakeStep(4), store.dueRewards());
    expect(store.dueRewards()).toMatchObject([{ revision: 2, weights: { accuracy: 9 } }]);
  });

  it('after a crash takes an edit that waited up after the last step that was lost, not before', () => {
    edit({ accuracy: 7 }, 2);
    store.dropAfter(3, { revisions: 'repeat' });
    const taken: number[][] = [];
    for (let step = 4; step <= 8; step++) {
      const due = store.dueRewards();
      taken.push(due.map(({ revision }) => revision));
      store.commitStep(fakeStep(step), due);
    }
    expect(taken).toEqual([[], [2], [], [3], []]);
  });

  it('an edit made while lost steps are computed anew holds from the next step, and no older one comes after it', () => {
    store.dropAfter(3, { revisions: 'repeat' });
    edit({ accuracy: 7 }, 2);
    expect(store.dueRewards().map(({ revision }) => revision)).toEqual([2, 3]);
    store.commitStep(fakeStep(4), store.dueRewards());
    store.commitStep(fakeStep(5), store.dueRewards());
    expect(revisions(store.db).map(({ step }) => step)).toEqual([1, 4, 4]);
  });
});

it('a run that was copied without its journal is told from one of another version', () => {
  const copy = mkdtempSync(join(tmpdir(), 'medr1-copy-'));
  cpSync(join(directory, 'run.db'), join(copy, 'run.db'));
  const missing = expect.objectContaining({ code: 'RUN_DAMAGED', remedy: expect.stringContaining('run.db-wal') });
  expect(() => RunStore.open(copy)).toThrow(missing);
  expect(() => RunStore.open(copy)).toThrow(missing); // to look changed nothing
  cpSync(join(directory, 'run.db-wal'), join(copy, 'run.db-wal'));
  using whole = RunStore.open(copy);
  expect(whole.row().id).toBe('x');
  rmSync(copy, { recursive: true });
});
