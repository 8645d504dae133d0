/** `medr1 reproduce` with fake trainers: killed at any moment it goes on, does nothing twice and loses nothing. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listEvals, summaries } from '../../kernel-bridge/src/evals/evals.ts';
import { makeReport, markdown } from '../../kernel-bridge/src/reproduce/report.ts';
import { listRuns, openRun } from '../../kernel-bridge/src/runs/runs.ts';
import { fakeLoadItems } from './fake-trainer.ts';
import { fakeWorker, makeHome, testServer, until } from './harness.ts';
import { evaluationModule, fakePlan, reproduceFake } from './reproduce-harness.ts';

/** Processes start one after the other, on a machine that may be busy. */
const SLOW_MS = 60_000;

let made: ReturnType<typeof makeHome>;
beforeEach(() => {
  made = makeHome();
});
afterEach(() => made.remove());

const runs = () =>
  listRuns(made.home).map((id) => {
    using store = openRun(made.home, id);
    return store.summary();
  });
/** Parts that are done, with the moment they ended. */
const finished = (): Record<string, number | null> =>
  Object.fromEntries([...runs(), ...summaries(made.home)].flatMap((one) => (one.state === 'finished' ? [[one.id, one.ended_at]] : [])));
const start = (): ChildProcess =>
  spawn(process.execPath, [resolve(import.meta.dirname, 'fake-reproduce.ts'), made.home, made.model], { stdio: 'inherit' });

it('trains every checkpoint, evaluates it and the untrained model, and reports', async () => {
  const plan = fakePlan(made.model, { approaches: ['think', 'no-think'] });
  const worked = await reproduceFake(made.home, made.model, { plan });
  expect(worked.failed).toEqual([]);
  expect(runs().map(({ state, step }) => [state, step])).toEqual(Array(4).fill(['finished', 8]));
  expect([...worked.evaluations.keys()]).toEqual([
    'modality untrained think',
    'modality untrained no-think',
    'modality/CT think',
    'modality/MRI think',
    'modality/CT no-think',
    'modality/MRI no-think',
  ]);
  const report = await makeReport(made.home, plan, worked, (name) => fakeLoadItems(name, {}));
  expect(report.kinds[0].matrices.map(({ name, names }) => [name, names])).toEqual([
    ['grpo no-think', ['CT', 'MRI']],
    ['grpo think', ['CT', 'MRI']],
  ]);
  // every made item is CT and A: only that column is filled
  expect(report.kinds[0].matrices[0].cells.map((row) => row.map((cell) => cell?.strict.rate ?? null))).toEqual([
    [1, null],
    [1, null],
  ]);
  expect(report.kinds[0].differences[0]).toMatchObject({
    minuend: 'grpo no-think',
    strict: [
      [0, null],
      [0, null],
    ],
  });
  const text = markdown(report);
  expect(text).toContain('### grpo no-think minus grpo think, points');
  expect(text).toContain('| CT | +1.24 | +7.75 |');
  expect(text).toContain('| published | +1.67 | +2.70 |');
});

it('two slots work on two parts at a time, and the report is the same bytes in whatever order parts end', async () => {
  const reported = async (cpuSlots: number, firstStep_s: number): Promise<{ report: string; ended: number[] }> => {
    const other = makeHome();
    const plan = fakePlan(made.model, { approaches: ['think', 'no-think'] });
    // the time of a step is in no report
    plan.trainings.forEach(({ config }, i) => (config.learning_rate = i === 0 ? firstStep_s : 0.002));
    const devices = { cpuSlots, env: { CUDA_VISIBLE_DEVICES: '' } };
    const worked = await reproduceFake(other.home, made.model, { plan, devices });
    const report = await makeReport(other.home, plan, worked, (name) => fakeLoadItems(name, {}));
    const ends = [...worked.runs.values()].map((id) => {
      using store = openRun(other.home, id);
      return store.row().ended_at!;
    });
    other.remove();
    return { report: JSON.stringify(report) + markdown(report), ended: ends.map((_, i) => i).sort((i, j) => ends[i] - ends[j]) };
  };
  const two = await reported(2, 1);
  const one = await reported(1, 0.002);
  expect(one.ended).toEqual([0, 1, 2, 3]);
  expect(two.ended[0]).not.toBe(0); // another slot went on while the first trained
  expect(two.report).toBe(one.report);
});

it('a second time does nothing', async () => {
  await reproduceFake(made.home, made.model);
  const before = finished();
  expect(Object.keys(before)).toHaveLength(5);
  const nothing = resolve(import.meta.dirname, 'no-such-module.ts');
  const worked = await reproduceFake(made.home, made.model, { workerModule: nothing, evaluationModule: nothing });
  expect(worked.failed).toEqual([]);
  expect(finished()).toEqual(before);
});

