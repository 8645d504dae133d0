/** Logs of Hugging Face's Trainer made into runs; test/parity/trl-log.test.ts does it with logs that TRL wrote. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetWriteFile } from 'hyparquet-writer';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PYARROW } from '../data/readers/parquet.fixtures.ts';
import { NO_ALERT_SETTINGS, NO_RUN_ALERT_SETTINGS } from '../protocol/alerts.ts';
import { alertsOf, RunWatch } from './alerts.ts';
import { importRun } from './import.ts';
import { readGroups } from './groups.ts';
import { forkRun, rollbackRun } from './lineage.ts';
import { readMetrics } from './metrics.ts';
import { editSettings, settingsInForce } from './rewards.ts';
import type { RunStore } from './store.ts';
import { verifyRun } from './verify.ts';

let home: string;
let out: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'medr1-import-'));
  out = join(home, 'output');
  mkdirSync(out);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** A state as the Trainer writes it into a checkpoint. */
function checkpoint(step: number, state: object | string, folder = out): string {
  const directory = join(folder, `checkpoint-${step}`);
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'trainer_state.json');
  writeFileSync(file, typeof state === 'string' ? state : JSON.stringify(state));
  return file;
}

const row = (step: number, metrics: Record<string, unknown> = {}) => ({ step, epoch: step / 10, loss: 1 / step, ...metrics });
const history = (steps: number[], metrics = {}) => ({ global_step: steps.at(-1), log_history: steps.map((step) => row(step, metrics)) });
const metricsOf = (run: RunStore) => readMetrics(run.db, {});

it('is a finished run with the metrics under their names, whole by its digests', async () => {
  const log = [
    row(1, { reward: 0.5, 'rewards/a/mean': 0.5, mine: 3, 'learning rate, of a sort': 2 }),
    row(2, { reward: 1, 'rewards/a/mean': 1 }),
    { step: 2, eval_reward: 0.25 },
    { step: 2, train_runtime: 12 },
  ];
  checkpoint(2, { max_steps: 4, eval_steps: 2, save_steps: 500, num_train_epochs: 3, log_history: log });
  using run = await importRun(home, out);
  const { state, step, total_steps, variant, name, imported, trainer } = run.summary();
  expect([state, step, total_steps, variant, name, trainer]).toEqual(['finished', 2, 4, '', 'output', 'grpo']);
  expect(imported).toMatchObject({ from: join(out, 'checkpoint-2/trainer_state.json'), stride: 1, weights: { a: 1 } });
  expect(imported!.keys).toEqual(['trainer', 'max_steps', 'num_train_epochs', 'eval_steps', 'save_steps']);
  expect(imported!.lacks).toContain('The log ends at step 2 of 4.');
  expect(metricsOf(run).metrics).toEqual({
    epoch: [0.1, 0.2],
    loss: [1, 0.5],
    reward: [0.5, 1],
    'rewards/a/mean': [0.5, 1],
    mine: [3, null],
    'learning rate, of a sort': [2, null],
    train_runtime: [null, 12],
    eval_reward: [null, 0.25],
  });
  expect(run.events(0).map(({ kind, step: at }) => [kind, at])).toEqual([
    ['state', 0],
    ['step', 1],
    ['step', 2],
    ['evaluation', 2],
    ['state', 2],
  ]);
  expect(run.detail().rewards).toEqual([]);
  expect(await verifyRun(run)).toMatchObject({ digests: true, steps: 2 });
});

it.each([
  ['of a folder with checkpoints the newest', () => out, 30],
  ['of a checkpoint its own', () => join(out, 'checkpoint-20'), 20],
  ['a file', () => join(out, 'checkpoint-10/trainer_state.json'), 10],
])('reads %s', async (_, path, step) => {
  for (const last of [10, 20, 30]) checkpoint(last, history([1, last]));
  using run = await importRun(home, path());
  expect(run.step).toBe(step);
});

it('reads the state of the end where it is newer than the checkpoints, and theirs where it is older', async () => {
  const newest = checkpoint(20, history([20]));
  const end = join(out, 'trainer_state.json');
  writeFileSync(end, JSON.stringify(history([25])));
  utimesSync(newest, 1000, 1000);
  expect((await importRun(home, out)).step).toBe(25);
  utimesSync(end, 500, 500);
  expect((await importRun(home, out)).step).toBe(20);
});

