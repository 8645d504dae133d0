/** The loop around the model, with a model that answers by rule. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareEvaluation, lockFile, type LoadQuestions } from '../evals/evals.ts';
import { madeItem, madeLoader } from '../evals/fixtures.ts';
import { EvalStore } from '../evals/store.ts';
import type { Control, EvalState, Sight } from '../protocol/evals.ts';
import { tryLock } from '../log/lock.ts';
import type { Asked, OpenAnswerer } from './answerer.ts';
import { runEvaluation } from './evaluation.ts';

let home: string;
let directory: string;
const items = Array.from({ length: 7 }, (_, i) => madeItem(`q${i}`, { answer: i % 2 ? 'B' : 'A' }));

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'medr1-evaluation-'));
  const model = join(home, 'model');
  mkdirSync(model);
  writeFileSync(join(model, 'config.json'), '{}');
  writeFileSync(join(model, 'model.safetensors'), '');
  await prepare();
});
afterEach(() => rmSync(home, { recursive: true }));

async function prepare(controls: Control[] = [], load: LoadQuestions = madeLoader(items)): Promise<void> {
  const request = { model: join(home, 'model'), dataset: 'made', split: 'modality/test', batch_size: 3, controls };
  const { store } = await prepareEvaluation(home, request, { loadItems: load });
  using open = store;
  directory = open.directory;
}

interface Call {
  sight: Sight;
  asked: readonly Asked[];
}

/** Answers A to everything; after `dieAfter` batches it throws. */
function model(calls: Call[], dieAfter = Infinity): OpenAnswerer {
  return async () => ({
    async answer(asked, sight) {
      if (calls.length >= dieAfter) throw new Error('out of memory');
      calls.push({ sight, asked });
      return asked.map(() => ({ text: '<answer> A </answer>', tokens: 4, finish_reason: 'stop', strict: 'A', tolerant: 'A' }));
    },
    [Symbol.dispose]() {},
  });
}

const run = (
  openAnswerer: OpenAnswerer,
  changes: { loadItems?: LoadQuestions; signal?: AbortSignal; committed?: () => void } = {},
): Promise<EvalState> =>
  runEvaluation({
    ...{ directory, home, openAnswerer, log: () => {}, committed: () => {}, loadItems: madeLoader(items) },
    signal: new AbortController().signal,
    ...changes,
  });

const ids = (calls: Call[]): string[][] => calls.map(({ asked }) => asked.map(({ item }) => item.id));

it('asks every question once, a batch a transaction', async () => {
  const calls: Call[] = [];
  expect(await run(model(calls))).toBe('finished');
  expect(ids(calls)).toEqual([['q0', 'q1', 'q2'], ['q3', 'q4', 'q5'], ['q6']]);
  using store = EvalStore.open(directory);
  expect(store.summary()).toMatchObject({ state: 'finished', done: 7, strict: { right: 4, total: 7 } });
});

it('goes on with the batches that an uninterrupted one would have formed', async () => {
  const calls: Call[] = [];
  expect(await run(model(calls, 1))).toBe('failed');
  {
    using store = EvalStore.open(directory);
    expect(store.summary()).toMatchObject({ state: 'failed', done: 3, error: { message: 'out of memory' } });
  }
  expect(await run(model(calls))).toBe('finished');
  expect(ids(calls)).toEqual([['q0', 'q1', 'q2'], ['q3', 'q4', 'q5'], ['q6']]);
});

it('ends after the batch at hand when told to, and knows who told it', async () => {
  for (const [reason, state] of [
    ['stop', 'stopped'],
    ['orphan', 'interrupted'],
  ]) {
    const abort = new AbortController();
    let commits = 0;
    const calls: Call[] = [];
    expect(await run(model(calls), { signal: abort.signal, committed: () => void (++commits === 2 && abort.abort(reason)) })).toBe(state);
    expect(calls).toHaveLength(1);
  }
});

it('a finished one loads no model', async () => {
  await run(model([]));
  expect(await run(() => Promise.reject(new Error('loaded')))).toBe('finished');
});

