/** A ~ that no shell has expanded, in every place where a person types a path. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync, cpSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { addDataset } from '../data/index/add.ts';
import { loadItems } from '../data/load.ts';
import { makeSplit } from '../data/splits/make.ts';
import { readSplit, writeSplit } from '../data/splits/files.ts';
import { readWhole } from '../data/whole.ts';
import { prepareEvaluation } from '../evals/evals.ts';
import { prepareHome } from '../runs/home.ts';
import { createRun } from '../runs/runs.ts';
import { makeTiny, type Tiny } from '../rl/testing/tiny.ts';

let tiny: Tiny;
let person: string;
let home: string;

beforeAll(async () => {
  tiny = await makeTiny();
  person = mkdtempSync(join(tmpdir(), 'medr1-person-'));
  vi.stubEnv('HOME', person); // what os.homedir() gives
  home = prepareHome(join(person, 'medr1'));
  cpSync(tiny.model, join(person, 'model'), { recursive: true });
  mkdirSync(join(person, 'questions'));
  mkdirSync(join(person, 'pictures'));
  const records = tiny.items.map(({ image }, i) => {
    cpSync(join(tiny.directory, image), join(person, 'pictures', image), { recursive: true });
    return { image, problem: `which of them is ${i}? A)one, B)two, C)three, D)four`, solution: `<answer> ${'ABCD'[i % 4]} </answer>` };
  });
  writeFileSync(join(person, 'questions', 'all.json'), JSON.stringify(records));
  await addDataset('~/questions', { name: 'mine', home, imagesDir: '~/pictures' });
  writeSplit(
    join(person, 'half.json'),
    makeSplit(await readWhole('mine', { home }), { name: 'half', kind: 'leak-free', testFraction: 0.5, seed: 1 }),
  );
  writeFileSync(join(person, 'mine.ts'), 'export default (completions: string[]) => completions.map((text) => text.length);\n');
});
afterAll(async () => {
  vi.unstubAllEnvs();
  rmSync(person, { recursive: true });
  await tiny[Symbol.asyncDispose]();
});

it('data set and its images', async () => {
  const { items } = await loadItems('mine', { home });
  expect(items.map(({ problem }) => problem)).toEqual(tiny.items.map(() => null));
  expect((await loadItems('~/questions', { home })).items).toHaveLength(items.length);
});

it('split', async () => {
  expect(readSplit('~/half.json').train.length).toBeGreaterThan(0);
  const { items } = await loadItems('mine', { home, split: '~/half.json#train' });
  expect(items.map(({ id }) => id).toSorted()).toEqual([...readSplit('~/half.json').train].toSorted());
});

it('model, data set, split and reward of a run', async () => {
  const config = tiny.config({
    model_name_or_path: '~/model',
    dataset_name: '~/questions',
    dataset_train_split: null,
    reward_funcs: ['accuracy', '~/mine.ts'],
  });
  const reward_files = { '~/mine.ts': 'export default (completions: string[]) => completions.map((text) => text.length);\n' };
  using run = await createRun(
    home,
    { ...config, dataset_name: 'mine', dataset_train_split: '~/half.json#train' },
    { loadItems, reward_files },
  );
  expect(run.row().config).toMatchObject({ model_name_or_path: join(person, 'model') });
});

it('model of an evaluation', async () => {
  const asked = { model: '~/model', dataset: 'mine', split: '~/half.json#test' };
  const { store } = await prepareEvaluation(home, asked, { loadItems });
  using evaluation = store;
  expect(evaluation.row().settings.model).toBe(join(person, 'model'));
  expect(evaluation.items().length).toBeGreaterThan(0);
});
