import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Sample } from './store.ts';
import { chancesOf, votes } from './votes.ts';

/** By trying every choice of n of the letters; "-" cannot be read. */
function byTrying(letters: string, answer: string, n: number): { majority: number; any: number } {
  let [choices, right, some] = [0, 0, 0];
  for (let chosen = 0; chosen < 1 << letters.length; chosen++) {
    const said = [...letters].filter((_, at) => chosen & (1 << at));
    if (said.length !== n) continue;
    choices++;
    if (said.includes(answer)) some++;
    const counts = Map.groupBy(
      said.filter((one) => one !== '-'),
      (one) => one,
    );
    const most = Math.max(0, ...[...counts.values()].map(({ length }) => length));
    const first = [...counts].filter(([, { length }]) => length === most).map(([letter]) => letter);
    if (first.includes(answer)) right += 1 / first.length;
  }
  return { majority: right / choices, any: some / choices };
}

const countsIn = (letters: string, answer: string) => {
  const others = Map.groupBy(
    [...letters].filter((one) => one !== '-' && one !== answer),
    (one) => one,
  );
  const count = (letter: string): number => [...letters].filter((one) => one === letter).length;
  return { right: count(answer), others: [...others.values()].map(({ length }) => length), unread: count('-') };
};

describe('the majority of some of the samples', () => {
  it('is right as often as all choices of them say', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('A', 'B', 'C', 'D', '-'), { minLength: 1, maxLength: 9 }), (said) => {
        const letters = said.join('');
        const { majority, any } = chancesOf(countsIn(letters, 'A'));
        for (let n = 1; n <= letters.length; n++) {
          const tried = byTrying(letters, 'A', n);
          expect(majority[n - 1]).toBeCloseTo(tried.majority, 10);
          expect(any[n - 1]).toBeCloseTo(tried.any, 10);
        }
      }),
    );
  });

  it('of 64 is told in numbers', () => {
    const { majority } = chancesOf({ right: 30, others: [20, 10, 3], unread: 1 });
    expect(majority[0]).toBeCloseTo(30 / 64, 12);
    expect(majority[63]).toBe(1);
    expect(majority.every((chance) => chance >= 0 && chance <= 1)).toBe(true);
  });
});

const sample = (letter: string | null, tolerant = letter): Sample => ({ tokens: 10, strict: letter, tolerant });

it('votes are over the questions that have all samples, by both readings, with their cost', () => {
  const found = votes(
    [
      { answer: 'A', samples: [sample('A'), sample('B'), sample('A')] },
      { answer: 'A', samples: [sample(null, 'A'), sample(null, 'A'), sample('B')] },
      { answer: 'A', samples: [sample('A')] }, // not drawn yet
    ],
    3,
    0.7,
  )!;
  expect(found).toMatchObject({ temperature: 0.7, samples: 3, questions: 2 });
  expect(found.by_count.map(({ n, tokens }) => [n, tokens])).toEqual([
    [1, 10],
    [2, 20],
    [3, 30],
  ]);
  const [one, , three] = found.by_count;
  expect(one.strict.majority).toBeCloseTo((2 / 3 + 0) / 2);
  expect(three.strict.majority).toBe(0.5);
  expect(three.tolerant.majority).toBe(1);
  expect(three.strict.any).toBe(0.5);
  expect(three.strict.low).toBeLessThan(0.5);
  expect(votes([], 3, 1)).toBeNull();
  expect(votes([{ answer: null, samples: [sample('A')] }], 1, 1)!.by_count[0].strict.majority).toBe(0);
});
