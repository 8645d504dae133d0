import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CreateEval } from '../protocol/evals.ts';
import { answerPage, compare } from './compare.ts';
import { exportEvaluation } from './export.ts';
import { evalDirectory, listEvals, openEval, prepareEvaluation, trainSplitOf, trainedOn, trashEval } from './evals.ts';
import { madeItem, madeLoader, madeSettings, madeStore } from './fixtures.ts';
import { checkpointOf, modelHash } from './identity.ts';
import { evaluationAnswers } from './item-answers.ts';
import { matrices, matrixMeans } from './matrix.ts';
import { EvalStore } from './store.ts';
import { completeConfig } from '../runs/config.ts';
import { RunStore } from '../runs/store.ts';

let home: string;
let model: string;
const items = ['a', 'b', 'c', 'd'].map((id, i) => madeItem(id, { modality: i < 2 ? 'CT' : 'MRI' }));

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'medr1-evals-'));
  model = join(home, 'model');
  mkdirSync(model);
  writeFileSync(join(model, 'config.json'), '{}');
  writeFileSync(join(model, 'model.safetensors'), 'weights');
});
afterEach(() => rmSync(home, { recursive: true }));

let made = 0;
const stored = (letters: (string | null)[], changes: Parameters<typeof madeStore>[3] = {}): EvalStore => {
  const id = changes.id ?? `20260101-00000${made++}-aaaa`;
  const directory = join(home, 'evals', id);
  mkdirSync(directory, { recursive: true });
  return madeStore(directory, items, letters, { id, ...changes });
};

it('an evaluation of an earlier version has left out nothing that it knows of', () => {
  const store = stored(['A']);
  const { directory } = store;
  store.db.exec('ALTER TABLE evaluation DROP COLUMN left_out');
  store.db.exec('ALTER TABLE item DROP COLUMN mark');
  store[Symbol.dispose]();
  using again = EvalStore.open(directory);
  expect(again.summary().left_out).toBe(0);
  expect(again.images().map(({ mark }) => mark)).toContain(null);
});

