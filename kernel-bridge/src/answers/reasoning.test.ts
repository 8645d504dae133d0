import { describe, expect, it } from 'vitest';
import { letterToken, reasoningOf, sentencesOf } from './reasoning.ts';

const words = (text: string): string[] => text.match(/\s*[A-Za-z]+|\s*<\/?|>|\s*[^\sA-Za-z<>]+/g)!;
const cut = (text: string, ranges: { from: number; to: number }[]): string[] => ranges.map(({ from, to }) => text.slice(from, to));

describe('sentences', () => {
  it.each([
    ['The cell is round. It is 2.5 mm wide!  Is it a cyst?\nNo', ['The cell is round.', 'It is 2.5 mm wide!', 'Is it a cyst?', 'No']],
    ['  ', []],
    ['one line without an end', ['one line without an end']],
    ['图像显示囊肿。答案是A。', ['图像显示囊肿。', '答案是A。']],
  ])('of %j', (text, found) => {
    expect(cut(text, sentencesOf(text))).toEqual(found);
  });
});

describe('the letter', () => {
  it.each([
    ['<think> A mass. B is likelier. </think> <answer> C </answer>', 'C'],
    ['<answer> A </answer> or <answer> B </answer>', 'B'],
    ['It is A or B', 'B'],
    ['<answer> cyst </answer>', null],
  ])('of %j', (text, letter) => {
    const texts = words(text);
    expect(texts.join('')).toBe(text);
    const token = letterToken(texts);
    expect(token === null ? null : texts[token].trim()).toBe(letter);
  });
});

describe('reasoning', () => {
  it('is cut into sentences before the letter, and keeps how the letter was come to', () => {
    const text = '<think> The cell is round. So it is B. </think> <answer> B </answer>';
    const found = reasoningOf(words(text));
    expect(cut(text, found.sentences)).toEqual(['The cell is round.', 'So it is B.']);
    expect(found).toMatchObject({ bridge: ' </think> <answer>', letter: ' B' });
    expect(words(text)[found.token!]).toBe(' B');
  });

  it('that the prompt begins has no opening tag', () => {
    const text = 'It is round. </think><answer>B</answer>';
    const found = reasoningOf(words(text), { thinkOpen: true });
    expect(cut(text, found.sentences)).toEqual(['It is round.']);
    expect(found).toMatchObject({ bridge: ' </think><answer>', letter: 'B' });
  });

  it('after the answer explains it and decides nothing', () => {
    const text = '<answer> B </answer> <think> It is round. </think>';
    const found = reasoningOf(words(text));
    expect(found).toMatchObject({ sentences: [], bridge: '', letter: ' B', from: 8, to: 8 });
  });

  it('of a completion that was cut off is asked for an answer in our words', () => {
    const text = '<think> It is round. Its edge';
    const found = reasoningOf(words(text));
    expect(cut(text, found.sentences)).toEqual(['It is round.', 'Its edge']);
    expect(found).toMatchObject({ bridge: '</think><answer>', letter: ' C', token: null });
  });

  it('of which a letter is a word says no answer', () => {
    expect(reasoningOf(words('<think> It is A'))).toMatchObject({ bridge: '</think><answer>', token: null });
    expect(reasoningOf(words('<think> A mass. </think> <answer> none'))).toMatchObject({ token: null });
  });

  it('of a completion without reasoning or answer has nothing to cut', () => {
    expect(reasoningOf(words('no idea'))).toMatchObject({ sentences: [], from: 0, to: 0, bridge: '<answer>', token: null });
    expect(reasoningOf([])).toMatchObject({ sentences: [], token: null });
  });
});