it('passes over a checkpoint that was cut off while it was written, and says so', async () => {
  checkpoint(10, history([10]));
  const cut = checkpoint(20, '{"log_history": [{"step": 1');
  using run = await importRun(home, out);
  expect(run.step).toBe(10);
  expect(run.summary().imported!.lacks.join(' ')).toContain(`${cut} cannot be read`);
});

it('keeps NaN and infinities, written as words or as texts, apart from what is missing', async () => {
  checkpoint(
    3,
    '{"log_history": [{"step": 1, "loss": NaN}, {"step": 2, "loss": "Infinity"}, {"step": 3, "loss": null, "note": "NaN, -Infinity"}]}',
  );
  using run = await importRun(home, out);
  const { metrics, non_finite } = metricsOf(run);
  expect(metrics.loss).toEqual([null, null, null]);
  expect(non_finite).toEqual({
    loss: [
      [1, 'NaN'],
      [2, 'Infinity'],
    ],
  });
  expect(run.summary().imported!.lacks.join(' ')).toContain('1 values are no numbers, or their names cannot be kept: note.');
});

it('takes what is usable of rows from anywhere', async () => {
  const steps = [1, '2', 2.5, -1, 1e15, null, undefined].map((step) => ({ step, loss: 1 }));
  const log = [
    'row',
    null,
    [],
    7,
    {},
    ...steps,
    { step: 0, eval_loss: 2 },
    { step: 2, loss: {}, ['__proto__x']: 1, ['a\u0000b']: 1 },
    { step: 1, loss: 4 },
  ];
  checkpoint(2, JSON.stringify({ log_history: log }).replace('__proto__x', '__proto__'));
  using run = await importRun(home, out);
  expect(metricsOf(run)).toMatchObject({ step: [1, 2], metrics: { loss: [4, null] } });
  expect(Object.keys(metricsOf(run).metrics)).toEqual(['loss']);
  const lacks = run.summary().imported!.lacks.join(' ');
  expect(lacks).toContain('11 rows of the log have no step');
  expect(lacks).toContain('before the first step');
  expect(lacks).toContain('3 values are no numbers, or their names cannot be kept');
});

it.each([
  ['no such path', () => join(out, 'absent'), 'IMPORT_NOT_FOUND'],
  ['a folder without a log', () => out, 'IMPORT_NOT_FOUND'],
  ['no log_history', () => checkpoint(1, { global_step: 1 }), 'IMPORT_UNREADABLE'],
  ['a log_history that is no list', () => checkpoint(1, { log_history: { step: 1 } }), 'IMPORT_UNREADABLE'],
  ['an empty log', () => checkpoint(1, { log_history: [] }), 'IMPORT_UNREADABLE'],
  ['a list', () => checkpoint(1, '[]'), 'IMPORT_UNREADABLE'],
  ['no JSON', () => checkpoint(1, '<html>'), 'IMPORT_UNREADABLE'],
  ['brackets without end', () => checkpoint(1, '['.repeat(1e5)), 'IMPORT_UNREADABLE'],
  ['a device', () => '/dev/zero', 'IMPORT_UNREADABLE'],
  ['a pipe', () => (execFileSync('mkfifo', [join(out, 'trainer_state.json')]), out), 'IMPORT_UNREADABLE'],
  ['a gigabyte', () => (truncateSync(checkpoint(1, ''), 2 ** 30), out), 'IMPORT_UNREADABLE'],
])('refuses %s by name and leaves nothing', async (_, path, code) => {
  const given = path();
  await expect(importRun(home, given)).rejects.toMatchObject({ code, message: expect.stringContaining(given) });
  expect(readdirSync(home)).toEqual(['output']);
});