describe('preparing an evaluation', () => {
  const request = (changes: Partial<CreateEval> = {}): CreateEval => ({ model, dataset: 'made', split: 'modality/test', ...changes });
  const prepare = async (changes: Partial<CreateEval> = {}, load = madeLoader(items)) => {
    const { store, found } = await prepareEvaluation(home, request(changes), { loadItems: load });
    using open = store;
    return { id: open.row().id, found, items: open.items().map(({ id }) => id), controls: open.row().controls };
  };

  it('finds the stored one of the same weights, questions and settings', async () => {
    const first = await prepare();
    expect(first.found).toBeNull();
    expect(await prepare({ batch_size: 3 })).toMatchObject({ id: first.id, found: 0 });
  });

  it.each([
    [{ variant: 'no-think' as const }],
    [{ max_new_tokens: 5 }],
    [{ limit: 2 }],
    [{ seed: 1 }],
    [{ dtype: 'bfloat16' }],
    [{ prompt_template: '{question}!' }],
    [{ anew: true }],
  ])('makes another one for %j', async (changes) => {
    const first = await prepare();
    expect((await prepare(changes)).id).not.toBe(first.id);
  });

  it('asks the checkpoint of a run as the run was trained, unless told otherwise', async () => {
    const run = '20260101-000000-abcd';
    const directory = join(home, 'runs', run);
    const config = completeConfig({ model_name_or_path: model, dataset_name: 'made', variant: 'no-think' });
    mkdirSync(directory, { recursive: true });
    using store = RunStore.create(directory, { id: run, name: 'direct', parent: null, config, root: home, data_hash: 'h' });
    store.addCheckpoint({ step: 2, created_at: 1, reason: 'final', pinned: false, bytes: 1 });
    cpSync(model, store.checkpointPath(2), { recursive: true });
    const asked = async (changes: Partial<CreateEval>): Promise<string> => {
      using made = openEval(home, (await prepare(changes)).id);
      return made.row().settings.variant;
    };
    expect(await asked({ model: undefined, run })).toBe('no-think');
    expect(await asked({ model: store.checkpointPath(2) })).toBe('no-think');
    expect(await asked({ model: undefined, run, variant: 'think' })).toBe('think');
    expect(await asked({})).toBe('think');
  });

  it('makes another one when the weights changed', async () => {
    const first = await prepare();
    writeFileSync(join(model, 'model.safetensors'), 'weightz!');
    expect((await prepare()).id).not.toBe(first.id);
  });

  it('refuses a split whose hash changed, unless asked to begin anew', async () => {
    const first = await prepare();
    const changed = madeLoader(items.slice(1), 'other');
    await expect(prepare({}, changed)).rejects.toMatchObject({ code: 'EVAL_SPLIT_CHANGED', message: expect.stringContaining(first.id) });
    const anew = await prepare({ anew: true }, changed);
    expect(await prepare({}, changed)).toMatchObject({ id: anew.id });
  });

  it('adds controls to the one there is', async () => {
    const first = await prepare({ controls: ['blank-image'] });
    expect(await prepare({ controls: ['option-prior'] })).toMatchObject({ id: first.id, controls: ['blank-image', 'option-prior'] });
  });

  it('leaves nothing behind when it is refused', async () => {
    await expect(prepare({ model: join(home, 'nowhere') })).rejects.toMatchObject({ code: 'MODEL_MISSING' });
    await expect(prepare({ split: 'all', controls: ['option-prior'] })).rejects.toMatchObject({ code: 'EVAL_TRAIN_SPLIT' });
    await expect(prepare({ run: 'x' })).rejects.toMatchObject({ code: 'EVAL_MODEL' });
    expect(listEvals(home)).toEqual([]);
  });

  it('knows weights by their bytes, whatever their times and their manifest say', () => {
    const weights = join(model, 'model.safetensors');
    const write = (bytes: Buffer): void => {
      writeFileSync(weights, bytes);
      utimesSync(weights, 1000, 1000);
    };
    const bytes = Buffer.alloc(9e6, 1);
    write(bytes);
    const hashes = [modelHash(model)];
    writeFileSync(join(model, 'manifest.json'), JSON.stringify({ files: { 'model.safetensors': { size: 9e6, sha256: 'as written' } } }));
    hashes.push(modelHash(model));
    write(bytes.fill(2, 4e6, 5e6));
    hashes.push(modelHash(model));
    utimesSync(weights, 2e9, 2e9); // written to after its manifest
    hashes.push(modelHash(model));
    expect(new Set(hashes).size).toBe(4);
    expect(modelHash(model)).toBe(hashes[3]);
  });

  it('knows a checkpoint of a run by its place', () => {
    expect(checkpointOf('/h/runs/20260101-000000-aaaa/checkpoints/step-000120')).toEqual({ run: '20260101-000000-aaaa', step: 120 });
    expect(checkpointOf('/h/models/step-000120')).toEqual({ run: null, step: null });
  });

  it.each([
    [{ dataset_train_split: 'modality/train/X-Ray' }, 'X-Ray', null],
    [{ dataset_train_split: 'Splits/question_type/train/Lesion Grading' }, null, 'Lesion Grading'],
    [{ dataset_train_split: 'modality/train', modality: ['US'] }, 'Ultrasound', null],
    [{ dataset_train_split: 'modality/train' }, null, null],
    [{ modality: ['CT', 'MRI'] }, null, null],
  ])('reads from %j what a run was trained on', (changes, modality, question_type) => {
    const config = completeConfig({ model_name_or_path: 'm', dataset_name: 'd', ...changes });
    expect(trainedOn(config)).toEqual({ trainer: 'grpo', variant: 'think', modality, question_type });
  });

  it('takes the training split that stands beside a test split', () => {
    expect(trainSplitOf('modality/test/CT')).toBe('modality/train/CT');
    expect(trainSplitOf('Splits/modality/test/CT_test.json')).toBe('Splits/modality/train/CT_train.json');
    expect(trainSplitOf('/data/my_test.json#test')).toBe('/data/my_test.json#train');
    expect(() => trainSplitOf('modality/latest/CT')).toThrow(/does not say which/);
  });

  it('takes the training file that stands beside a test file, whatever its folders are called', () => {
    const [test, train] = ['test', 'train'].map((side) => join(home, 'test', 'Splits', side, `CT_${side}.json`));
    expect(() => trainSplitOf(test)).toThrow(/does not say which/);
    mkdirSync(dirname(train), { recursive: true });
    writeFileSync(train, '[]');
    expect(trainSplitOf(test)).toBe(train);
  });

  it('finds what another process is just making', async () => {
    const { id } = await prepare();
    const [place, aside] = [evalDirectory(home, id), join(home, 'aside')];
    renameSync(place, aside);
    const other = new Worker(
      `const { parentPort, workerData: { lock, aside, place } } = require('node:worker_threads');
       const db = new (require('node:sqlite').DatabaseSync)(lock);
       db.exec('BEGIN EXCLUSIVE');
       parentPort.postMessage('has it');
       setTimeout(() => { require('node:fs').renameSync(aside, place); db.close(); }, 200);`,
      { eval: true, workerData: { lock: join(home, 'evals', 'lock'), aside, place } },
    );
    await once(other, 'message');
    expect(await prepare()).toMatchObject({ id, found: 0 });
  });
});

