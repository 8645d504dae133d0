import { expect, it } from 'vitest';
import { stretches } from './stretches.ts';

const seen = (texts: string[], text: string, thinkOpen = false): string[] =>
  stretches(texts, { text, thinkOpen }).map(({ part, from, to }) => `${part?.kind ?? '–'}: ${texts.slice(from, to).join('|')}`);

it.each([
  [
    ['<think>', 'so', ' it is', '</think>', ' ', '<answer>', ' C', ' ', '</answer>', '<|im_end|>'],
    ['–: <think>', 'think: so| it is', '–: </think>| |<answer>', 'answer: C| ', '–: </answer>|<|im_end|>'],
  ],
  [
    ['well', '<answer>', 'C'],
    ['outside: well', '–: <answer>', 'answer: C'],
  ],
  [
    ['</th', 'ink>', 'x'],
    ['–: </th|ink>', 'outside: x'],
  ], // a tag in two tokens
  [['a>', ' b'], ['outside: a>| b']],
])('%j', (texts, wanted) => {
  const text = texts.join('').replace('<|im_end|>', '');
  expect(seen(texts, text)).toEqual(wanted.map((one) => one.replace('answer: C', texts.includes(' C') ? 'answer:  C' : 'answer: C')));
});

it('a prompt that ends in <think> has the completion begin there', () =>
  expect(seen(['so', '</think>', 'C'], 'so</think>C', true)).toEqual(['think: so', '–: </think>', 'outside: C']));

it('texts of something else have no parts', () => expect(seen(['a', 'b'], 'nothing of it')).toEqual(['–: a|b']));