it('killed with -9 again and again it ends with every part done once', async () => {
  let before: Record<string, number | null> = {};
  const moments: (() => boolean)[] = [
    () => runs().some(({ step }) => step > 0),
    () => runs().some(({ step }) => step > 4),
    () => Object.keys(finished()).length > 2,
  ];
  for (const moment of moments) {
    const child = start();
    await until(() => moment() || 'it gets on', SLOW_MS);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const now = finished();
    expect(now).toMatchObject(before); // what was done is not touched again
    before = now;
  }
  const worked = await reproduceFake(made.home, made.model);
  expect(worked.failed).toEqual([]);
  expect(finished()).toMatchObject(before);
  expect(listRuns(made.home)).toHaveLength(2);
  expect(listEvals(made.home)).toHaveLength(3);
  for (const id of listRuns(made.home)) {
    using store = openRun(made.home, id);
    const steps = store.db.prepare('SELECT step FROM step ORDER BY step').all();
    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  }
  expect(summaries(made.home).every(({ done, total, state }) => state === 'finished' && done === total)).toBe(true);
});

it('what waits shows as queued, and a stop leaves a state to go on from', async () => {
  const child = start();
  await until(() => (runs().length === 2 && runs().some(({ state }) => state === 'running') ? true : 'it trains'), SLOW_MS);
  expect(runs().filter(({ state }) => state === 'queued').length).toBe(1);
  await expect(reproduceFake(made.home, made.model)).rejects.toMatchObject({ code: 'REPRODUCE_BUSY' });
  child.kill('SIGTERM');
  await once(child, 'exit');
  expect(runs().some(({ state }) => ['running', 'starting'].includes(state))).toBe(false);
  expect((await reproduceFake(made.home, made.model)).failed).toEqual([]);
});

describe('a part that fails', () => {
  it('is named, and the others are done', async () => {
    const plan = fakePlan(made.model);
    plan.trainings[1].config.run_name = 'fail-at-3';
    const worked = await reproduceFake(made.home, made.model, { plan });
    expect(worked.failed).toMatchObject([{ name: 'modality/MRI think', error: { message: expect.stringContaining('failed at step 3') } }]);
    expect([...worked.evaluations.keys()]).toEqual(['modality untrained think', 'modality/CT think']);
  });

  it('by its reward, which pauses a run, holds up no other', async () => {
    const plan = fakePlan(made.model);
    plan.trainings[0].config.run_name = 'bad-reward';
    for (const _ of ['at first', 'when tried again']) {
      const worked = await reproduceFake(made.home, made.model, { plan });
      expect(worked.failed).toMatchObject([{ name: 'modality/CT think', error: { message: 'reward mine threw boom' } }]);
      expect([...worked.evaluations.keys()]).toEqual(['modality untrained think', 'modality/MRI think']);
    }
  });

  it('by the death of its evaluation names the log', async () => {
    const dies = resolve(import.meta.dirname, 'no-such-module.ts');
    const worked = await reproduceFake(made.home, made.model, { evaluationModule: dies });
    expect(worked.failed.map(({ name }) => name)).toEqual(['modality untrained think', 'modality/CT think', 'modality/MRI think']);
    expect(worked.failed[0].error).toMatchObject({ code: 'EVAL_STOPPED', remedy: expect.stringMatching(/evals.*worker\.log/) });
  });
});

it('a recipe that changed trains anew', () => {
  const { recipe, trainings } = fakePlan(made.model);
  const changed = fakePlan(made.model, { common: { ...recipe.common, beta: 0.1 } });
  expect(changed.trainings.map(({ name }) => name)).toEqual(trainings.map(({ name }) => name));
  expect(changed.trainings[0].request_id).not.toBe(trainings[0].request_id);
  expect(fakePlan(made.model).trainings[0].request_id).toBe(trainings[0].request_id);
});

it('hands its runs to the server of the home', async () => {
  const t = await testServer({ home: made.home, evaluationModule });
  const nothing = resolve(import.meta.dirname, 'no-such-module.ts');
  expect((await reproduceFake(made.home, made.model, { workerModule: nothing })).failed).toEqual([]);
  expect((await t.client.runs()).map(({ state }) => state)).toEqual(['finished', 'finished']);
  await t.close();
});

it('goes on by itself when the server leaves', async () => {
  const t = await testServer({ home: made.home, evaluationModule });
  const worked = reproduceFake(made.home, made.model, { workerModule: fakeWorker });
  await until(() => (runs().some(({ state, step }) => state === 'running' && step > 0) ? true : 'the server trains'), SLOW_MS);
  await t.server.close();
  expect((await worked).failed).toEqual([]);
  expect(runs().map(({ state }) => state)).toEqual(['finished', 'finished']);
});