describe('a stored evaluation', () => {
  it('holds every answer, reopened', () => {
    const before = stored(['A', 'B', null]);
    before.addAnswers('options-permuted', [
      {
        index: 1,
        text: 'C',
        tokens: 3,
        finish_reason: 'length',
        strict: 'C',
        tolerant: 'C',
        shown: { options: ['x', 'y', 'z'], answer: 'C' },
      },
    ]);
    before[Symbol.dispose]();
    using store = EvalStore.open(before.directory, { check: true });
    expect(store.answers().map(({ item, strict }) => [item.id, strict])).toEqual([
      ['a', 'A'],
      ['b', 'B'],
      ['c', null],
    ]);
    expect(store.answers('options-permuted')).toMatchObject([
      { options: ['x', 'y', 'z'], answer: 'C', item: { answer: 'A' }, finish_reason: 'length' },
    ]);
    expect(store.missing('image')).toEqual([3]);
    expect(store.summary()).toMatchObject({ items: 4, done: 3, total: 4, strict: { right: 1, total: 3 }, tokens_per_correct: 30 });
  });

  it('keeps no part of a batch that fails', () => {
    using store = stored(['A']);
    const one = { text: '', tokens: 0, finish_reason: 'stop', strict: null, tolerant: null };
    expect(() =>
      store.addAnswers('image', [
        { index: 1, ...one },
        { index: 0, ...one },
      ]),
    ).toThrow(/UNIQUE/);
    expect(store.missing('image')).toEqual([1, 2, 3]);
  });

  it('that is damaged says so', () => {
    const store = stored([]);
    store[Symbol.dispose]();
    writeFileSync(join(store.directory, 'eval.db'), 'no database');
    expect(() => EvalStore.open(store.directory)).toThrow(expect.objectContaining({ code: 'EVAL_DAMAGED' }));
  });

  it.each(['../../etc', 'x', '20260101-000000-zzzz'])('%s is no evaluation', (id) => {
    expect(() => openEval(home, id)).toThrow(expect.objectContaining({ code: 'EVAL_UNKNOWN' }));
  });

  it('moves to the trash whole', () => {
    const store = stored(['A']);
    const { id } = store.row();
    store[Symbol.dispose]();
    using there = EvalStore.open(trashEval(home, id));
    expect(there.answers()).toHaveLength(1);
    expect(listEvals(home)).toEqual([]);
  });
});

