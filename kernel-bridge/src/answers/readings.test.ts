import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { READING_NAMES, runReading } from '../protocol/index.ts';
import { createReward } from '../rewards/index.ts';
import { LETTERS } from './letters.ts';
import { answerStretch, exactText, readAnswer, verdict } from './readings.ts';

const OPTIONS = ['MRI', 'X-ray', 'CT', 'CT angiography'];

it.each([
  // completion, exact, strict, bare, tolerant
  ['C', 'C', null, 'C', 'C'],
  [' C\n', 'C', null, 'C', 'C'],
  ['c', null, null, null, 'C'],
  ['<answer>C</answer>', 'C', 'C', null, 'C'],
  ['<answer> C </answer> and more', 'C', 'C', null, 'C'],
  ['<answer>\nC\n</answer>', null, 'C', null, 'C'],
  ['<answer>x y</answer><answer>C</answer>', null, 'C', null, 'C'],
  ['<answer>A</answer><answer>C</answer>', 'A', 'A', null, 'C'],
  ['<answer>\n</answer><answer>C</answer>', 'C', 'C', null, 'C'],
  ['<think><answer>B</answer></think><answer>C</answer>', 'B', 'B', null, 'C'],
  ['<answer>C) CT</answer>', null, null, null, 'C'],
  ['<answer>CT</answer>', null, 'CT', null, 'C'],
  ['<answer>C', null, null, null, 'C'],
  ['<think>so</think> C', null, null, null, 'C'],
  ['', null, null, null, null],
] as const)('%j: exact %s, strict %s, bare %s, tolerant %s', (completion, ...read) => {
  expect(READING_NAMES.map((reading) => readAnswer(reading, completion, OPTIONS))).toEqual(read);
});

it('the guide describes each reading, and its examples are read as it says', () => {
  const guide = readFileSync(new URL('../../../docs/guides/evaluate.md', import.meta.url), 'utf8');
  for (const name of READING_NAMES) expect(guide).toMatch(new RegExp(`^\\| \`${name}\` \\|`, 'm'));
  const rows = guide
    .split(`| completion | ${READING_NAMES.join(' | ')} |\n`)[1]
    .split('\n\n')[0]
    .split('\n')
    .slice(1)
    .map((row) => row.slice(2, -2).split(' | '));
  expect(rows).toHaveLength(5);
  for (const [completion, ...read] of rows)
    expect(READING_NAMES.map((reading) => readAnswer(reading, completion.slice(1, -1), OPTIONS) ?? '–')).toEqual(read);
});

it('every letter to Z is read by every reading, as far as there are options', () => {
  const options = LETTERS.map((letter) => `option ${letter}${letter}`);
  for (const letter of LETTERS) {
    for (const reading of ['exact', 'strict', 'tolerant'] as const)
      expect(readAnswer(reading, `<answer> ${letter} </answer>`, options)).toBe(letter);
    expect(readAnswer('bare', letter, options)).toBe(letter);
    expect(readAnswer('tolerant', `<answer>${letter.toLowerCase()}</answer>`, options)).toBe(letter);
    expect(readAnswer('tolerant', `The answer is ${letter}) it`, options)).toBe(letter);
  }
  expect(readAnswer('tolerant', 'The answer is Z.', options.slice(0, 25))).toBeNull();
});

it('an option without text is not what an answer means, and the letters after it stay', () => {
  expect(['A', 'B', 'C'].map((letter) => readAnswer('tolerant', letter, ['x', ' ', 'z']))).toEqual(['A', null, 'C']);
});

it.each([
  ['exact', 'a <answer> C </answer> b', ' C '],
  ['exact', ' C ', ' C '],
  ['strict', '<answer>x y</answer><answer> C </answer>', 'C'],
  ['strict', 'C', null],
  ['bare', 'a <answer>C</answer>', 'a <answer>C</answer>'],
  ['tolerant', '<answer>A</answer> no, <Answer> C </Answer>', ' C '],
  ['tolerant', '<answer>A</answer', 'A</answer'],
  ['tolerant', 'well, C', 'well, C'],
] as const)('%s takes of %j the stretch %j for the answer', (reading, completion, text) => {
  const found = answerStretch(reading, completion);
  expect(found && completion.slice(found.from, found.to)).toBe(text);
});

describe('verdict and reward never disagree', () => {
  const PIECES = [
    ...['C', 'A', 'c', 'Z', 'x y', 'CT', 'C) CT', 'C.', ' ', '\n', '\x1c', '\ufeff', '\r'],
    ...['<answer>', '</answer>', '<think>', '</think>', '<Answer>', '<answer>C</answer>', '<answer> A </answer>', '<answer>\nC</answer>'],
  ];
  const known = { id: 'q', dataset: 'd', question: 'Q?', options: OPTIONS, modality: 'CT', question_type: 'MR' };
  const combinations = (n: number): string[] =>
    n === 0 ? [''] : combinations(n - 1).flatMap((text) => ['', ...PIECES].map((piece) => text + piece));
  const completions = [...new Set(combinations(3))];

  it.each([
    ['accuracy', 'exact'],
    ['accuracy_tolerant', 'tolerant'],
  ] as const)('%s and the reading %s, in every combination of pieces', async (name, reading) => {
    expect(runReading({ reward_funcs: ['format', name] })).toBe(reading);
    const reward = createReward(name, { variant: 'think', maxCompletionLength: 100 });
    for (const answer of ['C', 'A', null]) {
      const item = { ...known, answer };
      const inputs = completions.map((completion) => ({ completion, tokenIds: [1], finishReason: 'stop' as const, prompt: 'P', item }));
      const rewards = await reward(inputs, null);
      const verdicts = completions.map((completion) => verdict(reading, completion, item).correct);
      expect(verdicts.map((correct) => (correct === null ? null : Number(correct)))).toEqual(rewards);
      expect(verdicts.some(Boolean)).toBe(answer !== null);
    }
  });
});

