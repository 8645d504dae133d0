import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { choicesOf, formatQuestion } from '../answers/index.ts';
import { exportItems } from './export.ts';
import { temporary, write } from './fixtures.ts';
import { buildIndex } from './index/build.ts';
import { loadItems } from './load.ts';
import { toItem } from './item.ts';

/** The item of a record alone. */
const read = (record: object) => toItem({ question: 'Q?', image: 'x.png', ...record }, { file: 'set.jsonl', row: 0 }).item;

/** Answers and problems of a data set's rows, of its folder and of its index. */
async function answers(rows: object[], files: Record<string, object[]> = { 'set.jsonl': rows }) {
  using dir = temporary();
  for (const [name, list] of Object.entries(files))
    write(dir.path, { [name]: list.map((row) => JSON.stringify({ question: 'Q?', image: 'x.png', ...row })).join('\n'), 'x.png': 'x' });
  const home = join(dir.path, '.home');
  const seen = (await loadItems(dir.path)).items.map(({ answer, problem }) => problem ?? answer);
  await buildIndex(dir.path, { name: 'set', home, images: false });
  const indexed = (await loadItems('set', { home })).items.map(({ answer, problem }) => problem ?? answer);
  expect(indexed).toEqual(seen);
  return seen;
}

const letters = ['C', 'D', 'A', 'B'];

describe('a field that names a letter', () => {
  it.each([
    ['label', { options: { A: 'C', B: 'D', C: 'A', D: 'B' }, label: 'C' }],
    ['label beside a list', { options: letters, label: 'C' }],
    ['answer_label', { choices: letters, answer_label: 'C' }],
    ['answer_letter', { choices: letters, answer_letter: 'c)' }],
    ['answer_idx', { options: { A: 'C', B: 'D', C: 'A', D: 'B' }, answer_idx: 'C' }],
    ['correct_option', { options: letters, correct_option: '(C)' }],
    ['answerKey, beside texts and labels', { choices: { text: letters, label: ['A', 'B', 'C', 'D'] }, answerKey: 'C' }],
    ['answer beside a dict', { options: { A: 'C', B: 'D', C: 'A', D: 'B' }, answer: 'C' }],
    ['answer beside columns', { A: 'C', B: 'D', C: 'A', D: 'B', answer: 'C' }],
    ['answer beside pairs', { options: [...'ABCD'].map((key, i) => ({ key, value: letters[i] })), answer: 'C' }],
    ["Med-R1's solution", { problem: 'Q? A)C, B)D, C)A, D)B', solution: '<answer> C </answer>' }],
  ])('is a letter where that is also the text of an option: %s', async (_, record) => expect(await answers([record])).toEqual(['C']));

  it('out of the range of the options is no answer, whatever their texts', async () =>
    expect(
      await answers([
        { options: ['D', 'A'], label: 'D' },
        { options: ['x', 'y'], label: 'B' },
      ]),
    ).toEqual(['answer-no-option', 'B']));
});

describe('a field that may be either', () => {
  const open = { options: letters, answer: 'C' };

  it('is a problem where no other row tells', async () => expect(await answers([open])).toEqual(['answer-ambiguous']));
  it('is a letter where the other rows are letters', async () =>
    expect(await answers([open, { options: ['x', 'y'], answer: 'B' }])).toEqual(['C', 'B']));
  it('is a text where the other rows are texts', async () =>
    expect(await answers([{ options: ['x', 'y'], answer: 'y' }, open])).toEqual(['B', 'A']));
  it('is a problem where the other rows are both', async () =>
    expect(await answers([{ options: ['x', 'y'], answer: 'y' }, open, { options: ['x', 'y'], answer: 'B' }])).toEqual([
      'B', // no option has the letter Y
      'answer-ambiguous',
      'B',
    ]));
  it('says nothing where both readings are one option', async () =>
    expect(await answers([{ options: ['A', 'B'], answer: 'B' }, open])).toEqual(['B', 'answer-ambiguous']));
  it("is decided by its own file's rows first", async () => {
    const files = {
      'letters.jsonl': [open, { options: ['x', 'y'], answer: 'B' }],
      'texts.jsonl': [open, { options: ['x', 'y'], answer: 'y' }],
      'alone.jsonl': [open],
    };
    expect(await answers([], files)).toEqual(['answer-ambiguous', 'C', 'B', 'A', 'B']);
  });
  it('as gt_answer is a text in an OmniMedVQA of texts', async () => {
    const row = (option_A: string, option_B: string, gt_answer: string) => ({ option_A, option_B, gt_answer });
    expect(await answers([row('CT', 'MRI', 'MRI'), row('B', 'A', 'B')])).toEqual(['B', 'A']);
  });

  it('keeps another problem of the row', async () =>
    expect(
      await answers([
        { options: ['x', 'y'], answer: 'B' },
        { ...open, image: 'none.png' },
        { ...open, image: '' },
      ]),
    ).toEqual(['B', 'image-missing', 'image-none']));

  it('agrees with a letter beside it, or is a problem', async () =>
    expect(
      await answers([
        { ...open, answer_label: 'C' },
        { ...open, answer_label: 'A' },
        { ...open, answer_label: 'B' },
        { options: ['x', 'y'], answer: 'y', answer_label: 'A' },
        { options: ['x', 'y'], answer: 'the second', answer_label: 'B' },
      ]),
    ).toEqual(['C', 'A', 'answer-ambiguous', 'answer-ambiguous', 'B']));
});