describe('comparing', () => {
  it('tests two on the questions that both answered', () => {
    using a = stored(['A', 'A', 'B', 'B']);
    using b = stored(['A', 'B', 'A']);
    const { items: common, pairs, reports } = compare([a, b]);
    expect(common).toBe(3);
    expect(reports.map(({ strict }) => strict.right)).toEqual([2, 2]);
    expect(pairs[0].strict).toMatchObject({ both: 1, only_a: 1, only_b: 1, neither: 0, p: 1, flips: { only_a: ['b'], only_b: ['c'] } });
  });

  it('refuses evaluations that share no answered question', () => {
    using a = stored(['A']);
    using none = stored([]);
    expect(() => compare([a, none])).toThrow(expect.objectContaining({ code: 'EVAL_NOT_COMPARABLE' }));
  });

  it.each([
    ['all', ['a', 'b', 'c', 'd']],
    ['right', ['a', 'b']],
    ['wrong', ['c', 'd']],
    ['gained', ['b']],
    ['lost', ['c']],
    ['flips', ['b', 'c']],
    ['differing', []],
  ] as const)('shows the answers that are %s', (filter, ids) => {
    using a = stored(['A', 'A', 'B', 'B']);
    using b = stored(['A', 'B', 'A', 'C']);
    const query = { sight: 'image', reading: 'strict', limit: 50, offset: 0 } as const;
    const page = answerPage(a, { ...query, filter }, b);
    expect(page.answers.map(({ item }) => item.id)).toEqual(ids);
    expect(page.answers.every(({ others, item }) => others[b.row().id]?.item.id === item.id)).toBe(true);
    expect(answerPage(a, { ...query, filter, limit: 1, offset: 1 }, b)).toMatchObject({
      total: ids.length,
      answers: { length: Math.max(0, Math.min(1, ids.length - 1)) },
    });
    expect(answerPage(a, { ...query, filter, modality: 'MRI' }, b).total).toBe(ids.filter((id) => id > 'b').length);
  });
});

describe('several evaluations beside one', () => {
  const query = { sight: 'image', reading: 'strict', limit: 50, offset: 0 } as const;

  it('gives the answers of each by its id, those that there are', () => {
    using a = stored(['A', 'A', 'B', 'B']);
    using b = stored(['A', 'B', 'A', 'C']);
    using c = stored(['C', 'A']);
    const [b_, c_] = [b.row().id, c.row().id];
    const { answers } = answerPage(a, { ...query, filter: 'all' }, b, [c]);
    expect(answers.map(({ others }) => [others[b_]?.strict, others[c_]?.strict])).toEqual([
      ['A', 'C'],
      ['B', 'A'],
      ['A', undefined],
      ['C', undefined],
    ]);
    expect(answerPage(a, { ...query, filter: 'all' }).answers[0].others).toEqual({});
  });

  it('takes an answer to another question under the same id for none, and with `shared` shows what all answered', () => {
    using a = stored(['A', 'A', 'B', 'B']);
    using b = stored(['A', 'B'], { items: [{ ...items[0], question: 'Another?' }, items[1]], split_hash: 'other' });
    const { answers } = answerPage(a, { ...query, filter: 'all' }, null, [b]);
    expect(answers.map(({ others }) => Object.keys(others).length)).toEqual([0, 1, 0, 0]);
    const shared = answerPage(a, { ...query, filter: 'all', shared: true }, null, [b]);
    expect([shared.total, shared.answers[0].item.id]).toEqual([1, 'b']);
    expect(answerPage(a, { ...query, filter: 'right', shared: true }, null, [b]).total).toBe(1);
  });

  it('split: some are right, some wrong, whichever', () => {
    using a = stored(['A', 'A', 'B', 'B']); // all is A
    using b = stored(['A', 'A', 'B', 'B']);
    using c = stored(['A', 'C', 'C', 'A']);
    const ids = (page: { answers: { item: { id: string } }[] }) => page.answers.map(({ item }) => item.id);
    expect(ids(answerPage(a, { ...query, filter: 'split' }, b))).toEqual([]);
    expect(ids(answerPage(a, { ...query, filter: 'split' }, b, [c]))).toEqual(['b', 'd']);
    expect(ids(answerPage(a, { ...query, filter: 'flips' }, b, [c]))).toEqual([]);
  });
});