it("accuracy's comparison is of texts, whatever the right answer is called", () => {
  expect(exactText('<answer> yes </answer>')).toBe('yes');
  expect(exactText('\x1c no\x85')).toBe('no');
});

it.each([
  [['accuracy', 'format'], 'exact'],
  [['accuracy_tolerant', 'accuracy'], 'exact'],
  [['accuracy_tolerant', './own.ts'], 'tolerant'],
  [['./own.ts'], 'exact'],
])('a run whose rewards are %j counts by the reading %s', (reward_funcs, reading) => {
  expect(runReading({ reward_funcs })).toBe(reading);
});

describe('reading answers', () => {
  it.each([
    // completion, strict, tolerant
    ['<answer> C </answer>', 'C', 'C'],
    ['<answer>c</answer>', 'c', 'C'],
    ['<answer>C) CT</answer>', null, 'C'],
    ['<answer>(C)</answer>', null, 'C'],
    ['<answer>CT</answer>', 'CT', 'C'],
    ['<answer>ct.</answer>', null, 'C'],
    ['<answer>CT angiography</answer>', null, 'D'],
    ['<answer>It shows a CT angiography scan</answer>', null, 'D'],
    ['<answer>MRI or CT</answer>', null, null],
    ['<answer>F</answer>', 'F', null],
    ['C', null, 'C'],
    ['The answer is C', null, 'C'],
    ['<think>A) no</think> C', null, 'C'],
    ['<answer>A</answer> no, <answer>C</answer>', 'A', 'C'],
    ['<answer>C', null, 'C'],
    ['A scan of the chest', null, null],
    ['', null, null],
  ])('%j: strict %s, tolerant %s', (completion, strict, tolerant) => {
    expect(readAnswer('strict', completion, OPTIONS)).toBe(strict);
    expect(readAnswer('tolerant', completion, OPTIONS)).toBe(tolerant);
  });
});

describe('tolerant reading of what models write besides', () => {
  it.each([
    ['The answer is a cyst', 'B'], // an article, not the letter
    ['<answer>the option a reader takes: cyst</answer>', 'B'],
    ['the answer is c', 'C'],
    ['answer: (b)', 'B'],
    ['The Answer is A', 'A'],
    ['ANSWER: D', 'D'],
    ['ça', null], // one word, of which an expression for ASCII sees one letter
    ['AnswerÀ', null],
    ['答案：A', 'A'],
    ['<answer><answer>C</answer></answer>', 'C'],
    ['<answer>A</answer> or <answer>B</answer>', 'B'],
    ['<answer></answer>', null],
    ['The answer is **C**.', 'C'],
    ['The correct answer is: B', 'B'],
    ['the answer is "c".', 'C'],
    ['The answer is $\\boxed{B}$.', 'B'],
    ['\\boxed{\\text{C}}', 'C'],
    ['$\\boxed{\\mathbf{(C)}}$', 'C'],
    ['$$\\text{B}$$', 'B'],
    ['Final Answer: \\(C\\)', 'C'],
    ['\\[ \\boxed{B} \\]', 'B'],
    ['\\boxed{\\text{cyst}}', 'B'],
    ['\\text{A or B}', null],
    ['<Answer> C </Answer>', 'C'],
    ['答案是Ｃ，因为', 'C'],
    ['Ⓓ', 'D'],
    ['optic  RETINA..', 'C'],
    // several letters are no answer
    ['<answer>A, C</answer>', null],
    ['<answer>A, B and C</answer>', null],
    ['Answer: C or A', null],
    ['A) tumor, B) cyst, C) retina, D) none', null],
    ['A) tumor\nB) cyst', null],
    ['B) cyst, not A) tumor', 'B'],
    ['C) retina\n\nExplanation: A) tumor would show.', 'C'],
    ['C, I think', 'C'],
  ])('%j: %s', (completion, letter) => {
    expect(readAnswer('tolerant', completion, ['tumor', 'cyst', 'retina', 'none'])).toBe(letter);
  });

  it('an empty answer is not an option without text', () => expect(readAnswer('tolerant', '<answer> </answer>', ['', 'cyst'])).toBeNull());

  it('100,000 characters are read at once', () => {
    for (const run of ['.', ' ', '\n', 'A, B, ', 'answer ', '<answer>', '<think>', '\\boxed{', '\\text{a}', '\\('])
      expect(readAnswer('tolerant', `${run.repeat(100_000 / run.length)}x`, ['tumor', 'cyst'])).toBeNull();
  });
});

it.each([
  ['C', 'C'],
  [' C\n', 'C'],
  ['C) CT', null],
  ['<answer> C </answer>', null],
  ['c', null],
])('the zero-shot script reads %j as %s', (completion, letter) => expect(readAnswer('bare', completion, [])).toBe(letter));
