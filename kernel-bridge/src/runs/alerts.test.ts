import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MADE } from '../../../test/alerts/made.ts';
import { NO_ALERT_SETTINGS, NO_RUN_ALERT_SETTINGS } from '../protocol/alerts.ts';
import { changeRunAlertSettings, runAlertSettings } from './alert-settings.ts';
import { alertsOf, comparableFrom, keepOnsets, raise, RunWatch } from './alerts.ts';
import { completeConfig } from './config.ts';
import { RunStore } from './store.ts';

const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd', per_device_train_batch_size: 8 });
const directories: string[] = [];
const newStore = (): RunStore => {
  const directory = mkdtempSync(join(tmpdir(), 'medr1-alerts-'));
  directories.push(directory);
  return RunStore.create(directory, { id: 'x', name: 'x', parent: null, config, root: '/data', data_hash: 'h' }, 1000);
};
let store: RunStore;
beforeEach(() => (store = newStore()));
afterEach(() => {
  store[Symbol.dispose]();
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

type Rows = readonly { step: number; metrics: Record<string, number | null> }[];
const write = (run: RunStore, { step, metrics }: Rows[number]): void => {
  if (step > run.step) run.commitStep({ step, metrics, groups: [] });
  else run.addEvaluation(metrics);
};
const newWatch = (run: RunStore, settings = NO_ALERT_SETTINGS): RunWatch => new RunWatch(settings, runAlertSettings(run.db));
const look = (run: RunStore, watch: RunWatch): Promise<void> => watch.look(() => run.db, config);
const cut = (step: number, share = 1) => ({ step, metrics: { 'completions/clipped_ratio': share } });
const kept = (run: RunStore) =>
  run.events(0, 10_000, ['alert']).flatMap((event) => (event.kind === 'alert' ? [[event.code, event.since, event.by]] : []));

it.each([200, 410])('looks at all %d steps of a run that has ended', async (steps) => {
  store.db.exec('PRAGMA synchronous = OFF');
  for (let step = 1; step <= steps; step++) write(store, cut(step, step > steps - 5 ? 1 : 0));
  using watch = newWatch(store);
  await look(store, watch);
  expect(watch.step).toBe(steps);
  expect(watch.onsets.map(({ rule, since }) => [rule, since])).toEqual([['truncated', steps - 3]]);
});

it('sees live what it sees afterwards, however far it lags behind, and keeps each onset once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...MADE),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 4, maxLength: 30 }),
      async (made, lags) => {
        using run = newStore();
        using live = newWatch(run);
        let at = 0;
        for (const lag of lags) {
          for (const row of made.rows.slice(0, 90).slice(at, at + lag)) write(run, row);
          at += lag;
          await look(run, live);
          keepOnsets(run, live.onsets);
        }
        using afterwards = newWatch(run);
        await look(run, afterwards);
        expect(alertsOf(run, live, NO_RUN_ALERT_SETTINGS)).toEqual(alertsOf(run, afterwards, NO_RUN_ALERT_SETTINGS));
        expect(keepOnsets(run, afterwards.onsets)).toEqual([]); // a server that starts anew tells nothing twice
        expect(kept(run)).toEqual(afterwards.onsets.map(({ rule, since }) => [rule, since, 'rule']));
      },
    ),
    { numRuns: 6 },
  );
});

it('a run that went back tells again what is seen again, and nothing of the steps that are gone', async () => {
  for (let step = 1; step <= 12; step++) write(store, cut(step));
  using watch = newWatch(store);
  await look(store, watch);
  keepOnsets(store, watch.onsets);
  expect(kept(store)).toEqual([['truncated', 5, 'rule']]);
  store.dropAfter(1, { revisions: 'drop' });
  expect(kept(store).filter(([, , by]) => by)).toEqual([]);
  for (let step = 2; step <= 12; step++) write(store, cut(step, 0));
  using anew = newWatch(store);
  await look(store, anew);
  expect(anew.onsets).toEqual([]);
});

it('lists the roll-backs of a run in its summary, a resume not, and those that were rolled back themselves no more', () => {
  const rollbacks = () => store.summary().rollbacks?.map(({ step, from }) => [step, from]);
  const goOn = (to: number) => {
    for (let step = store.step + 1; step <= to; step++) write(store, cut(step, 0));
  };
  goOn(8);
  store.dropAfter(6, { revisions: 'repeat' }); // as a run does that was killed
  expect(rollbacks()).toBeUndefined();
  store.dropAfter(2, { revisions: 'drop' });
  goOn(9);
  store.alert({ code: 'mine', message: '"rolled_back_from":7', remedy: '' }); // text is no roll-back
  store.dropAfter(5, { revisions: 'drop' });
  expect(rollbacks()).toEqual([
    [2, 6],
    [5, 9],
  ]);
  store.dropAfter(3, { revisions: 'drop' });
  expect(rollbacks()).toEqual([
    [2, 6],
    [3, 5],
  ]);
});

