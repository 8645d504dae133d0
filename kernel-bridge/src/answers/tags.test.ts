import { expect, it } from 'vitest';
import { formatSolution, opensThink, parseSolution, splitCompletion } from './tags.ts';

it("Med-R1's solution is written in one way and read with and without its tags", () => {
  expect(formatSolution('C')).toBe('<answer> C </answer>');
  expect(['<answer> C </answer>', '<answer>C</answer>', 'C'].map(parseSolution)).toEqual(['C', 'C', 'C']);
});

/** "think?!: text": ? = nobody opened it, ^ = the prompt did, ! = not closed. */
const split = (text: string, options = {}) =>
  splitCompletion(text, options).map(
    ({ kind, text, opened, closed }) => `${kind}${{ nobody: '?', prompt: '^', completion: '' }[opened]}${closed ? '' : '!'}: ${text}`,
  );

it.each([
  ['<think>a b</think> <answer> C </answer>', ['think: a b', 'answer:  C ']],
  ['<answer>C</answer>', ['answer: C']],
  ['well <think>a</think>so <answer>C</answer> bye', ['outside: well ', 'think: a', 'outside: so ', 'answer: C', 'outside:  bye']],
  ['no tags at all', ['outside: no tags at all']],
  ['<think>cut off in thou', ['think!: cut off in thou']],
  ['<think>a</think><answer>C', ['think: a', 'answer!: C']],
  ['nobody opened it </think> <answer> A </answer>', ['think?: nobody opened it ', 'answer:  A ']],
  ['</think> with a with a<answer> B </answer>', ['think?: ', 'outside:  with a with a', 'answer:  B ']],
  ['<answer>A</answer> so it is</think>', ['answer: A', 'think?:  so it is']],
  ['<think>one <think> two</think>', ['think: one <think> two']],
  ['<answer>C</think></answer>', ['answer: C</think>']],
  ['a</answer>', ['answer?: a']],
  ['<THINK>a</THINK>', ['outside: <THINK>a</THINK>']],
  ['', []],
])('%s', (text, parts) => expect(split(text)).toEqual(parts));

it.each([
  ['so it is C</think><answer>C</answer>', ['think^: so it is C', 'answer: C']],
  ['cut off in thou', ['think^!: cut off in thou']],
  ['\n<think>again</think><answer>C</answer>', ['think: again', 'answer: C']],
])('%s, where the prompt ends in <think>', (text, parts) => expect(split(text, { thinkOpen: true })).toEqual(parts));

it('loses no text beside the tags and says where each part is', () => {
  const text = 'x<think>a</answer>b</think>y<answer>c</answer></think>z<answer>';
  const parts = splitCompletion(text);
  const kept = parts.map((part) => part.text).join('');
  expect(kept.replaceAll(/<\/?(think|answer)>/g, '')).toBe('xabycz');
  for (const { from, text: part } of parts) expect(text.slice(from, from + part.length)).toBe(part);
});

it('a prompt opens a think part only where it ends in the tag', () => {
  expect(['Think.\n<think>\n', '<think>', 'in <think>...</think> tags.', '', null].map(opensThink)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});