it('asks the controls as they are meant, and only those that are missing', async () => {
  const calls: Call[] = [];
  await run(model(calls));
  calls.length = 0;
  await prepare(['text-only', 'shuffled-image', 'options-permuted', 'option-prior']);
  expect(await run(model(calls))).toBe('finished');
  const under = (sight: Sight): readonly Asked[] => calls.filter((call) => call.sight === sight).flatMap(({ asked }) => asked);
  expect(under('image')).toEqual([]);
  expect(under('blank-image')).toEqual([]);
  expect(under('text-only').map(({ image }) => image)).toEqual(items.map(() => null));
  under('shuffled-image').forEach(({ image }, i) => expect(image).not.toBe(items[i].image));
  under('options-permuted').forEach(({ item, image }, i) => {
    expect(item.options).not.toEqual(items[i].options);
    expect(image).toBe(items[i].image);
  });
  using store = EvalStore.open(directory);
  const { controls } = store.evaluation();
  expect(controls['options-permuted']!.follows.strict).toMatchObject({ text: { right: 0 }, letter: { right: 7 } });
  expect(controls['option-prior']).toMatchObject({ right: 4, total: 7 }); // A is right more often: cyst is always A
  expect(store.summary()).toMatchObject({ done: 35, total: 35 });
});

it('refuses a split whose hash changed and weights that changed', async () => {
  expect(await run(model([]), { loadItems: madeLoader(items, 'other') })).toBe('failed');
  {
    using store = EvalStore.open(directory);
    expect(store.summary().error).toMatchObject({ code: 'EVAL_SPLIT_CHANGED' });
  }
  writeFileSync(join(home, 'model', 'config.json'), '{"other": 1}');
  expect(await run(model([]))).toBe('failed');
  using store = EvalStore.open(directory);
  expect(store.summary().error).toMatchObject({ code: 'EVAL_MODEL_CHANGED' });
});

describe('an image', () => {
  const root = (name: string): string => join(home, 'data', name);
  const atHome: LoadQuestions = async () => ({ root: join(home, 'data'), items, left_out: 0, hash: 'split' });
  beforeEach(async () => {
    mkdirSync(join(home, 'data'));
    items.forEach(({ image }, i) => writeFileSync(root(image), `picture ${i}`));
    rmSync(join(home, 'evals'), { recursive: true });
    await prepare([], atHome);
    expect(await run(model([], 1))).toBe('failed'); // q0 to q2 are answered
  });

  it('that was replaced after it was answered about refuses to go on', async () => {
    writeFileSync(root('q1.png'), 'another 1');
    expect(await run(model([]))).toBe('failed');
    using store = EvalStore.open(directory);
    expect(store.summary()).toMatchObject({ done: 3, error: { code: 'EVAL_IMAGE_CHANGED', message: expect.stringContaining('q1.png') } });
  });

  it('that was mended before it was asked about is taken as it is, and one copied anew is the same', async () => {
    writeFileSync(root('q5.png'), 'mended');
    writeFileSync(root('q1.png'), 'picture 1');
    utimesSync(root('q1.png'), 1e9, 1e9);
    expect(await run(model([]))).toBe('finished');
  });
});

it('a full disk is named, and what was answered is kept', async () => {
  const calls: Call[] = [];
  const full: OpenAnswerer = async (settings) => {
    const answerer = await model(calls)(settings);
    const answer: typeof answerer.answer = (...asked) => {
      if (calls.length === 1) throw Object.assign(new Error('write failed'), { code: 'ENOSPC' });
      return answerer.answer(...asked);
    };
    return { ...answerer, answer };
  };
  expect(await run(full)).toBe('failed');
  using store = EvalStore.open(directory);
  expect(store.summary()).toMatchObject({ done: 3, error: { code: 'DISK_FULL', remedy: expect.stringContaining('Make room') } });
});

it('a control asked for meanwhile is answered before the end', async () => {
  const calls: Call[] = [];
  let asked = false;
  const committed = (): void => {
    using store = EvalStore.open(directory);
    if (asked || store.summary().done < 7) return;
    asked = true;
    store.addControls(['text-only', 'option-prior'], 'modality/train');
  };
  expect(await run(model(calls), { committed })).toBe('finished');
  using store = EvalStore.open(directory);
  expect(store.summary()).toMatchObject({ state: 'finished', done: 21, total: 21 });
});

it('two processes never work on one evaluation', async () => {
  using _lock = tryLock(lockFile(directory));
  await expect(run(model([]))).rejects.toMatchObject({ code: 'EVAL_BUSY' });
});
