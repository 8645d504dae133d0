/** The loop around the model, with a model that answers by rule. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ImageError } from '../data/image/open.ts';
import { prepareEvaluation, lockFile, type LoadQuestions } from '../evals/evals.ts';
import { madeItem, madeLoader } from '../evals/fixtures.ts';
import { EvalStore } from '../evals/store.ts';
import type { Control, EvalState, Sight } from '../protocol/evals.ts';
import { tryLock } from '../log/lock.ts';
import type { Asked, Draw, OpenAnswerer } from './answerer.ts';
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
  /** Of samples. */
  drawn?: Draw;
}

/** Answers A to everything; after `dieAfter` batches it throws. */
function model(calls: Call[], dieAfter = Infinity): OpenAnswerer {
  return async () => ({
    async answer(asked, sight) {
      if (calls.length >= dieAfter) throw new Error('out of memory');
      calls.push({ sight, asked });
      return asked.map(() => ({ text: '<answer> A </answer>', tokens: 4, finish_reason: 'stop', strict: 'A', tolerant: 'A' }));
    },
    async draw(asked, { n, temperature, seed }) {
      if (calls.length >= dieAfter) throw new Error('out of memory');
      calls.push({ sight: 'image', asked, drawn: { n, temperature, seed } });
      return asked.map(() =>
        Array.from({ length: n }, () => ({ text: 'A', tokens: 2, finish_reason: 'stop', strict: null, tolerant: 'A' })),
      );
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

  /** A model that looks for the file of what it is asked, as the real one does. */
  const looking = (calls: Call[], sha256?: Map<string, string | undefined>): OpenAnswerer => {
    return async (settings) => {
      const inner = await model(calls)(settings);
      const answer: typeof inner.answer = async (asked, sight) => {
        const answers = await inner.answer(asked, sight);
        for (const { image, sha256: hash } of asked) if (image) sha256?.set(image, hash);
        return answers.map((one, i) => {
          const { image } = asked[i];
          return image === null || existsSync(root(image)) ? one : new ImageError('image-missing', image);
        });
      };
      return { ...inner, answer };
    };
  };
  const stored = (): ReturnType<EvalStore['detail']> => {
    using store = EvalStore.open(directory);
    return store.detail();
  };

  it('that vanished leaves its question out of every figure, controls too, until it is back', async () => {
    rmSync(root('q4.png'));
    const gone = items.map((item) => (item.id === 'q4' ? { ...item, problem: 'image-missing' as const } : item));
    const load: LoadQuestions = async () => ({ root: join(home, 'data'), items: gone, left_out: 0, hash: 'split' });
    await prepare(['text-only', 'options-permuted', 'option-prior'], load); // finds the stored one: the questions are the same
    expect(await run(looking([]), { loadItems: load })).toBe('finished');
    const { summary, report, unasked } = stored();
    expect(summary).toMatchObject({ state: 'finished', items: 6, left_out: 1, done: 24, total: 24, strict: { right: 3, total: 6 } });
    expect(unasked).toEqual([{ id: 'q4', sight: 'image', why: expect.stringContaining('q4.png') }]);
    expect(report.by_modality).toMatchObject({ CT: { strict: { total: 6 } } });
    expect(Object.values(report.controls).map((control) => ('strict' in control ? control.strict.total : control.total))).toEqual([
      6, 6, 6,
    ]);

    const calls: Call[] = [];
    expect(await run(looking(calls), { loadItems: load })).toBe('finished');
    expect(calls).toEqual([]); // nothing changed, so nothing is asked
    writeFileSync(root('q4.png'), 'picture 4');
    expect(await run(looking(calls), { loadItems: atHome })).toBe('finished');
    expect([...new Set(ids(calls).flat())]).toEqual(['q4']);
    expect(stored()).toMatchObject({
      summary: { items: 7, left_out: 0, done: 28, total: 28, strict: { right: 4, total: 7 } },
      unasked: [],
    });
  });

  it('that was replaced after it was answered about is not asked about again; its answer stays', async () => {
    writeFileSync(root('q1.png'), 'another 1');
    await prepare(['options-permuted', 'text-only'], atHome);
    const calls: Call[] = [];
    expect(await run(model(calls), { loadItems: atHome })).toBe('finished');
    const asked = (sight: Sight): string[] => ids(calls.filter((call) => call.sight === sight)).flat();
    expect(asked('options-permuted')).toEqual(['q0', 'q2', 'q3', 'q4', 'q5', 'q6']);
    expect(asked('text-only')).toHaveLength(7);
    expect(stored()).toMatchObject({
      summary: { items: 7, left_out: 0, done: 20, total: 20 },
      unasked: [{ id: 'q1', sight: 'options-permuted', why: expect.stringContaining('q1.png is no longer the image') }],
    });
  });

  it('is shown where its file has the sha256 of the index', async () => {
    const images = new Map([['q5.png', 'of the index']]);
    const seen = new Map<string, string | undefined>();
    expect(await run(looking([], seen), { loadItems: async () => ({ ...(await atHome('', {} as never)), images }) })).toBe('finished');
    expect([seen.get('q5.png'), seen.get('q6.png')]).toEqual(['of the index', undefined]);
  });

  it('that is missing for all questions, or with its whole folder, ends the evaluation, which can go on', async () => {
    rmSync(join(home, 'evals'), { recursive: true });
    await prepare([], atHome);
    items.forEach(({ image }) => rmSync(root(image)));
    expect(await run(looking([]))).toBe('failed');
    expect(stored().summary.error).toMatchObject({ code: 'EVAL_NO_ANSWER', message: expect.stringContaining('.png') });
    items.forEach(({ image }) => writeFileSync(root(image), 'back'));
    expect(await run(looking([], undefined))).toBe('finished');
    rmSync(join(home, 'evals'), { recursive: true });
    await prepare([], atHome);
    rmSync(join(home, 'data'), { recursive: true });
    expect(await run(looking([]))).toBe('failed');
    expect(stored()).toMatchObject({ summary: { error: { code: 'DATA_GONE' } }, unasked: [] });
  });

  it('that was mended before it was asked about is taken as it is, and one copied anew is the same', async () => {
    writeFileSync(root('q5.png'), 'mended');
    writeFileSync(root('q1.png'), 'picture 1');
    utimesSync(root('q1.png'), 1e9, 1e9);
    expect(await run(model([]))).toBe('finished');
  });

  it('that went before samples were drawn leaves its question without, and the evaluation ends', async () => {
    {
      using store = EvalStore.open(directory);
      store.wantSamples(2, 0.7);
    }
    const lost: OpenAnswerer = async (settings) => {
      const inner = await model([])(settings);
      return {
        ...inner,
        draw: async (asked, how) =>
          (await inner.draw(asked, how)).map((one, at) => (asked[at].item.id === 'q1' ? new ImageError('image-missing', 'q1.png') : one)),
      };
    };
    expect(await run(lost)).toBe('finished');
    using store = EvalStore.open(directory);
    expect(store.unasked()).toMatchObject([{ id: 'q1', sight: 'samples' }]);
    expect(store.samples().has('q1')).toBe(false);
    expect(store.answers()).toHaveLength(items.length);
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

describe('samples', () => {
  const want = (samples: number, temperature = 0.7): void => {
    using store = EvalStore.open(directory);
    store.wantSamples(samples, temperature);
  };
  const counts = (): number[] => {
    using store = EvalStore.open(directory);
    return [...store.samples().values()].map(({ length }) => length);
  };

  it('are drawn after the greedy answers, as many answers a batch as without; more of them go on from those there are', async () => {
    const calls: Call[] = [];
    want(2);
    expect(await run(model(calls))).toBe('finished');
    const drawn = calls.flatMap(({ drawn: how, asked }) => (how ? [{ ...how, questions: asked.length }] : []));
    expect(calls.findIndex(({ drawn: how }) => how)).toBe(calls.length - drawn.length);
    expect(drawn.every(({ n, temperature, questions }) => n === 2 && temperature === 0.7 && questions === 1)).toBe(true); // batches of 3
    expect(new Set(drawn.map(({ seed }) => seed)).size).toBe(items.length);
    expect(counts()).toEqual(items.map(() => 2));
    want(3);
    const more: Call[] = [];
    expect(await run(model(more))).toBe('finished');
    expect(more.map(({ drawn: how, asked }) => [how?.n, asked.length])).toEqual([
      [1, 3],
      [1, 3],
      [1, items.length - 6],
    ]);
    expect(counts()).toEqual(items.map(() => 3));
    using store = EvalStore.open(directory);
    expect(store.summary()).toMatchObject({
      samples: { wanted: 3, done: 3 * items.length, total: 3 * items.length },
      done: 4 * items.length,
      total: 4 * items.length,
    });
    expect(() => want(3, 1)).toThrow(expect.objectContaining({ code: 'EVAL_SAMPLES' }));
  });

  it('of an evaluation that broke off are drawn as they would have been', async () => {
    want(2);
    const whole: Call[] = [];
    const greedy = Math.ceil(items.length / 3);
    expect(await run(model(whole, greedy + 2))).toBe('failed');
    expect(counts()).toEqual([2, 2]);
    const rest: Call[] = [];
    expect(await run(model(rest))).toBe('finished');
    expect(rest.map(({ asked }) => asked[0].item.id)).toEqual(items.slice(2).map(({ id }) => id));
    expect(counts()).toEqual(items.map(() => 2));
  });
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
