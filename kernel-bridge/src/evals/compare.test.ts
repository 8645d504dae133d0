import { describe, expect, it } from 'vitest';
import type { VqaItem } from '../protocol/data.ts';
import type { EvalSummary } from '../protocol/evals.ts';
import { chooseEvaluations } from './choose.ts';
import { comparison, type Compared } from './compare.ts';
import { madeAnswer, madeItem, madeSettings } from './fixtures.ts';
import { comparisonLines } from './table.ts';

const summary = (id: string, changes: Partial<EvalSummary> = {}): EvalSummary =>
  ({
    id,
    name: id,
    settings: madeSettings(),
    trained: null,
    run_name: null,
    reading: 'strict',
    split_hash: 'split',
    created_at: 0,
    strict: { right: 1, total: 4, rate: 0.25, low: 0, high: 1 },
    samples: null,
    ...changes,
  }) as EvalSummary;

/** Answers of an evaluation: item and letter. */
const compared = (
  id: string,
  said: [VqaItem, string | null, string?][],
  { asked = said.length, ...changes } = {} as { asked?: number } & Partial<EvalSummary>,
): Compared => ({
  summary: summary(id, changes),
  asked,
  samples: new Map(),
  byItem: new Map(said.map(([item, letter, mark]) => [item.id, { answer: madeAnswer(item, letter), mark: mark ?? null }])),
});
const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((id) => madeItem(id));

describe('a comparison', () => {
  it('of two splits is over the questions that both asked, and counts the others', () => {
    const made = comparison([
      compared(
        'one',
        [
          [a, 'A'],
          [b, 'B'],
          [c, 'A'],
        ],
        { asked: 4 },
      ),
      compared('two', [
        [b, 'A'],
        [c, 'A'],
        [d, 'A'],
      ]),
    ]);
    expect(made.items).toBe(2);
    expect(made.questions).toEqual([
      { compared: 2, unanswered: 1, unshared: 1, changed: 0 },
      { compared: 2, unanswered: 0, unshared: 1, changed: 0 },
    ]);
    expect(made.pairs[0].strict).toMatchObject({ both: 1, only_a: 0, only_b: 1, neither: 0, flips: { only_a: [], only_b: ['b'] } });
    expect(made.reports.map(({ strict }) => strict.total)).toEqual([2, 2]);
  });

  it.each([
    ['words', { question: 'Which organ?' }],
    ['options', { options: ['cyst', 'nodule'] }],
    ['right answer', { answer: 'B' }],
    ['image', { image: 'elsewhere.png' }],
  ])('leaves out a question with other %s under the same id', (_, change) => {
    const made = comparison([
      compared('one', [
        [a, 'A'],
        [b, 'A'],
      ]),
      compared('two', [
        [{ ...a, ...change }, 'A'],
        [b, 'A'],
      ]),
    ]);
    expect(made.questions).toEqual(Array(2).fill({ compared: 1, unanswered: 0, unshared: 0, changed: 1 }));
  });

  it('knows a moved image by its mark, and another image under the same path', () => {
    const moved = { ...a, image: 'moved/a.png' };
    expect(comparison([compared('one', [[a, 'A', '5 x']]), compared('two', [[moved, 'A', '5 x']])]).items).toBe(1);
    expect(() => comparison([compared('one', [[a, 'A', '5 x']]), compared('two', [[a, 'A', '5 y']])])).toThrow(/1 have the same id/);
  });

  it('without a shared question is refused', () => {
    expect(() => comparison([compared('one', [[a, 'A']]), compared('two', [[b, 'A']])])).toThrow(
      expect.objectContaining({ code: 'EVAL_NOT_COMPARABLE' }),
    );
  });

  it('corrects p for the pairs that are tested together, and leaves the p of a single pair', () => {
    const items = Array.from({ length: 12 }, (_, i) => madeItem(`q${i}`));
    const say = (id: string, right: number) =>
      compared(
        id,
        items.map((item, i) => [item, i < right ? 'A' : 'B']),
      );
    const three = comparison([say('x', 0), say('y', 6), say('z', 12)]);
    // flips: x-y 6, x-z 12, y-z 6; p = 2 / 2^n, the smallest times 3, the others times 2
    const expected = [
      [2 / 64, 4 / 64],
      [2 / 4096, 6 / 4096],
      [2 / 64, 4 / 64],
    ];
    three.pairs.forEach(({ strict }, i) => {
      expect(strict.p).toBeCloseTo(expected[i][0], 12);
      expect(strict.p_holm).toBeCloseTo(expected[i][1], 12);
    });
    const two = comparison([say('x', 0), say('y', 6)]);
    expect(two.pairs[0].strict.p_holm).toBe(two.pairs[0].strict.p);
  });

  it('tells how often two answer the same, what cannot be read among it', () => {
    const made = comparison([
      compared('one', [
        [a, 'A'],
        [b, null],
        [c, 'B'],
        [d, 'C'],
      ]),
      compared('two', [
        [a, 'A'],
        [b, null],
        [c, 'C'],
        [d, 'A'],
      ]),
    ]);
    const { letter, verdict } = made.pairs[0].agreement.strict;
    expect([letter.same, letter.total]).toEqual([2, 4]);
    expect(letter.kappa).toBeCloseTo(1 / 3, 12); // scikit-learn, with "none" as a label
    expect([verdict.same, verdict.rate]).toEqual([3, 0.75]);
  });

  it('names the settings and readings that differ', () => {
    const made = comparison([
      compared('one', [[a, 'A']]),
      compared('two', [[a, 'A']], { settings: madeSettings({ variant: 'no-think', max_new_tokens: 8, batch_size: 9 }), reading: 'bare' }),
    ]);
    expect(made.apart).toEqual([
      { setting: 'variant', values: ['think', 'no-think'] },
      { setting: 'max_new_tokens', values: ['48', '8'] },
      { setting: 'reading', values: ['strict', 'bare'] },
    ]);
  });

  it('counts majorities over the questions that are compared, of those that have samples', () => {
    const drawn = (...letters: string[]) => letters.map((strict) => ({ strict, tolerant: strict, tokens: 5 }));
    const sampling = { wanted: 3, temperature: 0.7, done: 6, total: 6 };
    const one = compared(
      'one',
      [
        [a, 'A'],
        [b, 'B'],
        [c, 'A'],
      ],
      { samples: sampling },
    );
    const samples = new Map([
      ['a', drawn('A', 'A', 'B')],
      ['b', drawn('B', 'B', 'A')],
      ['c', drawn('A', 'A', 'A')],
    ]);
    const made = comparison([
      { ...one, samples },
      compared('two', [
        [a, 'A'],
        [b, 'A'],
      ]),
    ]);
    expect(made.votes[1]).toBeNull();
    expect(made.votes[0]).toMatchObject({ questions: 2, samples: 3, temperature: 0.7, by_count: { length: 3 } });
    expect(made.votes[0]!.by_count.map(({ strict }) => strict.majority)).toEqual([0.5, 0.5, 0.5]);
    expect(made.votes[0]!.by_count[2].tokens).toBe(15);
  });

  it('as CSV has a row a question, text that no spreadsheet takes for a formula, and all answers', () => {
    const hostile = madeItem('=1+1', { question: 'a "quoted",\nbroken question' });
    const lines = comparisonLines([
      compared('one', [
        [hostile, 'A'],
        [b, 'B'],
      ]),
      compared('two', [[hostile, null]]),
    ]);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('"A_strict","A_strict_right"');
    expect(lines[1]).toMatch(/^"'=1\+1","Made","CT","Disease Diagnosis","a ""quoted"",\nbroken question",/);
    expect(lines[1]).toContain('"one","/models/tiny",,"think","A",true,"A",true,10,"stop",');
    expect(lines[1]).toContain('"two","/models/tiny",,"think",,false,,false,10,');
  });
});

