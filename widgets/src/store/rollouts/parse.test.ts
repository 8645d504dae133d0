import { expect, it } from 'vitest';
import { splitCompletion } from './parse.ts';

const split = (text: string) => splitCompletion(text).map(({ kind, text, closed }) => `${kind}${closed ? '' : '!'}: ${text}`);

it.each([
  ['<think>a b</think> <answer> C </answer>', ['think: a b', 'answer:  C ']],
  ['<answer>C</answer>', ['answer: C']],
  ['well <think>a</think>so <answer>C</answer> bye', ['outside: well ', 'think: a', 'outside: so ', 'answer: C', 'outside:  bye']],
  ['no tags at all', ['outside: no tags at all']],
  ['<think>cut off in thou', ['think!: cut off in thou']],
  ['<think>a</think><answer>C', ['think: a', 'answer!: C']],
  ['the prompt opened it </think> <answer> A </answer>', ['think: the prompt opened it ', 'answer:  A ']],
  ['<think>one <think> two</think>', ['think: one <think> two']],
  ['<answer>C</think></answer>', ['answer: C</think>']],
  ['a</answer>', ['outside: a</answer>']],
  ['<THINK>a</THINK>', ['outside: <THINK>a</THINK>']],
  ['', []],
])('%s', (text, parts) => expect(split(text)).toEqual(parts));

it('loses no text beside the tags', () => {
  const text = 'x<think>a</answer>b</think>y<answer>c</answer></think>z<answer>';
  const kept = splitCompletion(text)
    .map((part) => part.text)
    .join('');
  expect(kept.replaceAll(/<\/?(think|answer)>/g, '')).toBe('xabycz');
});