it('names the newest checkpoint from before the alert, and none where there is none', async () => {
  for (let step = 1; step <= 20; step++) write(store, cut(step, step > 10 ? 1 : 0));
  using watch = newWatch(store);
  await look(store, watch);
  const remedies = () => alertsOf(store, watch, NO_RUN_ALERT_SETTINGS)[0].remedies.map(({ kind, step }) => [kind, step]);
  expect(remedies()).toEqual([['settings', undefined]]);
  for (const step of [8, 18]) store.addCheckpoint({ step, created_at: 1, reason: 'periodic', pinned: false, bytes: 1 });
  expect(remedies()).toEqual([
    ['settings', undefined],
    ['rollback', 8],
  ]);
});

it('a snoozed alert is listed and is not in the summary; one that is mere information neither', async () => {
  for (let step = 1; step <= 12; step++) write(store, { step, metrics: { 'completions/clipped_ratio': 1, frac_groups_all_right: 0.8 } });
  using watch = newWatch(store);
  await look(store, watch);
  keepOnsets(store, watch.onsets);
  expect(kept(store).map(([rule]) => rule)).toEqual(['truncated', 'groups_all_right']);
  expect(store.summary().alert).toMatchObject({ step: 5, message: expect.stringContaining('Completions are cut off. 100 %') });
  const settings = changeRunAlertSettings(store.db, { snoozed: { truncated: 40 } });
  expect(store.summary().alert).toBeNull();
  expect(alertsOf(store, watch, settings).map(({ rule, snoozed }) => [rule, snoozed])).toEqual([
    ['truncated', true],
    ['groups_all_right', false],
  ]);
});

it.each([
  ['grad_norm', Infinity],
  ['reward', NaN],
])('reads values that are not finite, as of %s', async (name, odd) => {
  for (let step = 1; step <= 3; step++) write(store, { step, metrics: { [name]: step === 2 ? odd : 1 } });
  using watch = newWatch(store);
  await look(store, watch);
  expect(watch.onsets.map(({ rule, since, seen }) => [rule, since, seen])).toEqual([['not_finite', 2, `${name} of step 2 was ${odd}.`]]);
});

it("evaluates a user's own rules in the sandbox, step by step, and says which of them fail", async () => {
  const rules = {
    'KL up': "(m) => m.mean('kl', 3) > 0.3 && `KL ${m.now('kl')} at ${m.step}`",
    'reads files': "() => require('fs')",
    'for ever': '() => { for (;;); }',
  };
  for (let step = 1; step <= 30; step++) write(store, { step, metrics: { kl: step < 10 ? 0.1 : 0.9 } });
  using live = newWatch(store, { ...NO_ALERT_SETTINGS, rules });
  await look(store, live);
  expect(live.onsets.map(({ rule, since, seen }) => [rule, since, seen])).toEqual([['KL up', 10, 'KL 0.9 at 10']]);
  expect(Object.keys(live.failures)).toEqual(['reads files', 'for ever']);
});

it("tells a client's alert once for each step since", () => {
  write(store, cut(1));
  expect([raise(store, { rule: 'mine', seen: 'odd', since: 1 }), raise(store, { rule: 'mine', seen: 'odd', since: 1 })]).toEqual([
    true,
    false,
  ]);
  using watch = newWatch(store);
  expect(alertsOf(store, watch, NO_RUN_ALERT_SETTINGS)).toMatchObject([{ rule: 'mine', seen: 'odd', since: 1, level: 'warning' }]);
});

it('a fork to another variant is not held against answers of the one before, a fork of the same variant is', async () => {
  for (let step = 1; step <= 40; step++) write(store, { step, metrics: { accuracy: step <= 20 ? 0.9 : 0.3 } });
  const seen = async (variant: string): Promise<string[]> => {
    const from = comparableFrom({ config, inherited: [{ run: 'parent', name: 'parent', variant, to: 20 }] });
    using watch = new RunWatch(NO_ALERT_SETTINGS, runAlertSettings(store.db), { from });
    await look(store, watch);
    expect(watch.step).toBe(40);
    return watch.onsets.map(({ rule }) => rule);
  };
  expect(await seen(config.variant)).toContain('accuracy_fell');
  expect(await seen('no-think')).not.toContain('accuracy_fell');
});