describe('the evaluations that names mean', () => {
  const of = (id: string, run: string, step: number, changes: Partial<EvalSummary> = {}, settings = {}): EvalSummary =>
    summary(id, { run_name: `name of ${run}`, settings: madeSettings({ run, step, ...settings }), ...changes });
  const all = [
    of('x2', 'x', 2),
    of('x1', 'x', 1),
    of('x1-no', 'x', 1, {}, { variant: 'no-think' }),
    of('x3-other', 'x', 3, { split_hash: 'other' }),
    of('y1', 'y', 1),
    of('y-none', 'y', 9, { strict: { right: 0, total: 0, rate: null, low: null, high: null } }),
  ];
  const chosen = (...names: string[]) => chooseEvaluations(all, names).map(({ id }) => id);

  it.each([
    [
      ['x1', 'y1'],
      ['x1', 'y1'],
    ],
    [
      ['x', 'y'],
      ['x2', 'y1'],
    ], // on the split that both were asked, not x's newest step
    [
      ['name of x', 'y'],
      ['x2', 'y1'],
    ],
    [
      ['x@1', 'y'],
      ['x1', 'y1'],
    ],
    [
      ['x:no-think', 'x:think'],
      ['x1-no', 'x2'],
    ],
    [
      ['x@1:no-think', 'x@3'],
      ['x1-no', 'x3-other'],
    ],
  ])('%j are %j', (names, ids) => expect(chosen(...names)).toEqual(ids));

  it('a run is asked as it was trained where it was asked both ways', () => {
    const trained = { trainer: 'grpo', variant: 'no-think', modality: null, question_type: null } as const;
    const both = [of('t', 'x', 1, { trained, created_at: 5 }), of('n', 'x', 1, { trained }, { variant: 'no-think' })];
    expect(chooseEvaluations(both, ['x']).map(({ id }) => id)).toEqual(['n']);
  });

  it.each(['nobody', 'x@7', 'y@9', 'x:think-after', ''])('%j means none', (name) =>
    expect(() => chosen(name, 'y')).toThrow(expect.objectContaining({ code: 'EVAL_UNKNOWN' })),
  );
});