describe('an answer that is a number', () => {
  const numbers = ['1', '2', '3', '4'];
  it('may be a text or count from 0: the rows decide', async () => {
    expect(await answers([{ options: numbers, answer: 2 }])).toEqual(['answer-ambiguous']);
    expect(
      await answers([
        { options: numbers, answer: 2 },
        { options: ['x', 'y'], answer: 0 },
      ]),
    ).toEqual(['C', 'A']);
    expect(await answers([{ options: [1, 2, 3, 4], answer: 2 }])).toEqual(['B']); // a number among numbers
  });

  const labels = (...values: number[]) => values.map((label) => ({ options: ['w', 'x', 'y', 'z'], label }));
  it('counts from 0, unless no row has 0 and one has the number of its options', async () => {
    expect(await answers(labels(1, 2, 0))).toEqual(['B', 'C', 'A']);
    expect(await answers(labels(1, 2))).toEqual(['B', 'C']);
    expect(await answers(labels(1, 2, 3, 4, 1, 2, 3, 4, 1, 2))).toEqual(['A', 'B', 'C', 'D', 'A', 'B', 'C', 'D', 'A', 'B']);
    expect(await answers(labels(0, 4))).toEqual(['A', 'answer-no-option']);
  });
  it('is a problem where too few rows tell where it begins', async () =>
    expect(await answers(labels(4, 1))).toEqual(['answer-ambiguous', 'answer-ambiguous']));
  it('is the label that the options have', async () =>
    expect(
      await answers([
        { options: { 1: 'x', 2: 'y', 3: 'z' }, answer: 2 },
        { option_1: 'x', option_2: 'y', answer: '1' },
      ]),
    ).toEqual(['B', 'A']));
});

describe('an empty option keeps its letter', () => {
  it.each<[string, object, string[], string | null]>([
    ['an empty column', { A: '', B: 'Two', C: 'One', D: 'None of these', answer: 'B' }, ['', 'Two', 'One', 'None of these'], 'B'],
    ['a column that is not there', { A: 'One', C: 'Two', answer: 'C' }, ['One', '', 'Two'], 'C'],
    ['a first column that is not there', { B: 'One', C: 'Two', answer: 'C' }, ['', 'One', 'Two'], 'C'],
    ['null in a list', { options: ['One', null, 'Two'], answer: 'C' }, ['One', '', 'Two'], 'C'],
    ['a blank in a dict', { options: { A: '  ', B: 'One', C: 'Two' }, answer: 'C' }, ['', 'One', 'Two'], 'C'],
    ['nan', { option_A: 'One', option_B: 'nan', option_C: 'Two', answer: 'Two' }, ['One', '', 'Two'], 'C'],
    ['None', { 'Choice A': 'One', 'Choice B': 'None', 'Choice C': 'Two', answer: 'C' }, ['One', '', 'Two'], 'C'],
    ['NaN', { options: ['One', NaN, 'Two'], label: 2 }, ['One', '', 'Two'], 'C'],
    ['a list as Python prints it', { options: "['One', None, nan, 'Two']", answer: 'D' }, ['One', '', '', 'Two'], 'D'],
    ['bars', { options: 'One||Two', answer: 'C' }, ['One', '', 'Two'], 'C'],
    ['letters of their own', { options: ['A. One', '', 'C. Two'], answer: 'C' }, ['One', '', 'Two'], 'C'],
    ['the end', { A: 'One', B: 'Two', C: '', D: null, answer: 'B' }, ['One', 'Two'], 'B'],
  ])('%s', (_, record, options, answer) => expect(read(record)).toMatchObject({ options, answer, problem: null }));

  it('is no answer, and no choice', () => {
    expect(read({ A: '#15', B: '#16', C: '#17', D: '', answer: 'D' }).problem).toBe('answer-no-option');
    expect(read({ choices: ['#15', '', '#17'], answer: 'B' }).problem).toBe('answer-no-option');
    expect(read({ choices: ['#15', 'None', '#17'], answer: 'None' }).problem).toBe('answer-missing');
    expect(read({ choices: ['#15', '', '#17'], label: 1 }).problem).toBe('answer-no-option');
    expect(read({ A: 'One', B: '', C: '', D: ' ', answer: 'A' }).problem).toBe('options-too-few');
    expect(choicesOf(read({ A: '', B: '', C: 'x', D: 'y', answer: 'C' }).options)).toEqual([
      { letter: 'C', text: 'x', index: 2 },
      { letter: 'D', text: 'y', index: 3 },
    ]);
    expect(read({ A: '', B: '', C: 'x', D: 'y', answer: 'C' }).problem).toBeNull(); // two empty ones are not equal
  });

  it('words are options: none, "None." and a None under its letter', () =>
    expect(read({ options: ['none', 'None.', 'Nan bread'], answer: 'C' }).problem).toBe('options-equal'));

  it('is not in the prompt, and is written out for other programs so that it is read again', () => {
    const item = read({ A: '', B: 'Two', C: '', D: 'One', answer: 'B' });
    expect(formatQuestion(item)).toBe('Q? B)Two, D)One');
    const [record] = JSON.parse(new TextDecoder().decode(exportItems([item], 'medr1').bytes)) as object[];
    expect(toItem(record, { file: 'x', row: 0 }).item).toMatchObject({ options: ['', 'Two', '', 'One'], answer: 'B', problem: null });
  });
});

