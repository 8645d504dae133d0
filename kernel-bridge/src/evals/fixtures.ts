/** Made questions, answers and evaluations for tests. */
import type { EvalAnswer, EvalSettings } from '../protocol/evals.ts';
import type { VqaItem } from '../protocol/data.ts';
import type { LoadQuestions } from './evals.ts';
import { EvalStore, type NewEvaluation } from './store.ts';

export const madeItem = (id: string, changes: Partial<VqaItem> = {}): VqaItem => ({
  id,
  dataset: 'Made',
  image: `${id}.png`,
  question: 'What is shown?',
  options: ['cyst', 'nodule', 'tumor'],
  answer: 'A',
  modality: 'CT',
  question_type: 'Disease Diagnosis',
  problem: null,
  ...changes,
});

export const madeAnswer = (item: VqaItem, strict: string | null, tolerant = strict, changes: Partial<EvalAnswer> = {}): EvalAnswer => ({
  item,
  sight: 'image',
  options: item.options,
  answer: item.answer,
  text: `<answer> ${strict ?? tolerant} </answer>`,
  tokens: 10,
  finish_reason: 'stop',
  strict,
  tolerant,
  ...changes,
});

export const madeSettings = (changes: Partial<EvalSettings> = {}): EvalSettings => ({
  model: '/models/tiny',
  run: null,
  step: null,
  dataset: 'made',
  split: 'modality/test',
  root: '/data',
  train_split: null,
  variant: 'think',
  prompt_template: null,
  max_new_tokens: 48,
  limit: null,
  seed: 42,
  dtype: 'float32',
  device: 'cpu',
  batch_size: 2,
  min_pixels: 3136,
  max_pixels: 401408,
  ...changes,
});

/** An evaluation with its answers, all but `controls` and `changes` made up; `letters` by item, null = cannot be read. */
export function madeStore(
  directory: string,
  items: readonly VqaItem[],
  letters: readonly (string | null)[],
  changes: Partial<NewEvaluation> = {},
): EvalStore {
  const store = EvalStore.create(directory, {
    id: '20260101-000000-aaaa',
    key: 'key',
    name: 'made',
    settings: madeSettings(),
    controls: [],
    trained: null,
    run_name: null,
    model_hash: 'model',
    split_hash: 'split',
    items,
    left_out: 0,
    ...changes,
  });
  store.addAnswers(
    'image',
    letters.map((letter, index) => ({ index, text: `${letter}`, tokens: 10, finish_reason: 'stop', strict: letter, tolerant: letter })),
  );
  return store;
}

export const madeLoader =
  (items: readonly VqaItem[], hash = 'split', left_out = 0): LoadQuestions =>
  async () => ({ root: '/data', items: [...items], left_out, hash });