it('leaves out completions that are none, and says why', async () => {
  checkpoint(4, history([1, 2, 3, 4], { reward: 1 }));
  const folder = join(out, 'completions');
  mkdirSync(folder);
  writeFileSync(join(folder, 'completions_00001.parquet'), 'PAR1 it is not');
  writeFileSync(join(folder, 'completions_00002.parquet'), Buffer.from(PYARROW.zstd, 'base64'));
  execFileSync('mkfifo', [join(folder, 'completions_00003.parquet')]);
  writeFileSync(join(folder, 'completions_00009.parquet'), '');
  using run = await importRun(home, out);
  const lacks = run.summary().imported!.lacks.join('\n');
  expect(lacks).toMatch(/Completions of step 1 were left out: the file cannot be read/);
  expect(lacks).toMatch(/Completions of step 2 were left out: .*no columns prompt and completion/);
  expect(lacks).toMatch(/Completions of step 3 were left out: .*named pipe/);
  expect(lacks).toMatch(/Completions of step 9 were left out: the log does not reach them/);
});

it('has a row for each step, and rules count the steps that were logged', async () => {
  const log = Array.from({ length: 12 }, (_, i) => row(10 * (i + 1), { 'completions/clipped_ratio': i < 2 ? 0 : 0.9 }));
  checkpoint(120, { log_history: log });
  using run = await importRun(home, out);
  expect(run.summary().imported).toMatchObject({ stride: 10 });
  expect(metricsOf(run).step).toHaveLength(120);
  expect(await verifyRun(run)).toMatchObject({ steps: 120 });
  using watch = RunWatch.of(run, NO_ALERT_SETTINGS);
  await watch.look(() => run.db, run.row().config);
  const [alert] = alertsOf(run, watch, NO_RUN_ALERT_SETTINGS);
  // a mean over five that were logged
  expect([alert.rule, alert.since]).toEqual(['truncated', 50]);
  expect(alert.seen).toContain('in steps 10 to 50');
  expect(alert.on).toBe(true);
});

it('is told remedies that cannot be carried out with it as texts, by the weights that the log tells', async () => {
  const means = { 'rewards/accuracy/mean': 0.3, 'rewards/format/mean': 1, 'rewards/format/std': 0, accuracy: 0.3, reward: 1.3 };
  checkpoint(
    60,
    history(
      [...Array(60).keys()].map((i) => i + 1),
      means,
    ),
  );
  using run = await importRun(home, out);
  expect(run.summary().imported!.weights).toEqual({ accuracy: 1, format: 1 });
  using watch = RunWatch.of(run, NO_ALERT_SETTINGS);
  await watch.look(() => run.db, run.row().config);
  const saturated = alertsOf(run, watch, NO_RUN_ALERT_SETTINGS).find(({ rule }) => rule === 'format_saturated')!;
  expect(saturated.remedies).toEqual([{ kind: 'look', text: 'Set the weight of format to 0.2' }]);
});

/** A table of completions as TRL writes it for prompts that are texts: two questions of three completions a step. */
function completions(step: number, rows: { prompt: string; a: number | null; advantage: number }[]): void {
  mkdirSync(join(out, 'completions'), { recursive: true });
  const column = (name: string, data: unknown[], type: 'STRING' | 'DOUBLE') => ({ name, data, type, nullable: true });
  parquetWriteFile({
    filename: join(out, `completions/completions_${String(step).padStart(5, '0')}.parquet`),
    columnData: [
      column(
        'prompt',
        rows.map(({ prompt }) => prompt),
        'STRING',
      ),
      column(
        'completion',
        rows.map((_, i) => `<answer> ${'ABC'[i % 3]} </answer>`),
        'STRING',
      ),
      column(
        'a',
        rows.map(({ a }) => a),
        'DOUBLE',
      ),
      column(
        'said',
        rows.map(() => 'beside the rewards'),
        'STRING',
      ),
      column(
        'advantage',
        rows.map(({ advantage }) => advantage),
        'DOUBLE',
      ),
    ],
  });
}
const prompts = (...texts: string[]) => texts.flatMap((prompt) => [prompt, prompt, prompt]);
const table = (texts: string[], a: (number | null)[]) =>
  prompts(...texts).map((prompt, i) => {
    const own = a.slice(3 * Math.floor(i / 3), 3 * Math.floor(i / 3) + 3).map((value) => value ?? 0);
    return { prompt, a: a[i], advantage: a[i] === null ? 0 : a[i] - own.reduce((sum, value) => sum + value, 0) / 3 };
  });
const logged = (step: number, mean: number | null) => row(step, { reward: mean, 'rewards/a/mean': mean });