describe('more than six options', () => {
  const ten = [...'ABCDEFGHIJ'].map((letter) => `option ${letter.toLowerCase()}`);
  const byLetter = Object.fromEntries(ten.map((text, i) => ['ABCDEFGHIJ'[i], text]));
  it.each<[string, object]>([
    ['a list', { options: ten }],
    ['a dict', { options: byLetter }],
    ['columns', byLetter],
    ['columns by name', Object.fromEntries(Object.entries(byLetter).map(([l, text]) => [`option_${l}`, text]))],
    ['a cell', { options: ten.join('|') }],
    ['a string', { problem: `Q? ${ten.map((text, i) => `${'ABCDEFGHIJ'[i]})${text}`).join(', ')}` }],
    ['texts and labels', { options: { text: ten, label: [...'ABCDEFGHIJ'] } }],
  ])('are all read from %s', (_, record) => {
    const item = read({ ...record, answer: 'J' });
    expect(item).toMatchObject({ question: 'Q?', options: ten, answer: 'J', problem: null });
    expect(formatQuestion(item)).toContain('J)option j');
  });

  it('to Z; beyond it they are too many', () => {
    const list = (n: number) => Array.from({ length: n }, (_, i) => `option ${i}`);
    expect(read({ options: list(26), answer: 'Z' })).toMatchObject({ answer: 'Z', problem: null });
    expect(read({ options: list(27), answer: 'Z' }).problem).toBe('options-too-many');
  });

  it('are not the columns of a box', () =>
    expect(read({ A: 'one', B: 'two', answer: 'A', x: 1, y: 2, w: 3, h: 4 }).options).toEqual(['one', 'two']));
});

describe('marks of images in a question', () => {
  it.each([
    '<image>\nQ?',
    '<image> Q?',
    '<|vision_start|><|image_pad|><|vision_end|>Q?',
    '<|vision_start|><|image_pad|><|vision_end|>\n<image>Q?',
    '<image 1> Q?',
    '<img></img>Q?',
    '<|image_1|>\nQ?',
    'Q?\n<image>',
  ])('%j is Q?', (question) => {
    const { question: text, problem } = read({ question, options: ['x', 'y'], answer: 'A' });
    expect(text).toBe('Q?');
    expect(problem).toBe(/image.*image>/s.test(question) && question.includes('<image>Q') ? 'images-several' : null);
  });

  it.each([
    ['in the middle', { question: 'What is <|image_pad|> here?' }],
    ['in an option', { options: ['x', '<|vision_start|>'] }],
    ['that ends the turn', { question: 'Q?<|im_end|>' }],
    ['of a box', { question: 'What is in <|box_start|>(1,2)<|box_end|>?' }],
  ])('a special token %s is a problem', (_, changes) =>
    expect(read({ options: ['x', 'y'], answer: 'A', ...changes }).problem).toBe('text-reserved'),
  );

  it.each<[object, string | null]>([
    [{ image: null, images: ['a.png', 'b.png'] }, 'images-several'],
    [{ image: ['a.png', 'b.png'] }, 'images-several'],
    [{ image: "['a.png', 'b.png']" }, 'images-several'],
    [{ image: null, image_1: 'a.png', image_2: 'b.png' }, 'images-several'],
    [{ image: ['a.png', null] }, null],
    [{ image: null, image_1: 'a.png', image_2: null }, null],
    [{ question: '<image>\n<image>\nCompare.' }, 'images-several'],
  ])('several images have a reason of their own: %j', (changes, problem) =>
    expect(read({ options: ['x', 'y'], answer: 'A', ...changes }).problem).toBe(problem),
  );
});
