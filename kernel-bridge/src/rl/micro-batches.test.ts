import { describe, expect, it } from 'vitest';
import type { EncodedPrompt } from '../models/index.ts';
import { microBatches } from './micro-batches.ts';

const prompt = (text: string): EncodedPrompt => ({ inputIds: [1], images: [], text });
const groups = [
  { prompt: prompt('a'), completions: [[1], [2]] },
  { prompt: prompt('b'), completions: [[3], [4]] },
];
const seen = (size: number) =>
  microBatches(groups, size).map(({ prompts, completions, from, to }) => [prompts.map(({ text }) => text).join(), completions, from, to]);

describe('micro-batches', () => {
  it('hold whole groups when the size allows', () => {
    expect(seen(4)).toEqual([
      [
        'a,b',
        [
          [[1], [2]],
          [[3], [4]],
        ],
        0,
        4,
      ],
    ]);
    expect(seen(2)).toEqual([
      ['a', [[[1], [2]]], 0, 2],
      ['b', [[[3], [4]]], 2, 4],
    ]);
  });

  it('repeat a prompt whose group is cut, with its own completions', () => {
    expect(seen(3)).toEqual([
      ['a,b', [[[1], [2]], [[3]]], 0, 3],
      ['b', [[[4]]], 3, 4],
    ]);
  });

  it('keep two groups of one question apart only where prompts differ', () => {
    const same = prompt('a');
    expect(
      microBatches(
        [
          { prompt: same, completions: [[1]] },
          { prompt: same, completions: [[2]] },
        ],
        2,
      )[0].completions,
    ).toEqual([[[1], [2]]]);
  });
});
