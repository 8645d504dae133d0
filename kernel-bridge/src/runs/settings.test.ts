import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeStep } from '../../../test/server/fake-trainer.ts';
import type { TrainConfig } from '../protocol/config.ts';
import { completeConfig } from './config.ts';
import { firstDamage } from './digest.ts';
import { editRewards, editSettings, revertTo, revisions, settingsInForce } from './rewards.ts';
import { RunStore } from './store.ts';

let directory: string;
let store: RunStore;

const configOf = (changes: Partial<TrainConfig> = {}): TrainConfig =>
  completeConfig({ model_name_or_path: 'm', dataset_name: 'd', per_device_train_batch_size: 16, dp_shards: 2, ...changes });

function open(changes: Partial<TrainConfig> = {}, pair = false): void {
  store = RunStore.create(directory, {
    ...{ id: 'x', name: 'x', parent: null, root: '/data', data_hash: 'h' },
    config: configOf(changes),
    pair: pair ? { id: 'p', with: 'y', variant: 'no-think' } : null,
  });
}
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'medr1-settings-'))));
afterEach(() => {
  store[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});

const told = { reason: '', author: '', time: 0 };
const set = (settings: Record<string, unknown>) => editSettings(store.db, { settings, ...told });
const step = (at: number): void => void store.commitStep(fakeStep(at), store.dueRewards());

describe('settings of a run', () => {
  it('are those of its configuration, then those of its newest revision; the rewards stay', () => {
    open();
    expect(settingsInForce(store)).toMatchObject({ revision: 1, settings: { learning_rate: 1e-6, beta: 0.04 }, fixed: {} });
    step(1);
    const made = set({ learning_rate: 5e-7, beta: 0 });
    expect(made).toMatchObject({
      revision: 2,
      step: null,
      weights: { accuracy: 1, format: 1 },
      settings: { learning_rate: 5e-7, beta: 0 },
    });
    expect(settingsInForce(store).settings).toMatchObject({ learning_rate: 5e-7, beta: 0, temperature: 1 });
    step(2);
    expect(store.events(0).findLast(({ kind }) => kind === 'rewards')).toMatchObject({
      step: 2,
      revision: { revision: 2 },
      previous_settings: { beta: 0.04 },
    });
  });

  it('wait for the step from which they counted when the run goes on from an earlier one', async () => {
    open();
    step(1);
    step(2);
    set({ beta: 0.01 });
    step(3);
    store.dropAfter(1, { revisions: 'repeat' });
    step(2);
    expect(revisions(store.db)[1].step).toBeNull();
    step(3);
    expect(revisions(store.db)[1].step).toBe(3);
    expect(await firstDamage(store.db)).toBeNull();
    store.dropAfter(2, { revisions: 'drop' });
    expect(settingsInForce(store).settings.beta).toBe(0.04);
  });

  it('go back with the rewards, as a revision of their own', () => {
    open();
    editRewards(store.db, { weights: { format: 0.5 }, base_revision: 1, ...told });
    set({ temperature: 0.8 });
    const back = revertTo(store.db, { revision: 1, ...told });
    expect(back).toMatchObject({ revision: 4, weights: { format: 1 }, settings: { temperature: 1 }, reason: 'back to revision 1' });
    expect(() => revertTo(store.db, { revision: 1, ...told })).toThrow(expect.objectContaining({ code: 'REWARDS_UNCHANGED' }));
    expect(() => revertTo(store.db, { revision: 9, ...told })).toThrow('There is no revision 9; the newest is 4.');
  });

  it('do not go back to what this run cannot have, as a fork that began without a reference', () => {
    open();
    set({ beta: 0 });
    store.db.exec("UPDATE run SET config = json_set(config, '$.beta', 0)"); // revision 1 was its parent's
    const before = revisions(store.db);
    expect(() => revertTo(store.db, { revision: 1, ...told })).toThrow(
      expect.objectContaining({ code: 'SETTING_FIXED', message: expect.stringMatching(/^beta of run x cannot .* began with beta 0/) }),
    );
    expect(revisions(store.db)).toEqual(before);
  });

  it('and rewards are edited side by side: neither edit makes the other stale', () => {
    open();
    set({ beta: 0.02 });
    editRewards(store.db, { weights: { format: 0.5 }, base_revision: 1, ...told });
    expect(() => editRewards(store.db, { weights: { format: 0.1 }, base_revision: 1, ...told })).toThrow(
      expect.objectContaining({ code: 'REWARDS_STALE' }),
    );
    const made = editSettings(store.db, { settings: { beta: 0.03 }, base_revision: 2, ...told });
    expect(made).toMatchObject({ weights: { format: 0.5 }, settings: { beta: 0.03 } });
    expect(() => editSettings(store.db, { settings: { beta: 0.05 }, base_revision: 1, ...told })).toThrow(
      expect.objectContaining({ code: 'REWARDS_STALE' }),
    );
  });

  it.each<[string, Partial<TrainConfig>, Record<string, unknown>, string, RegExp]>([
    ['no live key', {}, { lora_r: 8 }, 'SETTING_FIXED', /lora_r of run x cannot be changed while it trains: what can be is learning_rate/],
    ['no key at all', {}, { learning_rat: 1 }, 'CONFIG_UNKNOWN_KEY', /"learning_rat" that is not known/],
    ['a value out of its range', {}, { temperature: 0 }, 'CONFIG_INVALID', /temperature is 0/],
    ['values that do not go together', {}, { delta: 1.1 }, 'CONFIG_INVALID', /delta is 1\.1; it must exceed 1 \+ epsilon/],
    [
      'a batch that is not whole',
      { dp_shards: 1 },
      { num_generations: 5 },
      'CONFIG_INVALID',
      /num_generations is 5; it must leave whole groups in the 16 completions of a step: 2, 4, 8, 16\./,
    ],
    [
      'shards that are not whole',
      {},
      { num_generations: 16 },
      'CONFIG_INVALID',
      /num_generations is 16; it must leave whole groups in the 16 completions of a step, and as many for each of 2 shards: 2, 4, 8\./,
    ],
    ['evaluations without a split', {}, { eval_steps: 5 }, 'SETTING_FIXED', /eval_steps of run x .*it has no dataset_test_split/],
    ['those of fine-tuning, too', { trainer: 'sft' }, { eval_steps: 5 }, 'SETTING_FIXED', /it has no dataset_test_split/],
    ['a KL term without a reference', { beta: 0 }, { beta: 0.04 }, 'SETTING_FIXED', /it began with beta 0, so there is no reference model/],
    ['what fine-tuning does not use', { trainer: 'sft' }, { temperature: 0.5 }, 'SETTING_FIXED', /supervised fine-tuning does not use it/],
    ['nothing', {}, { beta: 0.04 }, 'REWARDS_UNCHANGED', /changes nothing/],
  ])('refuse %s, and stay', (_, changes, settings, code, message) => {
    open(changes);
    const before = revisions(store.db);
    expect(() => set(settings)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
    expect(revisions(store.db)).toEqual(before);
  });

  it('of a pair refuse what would show the two other questions', () => {
    open({}, true);
    expect(() => set({ num_generations: 4 })).toThrow(/num_generations of run x .* the runs of a pair see the same questions/);
    expect(settingsInForce(store).fixed).toHaveProperty('dynamic_sampling');
    set({ beta: 0.01 });
  });

  it('of an adapter take a KL term later', () => {
    open({ beta: 0, use_peft: true });
    expect(set({ beta: 0.04 }).settings!.beta).toBe(0.04);
  });

  it('of fine-tuning begin their revisions with the first edit', () => {
    open({ trainer: 'sft' });
    expect(revisions(store.db)).toEqual([]);
    set({ learning_rate: 2e-6 });
    expect(revisions(store.db).map(({ settings }) => settings!.learning_rate)).toEqual([1e-6, 2e-6]);
  });
});

it('a run made before settings could be changed opens, keeps its digests, and takes an edit', async () => {
  open();
  store.db.exec(
    'UPDATE reward_revision SET parameters = NULL, weight_schedules = NULL, settings = NULL; UPDATE run SET facts_digest = NULL',
  );
  store.db.exec('UPDATE event SET digest = NULL; UPDATE reward_revision SET digest = NULL');
  for (const column of ['parameters', 'weight_schedules', 'settings']) store.db.exec(`ALTER TABLE reward_revision DROP COLUMN ${column}`);
  store[Symbol.dispose]();
  store = RunStore.open(directory);
  store.seal(); // as the version of before did: over the columns that it had
  step(1);
  expect(await firstDamage(store.db)).toBeNull();
  expect(settingsInForce(store)).toMatchObject({ revision: 1, settings: { beta: 0.04 } });
  set({ beta: 0.01 });
  step(2);
  expect(await firstDamage(store.db)).toBeNull();
  store.db.exec(`UPDATE reward_revision SET settings = replace(settings, '0.01', '0.02') WHERE revision = 2`);
  expect(await firstDamage(store.db)).toMatchObject({ step: 2 });
});

describe('weights and parameters that follow the step', () => {
  const edit = (change: Partial<Parameters<typeof editRewards>[1]>) =>
    editRewards(store.db, { weights: {}, base_revision: revisions(store.db).at(-1)!.revision, ...told, ...change });
  const fade = { schedule: 'linear', from: 1, to: 0 } as const;

  it('start with the next step where they do not say when, and keep their steps over later edits', () => {
    open();
    step(1);
    edit({ weight_schedules: { format: { ...fade, over: 10 } } });
    expect(edit({ weights: { accuracy: 2, format: 1 } })).toMatchObject({
      weights: { accuracy: 2, format: 1 },
      weight_schedules: { format: { start: 2, end: 12 } },
    });
  });

  it('end with a weight that is given anew, or with null', () => {
    open();
    edit({ weight_schedules: { format: { ...fade, over: 10 } } });
    expect(edit({ weights: { format: 0.3 } })).toMatchObject({ weights: { format: 0.3 }, weight_schedules: {} });
    edit({ weight_schedules: { format: { ...fade, over: 10 } } });
    expect(edit({ weight_schedules: { format: null } })).toMatchObject({ weights: { format: 1 }, weight_schedules: {} });
  });

  it('parameters go back to their default, and go with their function', () => {
    open();
    edit({
      weights: { soft_overlong_punishment: 1 },
      parameters: { soft_overlong_punishment: { soft_punish_cache: 9, max_completion_len: 99 } },
    });
    expect(edit({ parameters: { soft_overlong_punishment: { soft_punish_cache: null } } }).parameters).toEqual({
      soft_overlong_punishment: { max_completion_len: 99 },
    });
    expect(edit({ remove: ['soft_overlong_punishment'] }).parameters).toEqual({});
  });

  it.each<[string, Partial<Parameters<typeof editRewards>[1]>, RegExp]>([
    ['of a function that is not there', { parameters: { length: { low: 1 } } }, /"length", which is none of the reward functions/],
    [
      'that the function has not',
      { parameters: { soft_overlong_punishment: { cache: 1 } } },
      /no parameter "cache"; it has max_completion_len/,
    ],
    ['of a function without any', { parameters: { format: { low: 1 } } }, /reward format has no parameter "low", nor any other/],
    [
      'of another kind',
      { parameters: { soft_overlong_punishment: { soft_punish_cache: 'two' } } },
      /soft_punish_cache of reward .* is "two"/,
    ],
    ['out of range', { parameters: { soft_overlong_punishment: { soft_punish_cache: -1 } } }, /is -1/],
    [
      'out of range at the end of a schedule',
      { parameters: { soft_overlong_punishment: { soft_punish_cache: { schedule: 'linear', from: 3, to: -1, over: 4 } } } },
      /is -1/,
    ],
    ['without an end', { weight_schedules: { format: fade } }, /must hold either end or over/],
  ])('refuses a parameter or schedule %s', (_, change, message) => {
    open({ reward_funcs: ['accuracy', 'format', 'soft_overlong_punishment'] });
    expect(() => edit(change)).toThrow(expect.objectContaining({ code: 'REWARD_PARAMETER', message: expect.stringMatching(message) }));
  });
});