describe('matrices', () => {
  const evaluated = (modality: string, variant: 'think' | 'no-think', letters: string[]) => {
    using store = stored(letters, {
      settings: madeSettings({ variant }),
      trained: { trainer: 'grpo', variant, modality, question_type: null },
    });
    return { summary: store.summary(), report: store.evaluation() };
  };

  it('put what was trained on against what was tested, with the diagonal apart, and no-think minus think', () => {
    const of = matrices(
      [
        evaluated('CT', 'think', ['A', 'B', 'A', 'B']),
        evaluated('MRI', 'think', ['A', 'B', 'A', 'A']),
        evaluated('CT', 'no-think', ['A', 'A', 'B', 'B']),
      ],
      'modality',
    );
    expect(of.matrices.map(({ name, names }) => [name, names])).toEqual([
      ['grpo no-think', ['CT', 'MRI']],
      ['grpo think', ['CT', 'MRI']],
    ]);
    expect(of.matrices[1].cells.map((row) => row.map((cell) => cell?.strict.rate))).toEqual([
      [0.5, 0.5],
      [0.5, 1],
    ]);
    expect(of.matrices[1].in_domain.strict).toBe(0.75);
    expect(of.matrices[1].off_diagonal.strict).toBe(0.5);
    expect(of.matrices[0].cells[1]).toEqual([null, null]);
    expect(of.differences).toMatchObject([
      {
        minuend: 'grpo no-think',
        subtrahend: 'grpo think',
        strict: [
          [0.5, -0.5],
          [null, null],
        ],
      },
    ]);
  });

  it('take a cell from the evaluation with the most questions', () => {
    const few = evaluated('CT', 'think', ['B']);
    const many = evaluated('CT', 'think', ['A', 'A', 'A', 'A']);
    const [made] = matrices([many, few], 'modality').matrices;
    expect(made.cells[0][0]).toMatchObject({ strict: { rate: 1, total: 2 }, evaluation: many.summary.id });
    expect(matrices([few], 'question_type').matrices).toEqual([]);
  });

  it('have means over the cells there are', () => {
    expect(
      matrixMeans([
        [1, 2],
        [3, null],
      ]),
    ).toEqual({ in_domain: 1, off_diagonal: 2.5 });
    expect(matrixMeans([[null]])).toEqual({ in_domain: null, off_diagonal: null });
  });
});

describe('what evaluations said to a question', () => {
  it('is found by data and id, newest first, with the run where there is one', () => {
    using _ = stored(['A', 'B'], { id: '20260101-000001-aaaa' });
    using __ = stored(['B'], {
      id: '20260101-000002-aaaa',
      settings: madeSettings({ run: '20251231-000000-aaaa', step: 40, variant: 'no-think' }),
      run_name: 'Demo',
    });
    const query = { root: '/data', item: 'a' };
    expect(evaluationAnswers(home, query)).toMatchObject([
      { run: '20251231-000000-aaaa', run_name: 'Demo', step: 40, variant: 'no-think', completions: [{ prediction: 'B', correct: false }] },
      { run: '20260101-000001-aaaa', step: 0, source: 'evaluation', completions: [{ prediction: 'A', correct: true }] },
    ]);
    expect(evaluationAnswers(home, { ...query, runs: ['20251231-000000-aaaa'] })).toHaveLength(1);
    expect(evaluationAnswers(home, { ...query, item: 'b' })).toHaveLength(1);
    expect(evaluationAnswers(home, { ...query, root: '/elsewhere' })).toEqual([]);
  });
});

it('an export of many answers has each of them, under every sight', () => {
  const many = Array.from({ length: 150 }, (_, n) => madeItem(`q${n}`));
  const directory = evalDirectory(home, '20260101-000000-aaaa');
  mkdirSync(directory, { recursive: true });
  using store = madeStore(
    directory,
    many,
    many.map((_, n) => 'AB'[n % 2]),
    { controls: ['text-only'] },
  );
  store.addAnswers(
    'text-only',
    many.slice(0, 70).map((_, index) => ({ index, text: 'B', tokens: 1, finish_reason: 'stop', strict: 'B', tolerant: 'B' })),
  );
  const { answers } = exportEvaluation(() => EvalStore.open(directory));
  expect([...answers]).toEqual([...store.answers(), ...store.answers('text-only')]);
  expect([...answers]).toHaveLength(220);
});
