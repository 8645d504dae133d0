/** Users' reward functions over the wire: made, tried, changed, failing, mended, rolled back. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunStore } from '../../kernel-bridge/src/runs/store.ts';
import { ENDLESS, reached, testServer, until, type TestServer } from './harness.ts';

let t: TestServer;
beforeAll(async () => {
  t = await testServer();
});
afterAll(() => t.close());

const LENGTH = 'export default (completions: string[]) => completions.map((text) => text.length);';
const FAILS_AT_4 = `export default (completions: string[], { step }: { step: number }) => {
  if (step === 4) throw new Error('no such step');
  return completions.map(() => 1);
};`;
const funcs = (...names: string[]) => ({ reward_funcs: ['accuracy', ...names], ...ENDLESS });
const pausedRun = async (changes: Record<string, unknown>, reward_files: Record<string, string>) => {
  const { id } = await t.client.createRun(t.config(changes), { reward_files });
  await until(async () => ((await t.client.run(id)).summary.step >= 3 ? true : 'no step'));
  await t.client.action(id, 'pause');
  return reached(t.client, id, 'paused');
};
const groupsAt = async (id: string, step: number) => (await t.client.groups(id, { step })).groups.flatMap(({ completions }) => completions);

describe('a run', () => {
  it('keeps the source it was given: the file may change or go', async () => {
    const file = join(t.home, 'length.ts');
    writeFileSync(file, LENGTH);
    const { id } = await t.client.createRun(t.config({ reward_funcs: ['accuracy', file], max_steps: 3 }), { start: false });
    writeFileSync(file, 'export default () => [];');
    await t.client.action(id, 'start');
    await reached(t.client, id, 'finished');
    for (const { rewards, text } of await groupsAt(id, 2)) expect(rewards).toMatchObject({ length: text.length });
    const [{ sources, weights }] = await t.client.rewards(id);
    expect(weights).toEqual({ accuracy: 1, length: 1 });
    expect(sources.length).toMatchObject({ file: 'length.ts', source: LENGTH });
  });

  it.each([
    ['REWARD_SYNTAX', 'export default (all) => [', /mine\.ts:1/],
    ['REWARD_THREW', 'export default (all) => all.map((text) => text.missing.length);', /mine\.ts:1.*completion 0 of 4/],
    ['REWARD_LENGTH', 'export default () => [1];', /1 values for 4 completions/],
    ['REWARD_TESTS', `export const tests = [{ completion: 'a', expected: 2 }]; ${LENGTH}`, /test 1 expects 2 and got 1/],
  ])('with a function that is %s is not made', async (code, source, message) => {
    const before = (await t.client.runs()).length;
    const made = t.client.createRun(t.config(funcs('mine.ts')), { reward_files: { 'mine.ts': source } });
    await expect(made).rejects.toMatchObject({ code, http: 422, message: expect.stringMatching(message) });
    expect(await t.client.runs()).toHaveLength(before);
  });

  it('pauses when a function fails in training, and takes the same step again once it is mended', async () => {
    const { id } = await t.client.createRun(t.config({ ...funcs('mine.ts'), max_steps: 6 }), { reward_files: { 'mine.ts': FAILS_AT_4 } });
    const { step, error } = await reached(t.client, id, 'paused');
    expect(step).toBe(3);
    expect(error).toMatchObject({
      code: 'REWARD_THREW',
      message: expect.stringMatching(/reward mine \(mine\.ts:2\) threw Error: no such step for completion 0 of 4/),
      remedy: expect.stringMatching(/resume: step 4 is taken again/),
    });
    const revision = await t.client.editRewards(id, { weights: {}, files: { 'mine.ts': LENGTH }, base_revision: 1 });
    expect(revision).toMatchObject({ revision: 2, step: null, weights: { accuracy: 1, mine: 1 } });
    await t.client.action(id, 'resume');
    const { summary } = await reached(t.client, id, 'finished').then(() => t.client.run(id));
    expect(summary).toMatchObject({ step: 6, error: null });
    expect((await t.client.rewards(id)).map((one) => one.step)).toEqual([1, 4]);
    expect((await groupsAt(id, 3)).every(({ rewards }) => rewards.mine === 1)).toBe(true);
    expect((await groupsAt(id, 4)).every(({ rewards, text }) => rewards.mine === text.length)).toBe(true);
  });

  it('that was stopped while its function fails goes on with the mended one', async () => {
    const { id } = await t.client.createRun(t.config({ ...funcs('mine.ts'), max_steps: 5 }), { reward_files: { 'mine.ts': FAILS_AT_4 } });
    await reached(t.client, id, 'paused');
    await t.client.action(id, 'stop');
    await reached(t.client, id, 'stopped');
    await t.client.editRewards(id, { weights: {}, files: { 'mine.ts': LENGTH }, base_revision: 1 });
    await t.client.action(id, 'resume');
    await reached(t.client, id, 'finished');
    expect((await groupsAt(id, 4)).every(({ rewards, text }) => rewards.mine === text.length)).toBe(true);
  });
});

describe('an edit', () => {
  it('of a finished run is refused: it would never come into force', async () => {
    const { id } = await t.client.createRun(t.config({ max_steps: 1 }));
    await reached(t.client, id, 'finished');
    const edit = t.client.editRewards(id, { weights: { accuracy: 3 }, base_revision: 1 });
    await expect(edit).rejects.toMatchObject({
      http: 409,
      message: expect.stringContaining('finished'),
      remedy: expect.stringContaining('Fork'),
    });
    expect(await t.client.rewards(id)).toHaveLength(1);
  });

  it('adds, changes and removes functions, and the log says what was there before', async () => {
    const { id, step } = await pausedRun(funcs('mine.ts'), { 'mine.ts': LENGTH });
    const change = { weights: { format: 0.5 }, files: { 'other.js': 'export default (all) => all.map(() => null);' }, remove: ['mine'] };
    const revision = await t.client.editRewards(id, { ...change, reason: 'try', base_revision: 1 });
    expect(revision.weights).toEqual({ accuracy: 1, other: 1, format: 0.5 });
    expect(Object.keys(revision.sources)).toEqual(['other']);
    await t.client.action(id, 'resume');
    await until(async () => ((await t.client.run(id)).summary.step > step + 1 ? true : 'no step'));
    await t.client.action(id, 'stop');
    await reached(t.client, id, 'stopped');
    expect((await groupsAt(id, step + 1))[0].rewards).toEqual({ accuracy: expect.any(Number), other: null, format: expect.any(Number) });
    const { events } = await t.client.events(id, { kinds: ['rewards'] });
    expect(events.at(-1)).toMatchObject({
      step: step + 1,
      revision: { revision: 2 },
      previous: { accuracy: 1, mine: 1 },
      previous_sources: { mine: { source: LENGTH } },
    });
  });

  it.each<[string, Parameters<TestServer['client']['editRewards']>[1], string]>([
    ['a source that throws', { weights: {}, files: { 'bad.ts': 'export default () => { throw 1; };' }, base_revision: 1 }, 'REWARD_THREW'],
    ['a name that is built in', { weights: {}, files: { 'format.ts': LENGTH }, base_revision: 1 }, 'REWARD_NAME'],
    ['an unknown function', { weights: { acuracy: 1 }, base_revision: 1 }, 'REWARD_UNKNOWN'],
    ['nothing at all', { weights: {}, base_revision: 1 }, 'REWARDS_UNCHANGED'],
    ['the same again', { weights: { accuracy: 1 }, files: { 'mine.ts': LENGTH }, base_revision: 1 }, 'REWARDS_UNCHANGED'],
    ['the removal of all', { weights: {}, remove: ['accuracy', 'mine'], base_revision: 1 }, 'REWARDS_EMPTY'],
    ['another revision', { weights: {}, base_revision: 7 }, 'REWARDS_STALE'],
  ])('with %s changes nothing', async (_, edit, code) => {
    const { id } = await t.client.createRun(t.config(funcs('mine.ts')), { start: false, reward_files: { 'mine.ts': LENGTH } });
    await expect(t.client.editRewards(id, edit)).rejects.toMatchObject({ code });
    expect(await t.client.rewards(id)).toHaveLength(1);
  });

  it('is dropped by a roll-back to before it, and taken up again by a resume', async () => {
    const { id, step } = await pausedRun(funcs('mine.ts'), { 'mine.ts': LENGTH });
    await t.client.action(id, 'checkpoint');
    await until(async () => ((await t.client.run(id)).checkpoints.length > 0 ? true : 'no checkpoint'));
    await t.client.editRewards(id, { weights: {}, files: { 'mine.ts': 'export default (all) => all.map(() => 9);' }, base_revision: 1 });
    await t.client.action(id, 'resume');
    await until(async () => ((await t.client.run(id)).summary.step > step + 1 ? true : 'no step'));
    await t.client.action(id, 'stop');
    await reached(t.client, id, 'stopped');
    await t.client.rollback(id, { step });
    expect(await t.client.rewards(id)).toHaveLength(1);
    await t.client.action(id, 'resume');
    await until(async () => ((await t.client.run(id)).summary.step > step + 1 ? true : 'no step'));
    await t.client.action(id, 'stop');
    await reached(t.client, id, 'stopped');
    expect((await groupsAt(id, step + 1)).every(({ rewards, text }) => rewards.mine === text.length)).toBe(true);
  });
});

describe('a try', () => {
  it('scores stored rollouts and changes nothing', async () => {
    // steps slow enough that all of them are few enough to be tried
    const { id, step } = await pausedRun({ ...funcs(), learning_rate: 0.2 }, {});
    const files = {
      'length.ts': LENGTH,
      'odd.ts': `export default (_: unknown, { step }: any) => { if (step === 2) throw new Error('odd'); return _.map(() => 1); }`,
    };
    const { reports, groups } = await t.client.tryRewards(id, { files, built_in: ['format'], steps: 200 });
    expect(reports.map(({ name, error }) => [name, error?.code ?? null])).toEqual([
      ['length', null],
      ['odd', 'REWARD_THREW'],
      ['format', null],
    ]);
    expect(reports[0]).toMatchObject({
      completions: step * 8,
      not_applicable: 0,
      mean: expect.any(Number),
      ms_per_completion: expect.any(Number),
    });
    expect(groups).toHaveLength(step * 2);
    expect(groups[0].stored).toEqual({ accuracy: [1, 1, 1, 1], format: [1, 1, 1, 1] });
    const [stored] = (await t.client.groups(id, { step })).groups;
    expect(groups.find((one) => one.step === step && one.group === 0)!.rewards.length).toEqual(
      stored.completions.map(({ text }) => text.length),
    );
    expect(reports.map(({ failed, completions }) => [failed, completions])).toEqual([
      [0, step * 8],
      [8, step * 8 - 8],
      [0, step * 8],
    ]);
    expect(groups.find((one) => one.step === 2)).toMatchObject({
      rewards: { odd: [null, null, null, null], length: [44, 44, 44, 44] },
      failing: { odd: [0, 1, 2, 3] },
    });
    expect(groups.find((one) => one.step === 3)!.rewards.odd).toEqual([1, 1, 1, 1]);
    expect(await t.client.rewards(id)).toHaveLength(1);
  });

  it('of a file that cannot be one is refused', async () => {
    const { id } = await t.client.createRun(t.config(funcs()), { start: false });
    await expect(t.client.tryRewards(id, { files: { 'x.py': '' } })).rejects.toMatchObject({ code: 'REWARD_NAME' });
  });
});

describe('a look at functions before there is a run', () => {
  it('says of each what it is and what is wrong with it, and makes nothing', async () => {
    writeFileSync(join(t.home, 'disk.ts'), `export const tests = [{ completion: 'ab', expected: 2 }]; ${LENGTH}`);
    const checked = await t.client.checkRewards({
      reward_funcs: ['accuracy', join(t.home, 'disk.ts'), 'acuracy', 'gone/away.ts', 'syntax.ts', 'none.ts', 'syntax.ts', 'format.ts'],
      reward_files: { 'syntax.ts': 'export default (all) => [', 'none.ts': 'export const reward = () => [];', 'format.ts': LENGTH },
    });
    expect(checked.map(({ name, tests, error }) => [name, tests, error?.code ?? null])).toEqual([
      ['accuracy', null, null],
      ['disk', { passed: 1, total: 1 }, null],
      ['acuracy', null, 'REWARD_UNKNOWN'],
      ['away', null, 'REWARD_FILE'],
      ['syntax', null, 'REWARD_SYNTAX'],
      ['none', null, 'REWARD_EXPORT'],
      ['syntax', null, 'REWARD_NAME'],
      ['format', null, 'REWARD_NAME'],
    ]);
    expect(checked[1].sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(checked[3].error).toMatchObject({ message: expect.stringContaining('gone/away.ts'), remedy: expect.stringContaining('path') });
  });

  it('knows the variant and the length that the run would have', async () => {
    const source = `export default (all: string[], { variant, max_completion_length }: any) => {
      throw new Error(variant + max_completion_length);
    };`;
    const about = { reward_funcs: ['told.ts'], reward_files: { 'told.ts': source } };
    const [{ error }] = await t.client.checkRewards({ ...about, variant: 'no-think', max_completion_length: 33 });
    expect(error!.message).toContain('no-think33');
  });
});

it('runs made before there were sources are read as having none', async () => {
  const { id } = await t.client.createRun(t.config(funcs()), { start: false });
  const directory = (await t.client.run(id)).directory;
  using old = RunStore.open(directory);
  old.db.exec('ALTER TABLE reward_revision DROP COLUMN sources');
  using store = RunStore.open(directory);
  expect(store.detail().rewards).toMatchObject([{ weights: { accuracy: 1 }, sources: {} }]);
});

it('lists the built-in functions', async () => {
  expect((await t.client.builtInRewards()).map(({ name }) => name)).toContain('soft_overlong_punishment');
});

it('longer completions are held against the memory plan before they are taken', async () => {
  const large = t.config({ per_device_train_batch_size: 65_536, max_completion_length: 16 });
  const { id } = await t.client.createRun(large, { start: false });
  await expect(t.client.editSettings(id, { settings: { max_completion_length: 8192 } })).rejects.toThrow(
    /max_completion_length is 8192; it takes .* GiB by the memory plan, .* more than the run holds/,
  );
  expect((await t.client.editSettings(id, { settings: { max_completion_length: 8 } })).settings).toMatchObject({
    max_completion_length: 8,
  });
});

it('parameters, schedules and settings are edited, told and brought back over the wire', async () => {
  const { id } = await t.client.createRun(
    t.config({ reward_funcs: ['accuracy', 'length_band'], reward_parameters: { length_band: { low: 3 } } }),
    { start: false },
  );
  const known = (await t.client.builtInRewards()).find(({ name }) => name === 'length_band')!;
  expect(known.parameters.properties.slope).toMatchObject({ type: 'integer', default: 32, unit: 'tokens' });
  const low = { schedule: 'linear', from: 9, to: 3, start: 1, end: 5 } as const;
  await t.client.editRewards(id, { weights: {}, parameters: { length_band: { low } }, base_revision: 1 });
  await t.client.editSettings(id, { settings: { beta: 0.01, delta: 2 } });
  expect(await t.client.settings(id)).toMatchObject({ revision: 3, settings: { beta: 0.01, delta: 2 }, fixed: {} });
  expect((await t.client.rewards(id)).map(({ parameters }) => parameters)).toEqual(
    [{ low: 3 }, { low }, { low }].map((length_band) => ({ length_band })),
  );
  await expect(t.client.editSettings(id, { settings: { seed: 1 } })).rejects.toMatchObject({ code: 'SETTING_FIXED', http: 422 });
  await expect(t.client.editSettings(id, { settings: { beta: 1 }, base_revision: 1 })).rejects.toMatchObject({ code: 'REWARDS_STALE' });
  const back = await t.client.revert(id, { revision: 1, request_id: 'again' });
  expect(back).toMatchObject({ revision: 4, parameters: { length_band: { low: 3 } }, settings: { beta: 0.04, delta: null } });
  expect((await t.client.revert(id, { revision: 1, request_id: 'again' })).revision).toBe(4);
});