it('puts completions into groups by prompts and advantages, with rewards and readings', async () => {
  checkpoint(3, { log_history: [logged(1, 0.5), logged(2, 0.5), logged(3, null)] });
  completions(1, table(['one', 'two'], [1, 0, 0.5, 1, 1, -0.5]));
  completions(2, table(['the same', 'the same'], [1, 0, 0.5, 1, 1, -0.5])); // with other images, as prompts without their images are
  using run = await importRun(home, out);
  expect(run.row().config.num_generations).toBe(3);
  const groups = readGroups(run.db, { from: 1, to: 9, limit: 9, offset: 0 });
  expect(groups.map(({ step, group, question, reward_mean, reward_std }) => [step, group, question, reward_mean, reward_std])).toEqual([
    [1, 0, 'one', 0.5, 0.5],
    [1, 1, 'two', 0.5, expect.closeTo(0.866, 3)],
    [2, 0, 'the same', 0.5, 0.5],
    [2, 1, 'the same', 0.5, expect.closeTo(0.866, 3)],
  ]);
  const [first] = groups[0].completions;
  expect(first).toMatchObject({
    text: '<answer> A </answer>',
    prediction: 'A',
    correct: null,
    rewards: { a: 1 },
    reward: 1,
    advantage: 0.5,
    token_ids: [],
  });
  expect(run.summary().imported!.lacks.join(' ')).not.toContain('were left out');
});

it('leaves out rows that an evaluation wrote over those of training, rows of a step before, and what the log contradicts', async () => {
  const evaluated = { step: 2, eval_reward: 0.25, 'eval_rewards/a/mean': 0.25 };
  checkpoint(5, { log_history: [logged(1, 0.5), logged(2, 0.5), evaluated, row(3), logged(4, 0.5), logged(5, 0.5)] });
  const right = [1, 0, 0.5, 1, 1, -0.5];
  completions(1, table(['one', 'two'], right));
  completions(2, table(['one', 'two'], [0.75, 0, 0, 0.75, 0, 0]));
  completions(3, table(['one', 'two'], right));
  completions(4, table(['one', 'two'], [1, 1, 1, 1, 1, 1]));
  completions(5, table(['one', 'two'], right));
  using run = await importRun(home, out);
  expect(readGroups(run.db, { from: 1, to: 9, limit: 99, offset: 0 }).map(({ step }) => step)).toEqual([1, 1, 5, 5]);
  const lacks = run.summary().imported!.lacks.join('\n');
  expect(lacks).toContain('Completions of step 2 were left out: the evaluation at the same step wrote over them.');
  expect(lacks).toContain('Completions of step 3 were left out: nothing was sampled at the step: they are of one before it.');
  expect(lacks).toContain('Completions of step 4 were left out: their rewards are not those that were logged.');
});

it('asks for the size of groups where nothing tells it, and takes it', async () => {
  checkpoint(1, { log_history: [logged(1, 0.5)] });
  const shuffled = ['one', 'two', 'one', 'two', 'one', 'two'].map((prompt, i) => ({ prompt, a: i % 2, advantage: i % 2 ? 1 : -0.5 }));
  completions(1, shuffled);
  using untold = await importRun(home, out);
  expect(untold.summary().imported!.lacks.join(' ')).toContain('cannot be told from their prompts and advantages');
  using told = await importRun(home, out, { num_generations: 2, name: 'told' });
  expect(readGroups(told.db, { from: 1, to: 1, limit: 9, offset: 0 })).toHaveLength(3);
  using wrong = await importRun(home, out, { num_generations: 4 });
  expect(wrong.summary().imported!.lacks.join(' ')).toContain('no multiple of 4');
});

it('is not trained, forked, rolled back or edited', async () => {
  checkpoint(2, history([1, 2]));
  using run = await importRun(home, out);
  const edit = { settings: { beta: 1 }, reason: '', author: '', time: 0 };
  for (const refused of [
    () => run.enqueue(),
    () => forkRun(home, run, 1, {}),
    () => rollbackRun(run, 1),
    () => editSettings(run.db, edit),
    () => settingsInForce(run),
  ])
    await expect((async () => refused())()).rejects.toMatchObject({ code: 'RUN_IMPORTED', message: expect.stringContaining(run.row().id) });
  expect(run.row().state).toBe('finished');
});
