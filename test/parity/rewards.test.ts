/** Built-in rewards that TRL has too give what TRL's give. */
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { createReward, score, type RewardInput } from '../../kernel-bridge/src/rewards/index.ts';
import { mulberry32 } from '../../kernel-bridge/src/stats/random.ts';

const random = mulberry32(3);
const below = (end: number): number => Math.floor(random() * end);
const PIECES = ['<think>', '</think>', '\n', 'word', ' ', '<answer>', ''];

const texts = Array.from({ length: 400 }, () => Array.from({ length: 1 + below(6) }, () => PIECES[below(PIECES.length)]).join(''));
const ids = Array.from({ length: 200 }, () => Array.from({ length: below(60) }, () => below(4)));
const repetition_penalty: Record<string, number>[] = [
  {},
  { ngram_size: 1 },
  { ngram_size: 2, max_penalty: -0.5 },
  { ngram_size: 7, max_penalty: 0 },
];
const soft_overlong_punishment = [
  { max_completion_len: 50, soft_punish_cache: 10 },
  { max_completion_len: 20, soft_punish_cache: 20 },
];

let trl: { think_format: number[]; repetition_penalty: number[][]; soft_overlong_punishment: number[][] };
beforeAll(() => {
  const root = resolve(import.meta.dirname, '../..');
  const printed = execFileSync(join(root, '.venv/bin/python'), [join(import.meta.dirname, 'python/rewards.py')], {
    input: JSON.stringify({ texts, ids, repetition_penalty, overlong: soft_overlong_punishment }),
    encoding: 'utf8',
  });
  trl = JSON.parse(printed.trim().split('\n').at(-1)!);
}, 120_000);

const inputs = (completions: { text?: string; ids?: number[] }[]): RewardInput[] =>
  completions.map(({ text = '', ids: tokenIds = [] }) => ({
    ...{ completion: text, tokenIds, finishReason: 'stop', prompt: '' },
    item: { id: 'q', dataset: '', question: '', options: [], answer: null, modality: '', question_type: '' },
  }));
const ours = (name: string, completions: RewardInput[], given: Record<string, number> = {}) =>
  score(name, createReward(name, { variant: 'think', maxCompletionLength: 50 }, given), completions);

it('think_format', async () => {
  const values = await ours('think_format', inputs(texts.map((text) => ({ text }))));
  expect(values).toEqual(trl.think_format);
  expect(new Set(values)).toEqual(new Set([0, 1]));
});

it.each(repetition_penalty.map((given, k) => [given, k] as const))('repetition_penalty %j', async (given, k) => {
  const values = await ours('repetition_penalty', inputs(ids.map((one) => ({ ids: one }))), given);
  values.forEach((value, i) => expect(value).toBeCloseTo(trl.repetition_penalty[k][i], 12));
});

it.each(soft_overlong_punishment.map((given, k) => [given, k] as const))('soft_overlong_punishment %j', async (given, k) => {
  const values = await ours('soft_overlong_punishment', inputs(ids.map((one) => ({ ids: one }))), given);
  values.forEach((value, i) => expect(value).toBeCloseTo(trl.soft_overlong_punishment[k][i], 12));
});
