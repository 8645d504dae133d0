import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SearchPage, SearchQuery } from '../protocol/search.ts';
import { readGroups } from '../runs/groups.ts';
import { RunStore } from '../runs/store.ts';
import { find, type OpenRun, type Watch } from './find.ts';
import { notes, writeNote } from './notes.ts';
import { group, MadeRuns, type Asked } from '../runs/testing/made-runs.ts';
import { indexStep, stepsToIndex } from './write.ts';

let made: MadeRuns;
beforeEach(() => void (made = new MadeRuns()));
afterEach(() => made[Symbol.dispose]());

const run = (id: string, steps: Asked[][], inherited?: string): RunStore => made.run(id, steps, inherited);

const opened = (store: RunStore): OpenRun => {
  const { id, name, inherited } = store.row();
  return { id, name, db: store.db, reading: 'exact', inherited };
};
const patient: Watch = { reading: (): void => {}, idle: (): void => {}, overdue: () => false };
function search(
  stores: RunStore | RunStore[],
  query: Omit<SearchQuery, 'runs'>,
  watch = patient,
  nearText: string | null = null,
): SearchPage {
  const runs = [stores].flat().map(opened);
  return find(runs, { runs: runs.map(({ id }) => id), ...query }, nearText, watch);
}
const texts = (page: SearchPage): string[] => page.hits.map(({ text }) => text);

const THREE: Asked[][] = [
  [{ completions: ['a round cyst', 'a dark lesion'] }],
  [{ completions: ['a dark cyst', 'nothing'] }, { completions: ['the round lesion', 'Round, dark.'] }],
  [{ completions: ['cysts'] }],
];

describe('words', () => {
  it('finds what a word stands in, newest first, and marks it', () => {
    const page = search(run('a', THREE), { text: 'round' });
    expect(texts(page)).toEqual(['the round lesion', 'Round, dark.', 'a round cyst']);
    expect(page).toMatchObject({ total: 3, next: null, stopped_at: null });
    expect(page.hits[1]).toMatchObject({ run: 'a', step: 2, group: 1, index: 1, marks: [[0, 5]], reading: 'exact', sampled_by: null });
    expect(page.runs).toMatchObject([{ run: 'a', reading: 'exact', steps: 3, indexed: 3, completions: 7, first: 1, last: 3 }]);
  });

  it.each([
    ['dark cyst', ['a dark cyst']],
    ['"dark cyst" OR "round cyst"', ['a dark cyst', 'a round cyst']],
    ['dark -lesion', ['a dark cyst', 'Round, dark.']],
    ['cyst*', ['cysts', 'a dark cyst', 'a round cyst']],
    ['round -"round cyst"', ['the round lesion', 'Round, dark.']],
  ])('%s', (text, found) => expect(texts(search(run('a', THREE), { text }))).toEqual(found));

  it('says what is wrong with a search for nothing', () => {
    expect(() => search(run('a', THREE), { text: '-cyst' })).toThrow(expect.objectContaining({ code: 'SEARCH_EMPTY' }));
  });

  it('words of steps that were dropped are not found, those of the steps in their place are', () => {
    const store = run('a', THREE);
    store.dropAfter(1, { revisions: 'repeat' });
    store.commitStep({ step: 2, metrics: {}, groups: [group(2, 0, { completions: ['something new'] })] });
    expect(texts(search(store, { text: 'dark' }))).toEqual(['a dark lesion']);
    expect(texts(search(store, { text: 'new' }))).toEqual(['something new']);
    expect(texts(search(store, {}))).toEqual(['something new', 'a round cyst', 'a dark lesion']);
  });
});

describe('words of many completions', () => {
  const many = (word: string, count: number): Asked => ({ completions: Array.from({ length: count }, (_, at) => `${word} n${at}`) });
  const totals = (store: RunStore): (number | null)[] =>
    ['cyst', 'lesion', 'both', 'n7', '"lesion n7"'].map((text) => search(store, { text }).total);
  const inIndex = (store: RunStore, word: string): number =>
    store.db.prepare('SELECT count(*) AS count FROM search_word WHERE search_word MATCH ?').get(word)!.count as number;

  it('are found while they wait to be added to the index, and when they were', () => {
    const store = run('a', [[many('cyst both', 1000)], [many('lesion', 1000)]]);
    expect([totals(store), inIndex(store, 'cyst')]).toEqual([[1000, 1000, 1000, 2, 1], 0]);
    store.commitStep({ step: 3, metrics: {}, groups: [group(3, 0, many('both', 60))] });
    expect([totals(store), inIndex(store, 'cyst')]).toEqual([[1000, 1000, 1060, 3, 1], 1000]);
    store.commitStep({ step: 4, metrics: {}, groups: [group(4, 0, many('lesion', 8))] });
    expect([totals(store), inIndex(store, 'lesion')]).toEqual([[1000, 1008, 1060, 4, 2], 1000]);
  });

  it('of steps that were dropped are never added', () => {
    const store = run('a', [[many('cyst', 1000)], [many('lesion', 1000)]]);
    store.dropAfter(1, { revisions: 'repeat' });
    store.commitStep({ step: 2, metrics: {}, groups: [group(2, 0, many('both', 60))] });
    expect([totals(store), inIndex(store, 'lesion'), inIndex(store, 'both')]).toEqual([[1000, 0, 60, 2, 0], 0, 60]);
  });

  it('of a run that added each step by itself go on from there', () => {
    const store = run('a', [[many('cyst', 20)]]);
    store.db.exec('DELETE FROM search_added');
    const word = store.db.prepare('INSERT INTO search_word (rowid, text) VALUES (?, ?)');
    for (let at = 0; at < 20; at++) word.run(1 + at, `cyst n${at}`);
    expect(totals(store)).toEqual([20, 0, 0, 1, 0]);
    store.commitStep({ step: 2, metrics: {}, groups: [group(2, 0, many('lesion', 20))] });
    expect([totals(store), inIndex(store, 'lesion')]).toEqual([[20, 20, 0, 2, 1], 0]);
  });
});

describe('a phrase', () => {
  const steps: Asked[][] = [
    [{ completions: [{ text: 'a dark round cyst', reward: 1 }] }],
    [{ completions: [{ text: 'round: a dark rounded cyst', reward: 2 }] }],
    [{ completions: [{ text: 'dark round', reward: 0 }] }],
  ];
  const readOf = (store: RunStore, query: Omit<SearchQuery, 'runs'>): { read: number[]; page: SearchPage } => {
    const read: number[] = [];
    const page = search(store, query, { ...patient, reading: (_run: number, step: number) => void read.push(step) });
    return { read, page };
  };

  it('is read for in steps that may say it, and in all of an index that has no filters', () => {
    const store = run('a', steps);
    const filtered = readOf(store, { text: '"dark round"' });
    expect([texts(filtered.page), filtered.read]).toEqual([
      ['dark round', 'a dark round cyst'],
      [3, 1],
    ]);
    store.db.exec('DELETE FROM search_stretch');
    const whole = readOf(store, { text: '"dark round"' });
    expect(whole.page).toEqual(filtered.page);
    expect(whole.read).toEqual([3, 2, 1]);
  });

  it('sorted by reward, the best steps are read first, and what a full page leaves behind is not', () => {
    const many = Array.from({ length: 40 }, (_, at): Asked[] => [{ completions: [{ text: 'dark round', reward: at }] }]);
    const store = run('a', many);
    const worst = readOf(store, { text: '"dark round"', sort: 'reward', ascending: true, limit: 2 });
    expect([worst.read, worst.page.hits.map(({ reward }) => reward)]).toEqual([[1, 2, 3], [0, 1]]); // prettier-ignore
    const { read, page } = readOf(store, { text: '"dark round"', sort: 'reward', limit: 2 });
    expect(page.hits.map(({ reward }) => reward)).toEqual([39, 38]);
    expect([read, page.total]).toEqual([[40, 39, 38], null]); // a page and one more
    const next = readOf(store, { text: '"dark round"', sort: 'reward', limit: 2, cursor: page.next! });
    expect(next.page.hits.map(({ reward }) => reward)).toEqual([37, 36]);
  });
});

describe('regular expressions', () => {
  it('are tried on each text by itself', () => {
    const store = run('a', THREE);
    expect(texts(search(store, { mode: 'regexp', text: '^a (round|dark)' }))).toEqual(['a dark cyst', 'a round cyst', 'a dark lesion']);
    expect(texts(search(store, { mode: 'regexp', text: 'round' }))).toHaveLength(3);
    expect(texts(search(store, { mode: 'regexp', text: 'round', case: true }))).toHaveLength(2);
    expect(search(store, { mode: 'regexp', text: 'cyst\\b' }).hits[0].marks).toEqual([[7, 11]]);
    expect(texts(search(store, { mode: 'regexp', text: 'o\\-?u' }))).toHaveLength(3); // refused by Unicode's rules alone
  });

  it('one that is none is refused with what is wrong', () => {
    expect(() => search(run('a', THREE), { mode: 'regexp', text: '(a' })).toThrow(/"\(a" is no regular expression: .*group/);
  });

  it('a page whose time ends says where, and the next one goes on from there', () => {
    const store = run('a', THREE);
    let steps = 0;
    const hasty = { ...patient, overdue: () => steps++ >= 2 };
    const first = search(store, { mode: 'regexp', text: 'round' }, hasty);
    expect([texts(first), first.stopped_at, first.total]).toEqual([['the round lesion', 'Round, dark.'], 1, null]);
    const second = search(store, { mode: 'regexp', text: 'round', cursor: first.next! });
    expect([texts(second), second.next]).toEqual([['a round cyst'], null]);
  });
});

it('a sorted page whose time ends tells the best that was found, and from where on nothing is sure', () => {
  const store = run('a', THREE.map((step) => step.map(({ completions }, at) => ({ completions: completions!.map((text) => ({ text: text as string, reward: at })) })))); // prettier-ignore
  let asked = 0;
  const hasty = { ...patient, overdue: () => asked++ >= 1 }; // the step of the best alone
  const page = search(store, { mode: 'regexp', text: 'round', sort: 'reward' }, hasty);
  expect([texts(page), page.stopped_at, page.total, page.next]).toEqual([['the round lesion', 'Round, dark.'], 3, null, null]);
});

describe('filters', () => {
  const varied = (): RunStore =>
    run('a', [
      [
        {
          modality: 'CT',
          question: 'Which organ is it?',
          completions: [{ text: 'one', reward: 0.1, advantage: -1, rewards: { accuracy: 0, style: 0.1 } }],
        },
        {
          modality: 'MRI',
          question_type: 'Anatomy',
          completions: [{ text: 'two', reward: 2, prediction: 'B', tokens: 40, finish_reason: 'length' }],
        },
        { answer: null, completions: [{ text: 'three', prediction: null, reward: null, advantage: null }] },
        { completions: [{ text: 'four', prediction: 'maybe' }] },
      ],
    ]);

  it.each<[string, Omit<SearchQuery, 'runs'>, string[]]>([
    ['modality', { modality: ['MRI'] }, ['two']],
    ['type', { question_type: ['Anatomy'] }, ['two']],
    ['question', { question: 'organ' }, ['one']],
    ['item', { items: ['q1', 'q9'] }, ['two']],
    ['reward', { reward: { max: 0.1 } }, ['one']],
    ['a reward function', { rewards: { style: { min: 0.1 } } }, ['one']],
    ['a reward function that is unknown', { rewards: { nobody: {} } }, []],
    ['advantage', { advantage: { min: -0.5 } }, ['two', 'four']],
    ['tokens', { tokens: { min: 40 } }, ['two']],
    ['finish', { finish: ['length'] }, ['two']],
    ['right', { verdict: ['right'] }, ['one']],
    ['wrong', { verdict: ['wrong'] }, ['two', 'four']],
    ['not judged', { verdict: ['unknown'] }, ['three']],
    ['a letter', { letters: ['b'] }, ['two']],
    ['no letter, or another word', { letters: ['none', 'other'] }, ['three', 'four']],
    ['no answer', { flags: ['no-answer'] }, ['three']],
    ['several', { verdict: ['wrong'], tokens: { max: 10 } }, ['four']],
    ['steps', { from: 2 }, []],
  ])('%s', (_, query, found) => {
    const page = search(varied(), query);
    expect(texts(page)).toEqual(found);
    expect(page.total).toBe(found.length);
  });

  it('a text that says the same over and over is told', () => {
    const again = 'it is dark and round so '.repeat(8);
    const store = run('a', [
      [
        {
          completions: [
            again,
            'one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty',
          ],
        },
      ],
    ]);
    expect(texts(search(store, { flags: ['repeats'] }))).toEqual([again]);
  });

  it('reasoning that names another option than the answer is told', () => {
    const disagrees = '<think>This looks like a tumour.</think><answer> A </answer>';
    const letter = '<think>So the answer is B.</think><answer> A </answer>';
    const agrees = '<think>This is a cyst, surely.</think><answer> A </answer>';
    const both = '<think>A cyst or a tumour.</think><answer> A </answer>';
    const page = search(run('a', [[{ completions: [disagrees, letter, agrees, both] }]]), { flags: ['think-disagrees'] });
    expect(texts(page)).toEqual([disagrees, letter]);
    expect(page.hits[0].flags).toEqual(['think-disagrees']);
  });

  it('a right answer that option texts alone would not give is told', () => {
    const options = ['cyst', 'tumour'];
    const store = run('a', [
      [
        { options, answer: 'A', completions: [{ text: 'as ever', prediction: 'A' }] },
        { options, answer: 'A', completions: [{ text: 'as ever', prediction: 'A' }] },
        {
          options,
          answer: 'B',
          completions: [
            { text: 'against it', prediction: 'B' },
            { text: 'with it', prediction: 'A' },
          ],
        },
      ],
    ]);
    const page = search(store, { flags: ['beats-prior'] });
    expect(texts(page)).toEqual(['against it']);
    expect(page.hits[0].beats_prior).toBe(true);
  });

  it('texts alike to one', () => {
    const one = 'the image shows a round lesion in the left lung with smooth margins and no fluid so it is a cyst';
    const store = run('a', [[{ completions: [one, one.replace('smooth', 'sharp'), 'something else entirely about vessels of the eye'] }]]);
    const page = search(store, { near: { run: 'a', step: 1, group: 0, index: 0 } }, patient, one);
    expect(page.hits.map(({ index, similarity }) => [index, Number(similarity!.toFixed(2))])).toEqual([
      [0, 1],
      [1, 0.73],
    ]);
  });
});

it('a run that is taken back while it is searched is searched as it was', () => {
  const store = run('a', THREE);
  let taken = false;
  const watch = {
    ...patient,
    reading: () => {
      if (taken) return;
      taken = true;
      using other = RunStore.open(store.directory);
      other.dropAfter(1, { revisions: 'repeat' });
    },
  };
  const page = search(store, { text: 'c', mode: 'regexp' }, watch);
  expect(taken).toBe(true);
  expect(page.hits.map(({ step }) => step)).toEqual([3, 2, 1]);
  expect(search(store, { text: 'c', mode: 'regexp' }).hits.map(({ step }) => step)).toEqual([1]);
});

describe('order and pages', () => {
  const rewarded = (): RunStore =>
    run('a', [
      [
        {
          completions: [
            { text: 'p', reward: 1 },
            { text: 'q', reward: 3 },
            { text: 'r', reward: null },
          ],
        },
      ],
      [
        {
          completions: [
            { text: 's', reward: 2 },
            { text: 't', reward: 3 },
          ],
        },
      ],
    ]);
  const all = (query: Omit<SearchQuery, 'runs'>): string[] => {
    const store = rewarded();
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = search(store, { ...query, limit: 2, cursor });
      found.push(...texts(page));
      cursor = page.next ?? undefined;
    } while (cursor);
    return found;
  };

  it.each<[string, Omit<SearchQuery, 'runs'>, string]>([
    ['newest', {}, 'stpqr'],
    ['oldest', { ascending: true }, 'pqrst'],
    ['largest reward, then newest; none last', { sort: 'reward' }, 'tqspr'],
    ['smallest reward', { sort: 'reward', ascending: true }, 'psqtr'],
    ['newest by expression', { mode: 'regexp', text: '.' }, 'stpqr'],
    ['largest reward by expression', { mode: 'regexp', text: '[q-t]', sort: 'reward' }, 'tqsr'],
  ])('%s', (_, query, found) => expect(all(query).join('')).toBe(found));

  it('pages of any size and order are what sorting all completions gives', () => {
    const completion = fc.record({
      text: fc.constantFrom('dark round', 'round dark', 'a dark round cyst', 'cyst'),
      reward: fc.option(fc.integer({ min: 0, max: 3 })),
    });
    const steps = fc.array(fc.array(fc.array(completion, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 6 }); // prettier-ignore
    let runs = 0;
    fc.assert(
      fc.property(
        ...[steps, fc.boolean(), fc.integer({ min: 1, max: 4 }), fc.constantFrom('', '"dark round"', 'cyst'), fc.boolean()],
        (drawn, ascending, limit, text, isOlder) => {
          const store = run(`r${runs++}`, drawn.map((step) => step.map((completions) => ({ completions })))); // prettier-ignore
          if (isOlder) store.db.exec('DELETE FROM search_range WHERE step % 2 = 0'); // indexed before it was kept
          const said = drawn.flatMap((groups, at) => groups.flatMap((each) => each.map((one) => ({ step: at + 1, ...one }))));
          const matches = said.filter((one) => text === '' || one.text.includes(text.replaceAll('"', '')));
          const sign = ascending ? 1 : -1;
          const expected = matches.toSorted(
            (a, b) =>
              Number(a.reward === null) - Number(b.reward === null) ||
              sign * ((a.reward ?? 0) - (b.reward ?? 0)) ||
              sign * (a.step - b.step),
          );
          const found: object[] = [];
          for (let cursor: string | undefined; ;) {
            const page = search(store, { text, sort: 'reward', ascending, limit, cursor });
            found.push(...page.hits.map((hit) => ({ step: hit.step, text: hit.text, reward: hit.reward })));
            if (page.total !== null) expect(page.total).toBe(matches.length);
            if (page.next === null) break;
            cursor = page.next;
          }
          expect(found).toEqual(expected);
        },
      ),
      { numRuns: 12 },
    );
  });

  it('what is trained meanwhile moves no page', () => {
    const store = rewarded();
    const first = search(store, { limit: 2 });
    store.commitStep({ step: 3, metrics: {}, groups: [group(3, 0, { completions: ['new'] })] });
    expect(texts(search(store, { limit: 2, cursor: first.next! }))).toEqual(['p', 'q']);
  });

  it('a cursor of another search is refused', () => {
    const store = rewarded();
    const { next } = search(store, { limit: 1 });
    for (const cursor of ['x', next!]) {
      expect(() => search(store, { sort: 'reward', cursor })).toThrow(expect.objectContaining({ code: 'SEARCH_CURSOR' }));
    }
  });
});

it('several runs are searched together, and what a fork took over is told once', () => {
  const parent = run('p', [[{ completions: ['first'] }], [{ completions: ['second'] }]]);
  const fork = run(
    'f',
    [[{ completions: ['first'] }], [{ completions: ['another'] }]],
    '[{"run":"p","name":"parent","variant":"think","to":1}]',
  );
  const both = search([parent, fork], {});
  expect(both.hits.map(({ run: id, text }) => `${id} ${text}`)).toEqual(['p second', 'f another', 'p first']);
  const alone = search(fork, {});
  expect(alone.hits.map(({ text, sampled_by }) => [text, sampled_by])).toEqual([
    ['another', null],
    ['first', 'parent'],
  ]);
});

it('a text of a megabyte is told by a stretch around what was found', () => {
  const long = `${'x'.repeat(500_000)} here ${'y'.repeat(500_000)}`;
  const store = run('a', [[{ completions: [long] }]]);
  const [hit] = search(store, { text: 'here' }).hits;
  expect(hit.text).toHaveLength(2000);
  expect(hit.text.slice(...hit.marks[0])).toBe('here');
  expect(long.slice(hit.text_from, hit.text_from + 2000)).toBe(hit.text);
  expect(hit.text_length).toBe(long.length);
  expect(search(store, { text: 'here', whole: true }).hits[0].text).toBe(long);
});

it('texts come back as they were, whatever they are written in', () => {
  const said = ['<script>alert(1)</script>', '\u202Eright to left\u202C', 'zero\u200bwidth', '肺炎 🫁', '\u001b[31mred', '\ud800', 'é'];
  expect(texts(search(run('a', [[{ completions: said }]]), { mode: 'regexp', text: '^[^]*$' }))).toEqual(
    said.map((text) => text.toWellFormed()),
  );
});

it('a run of before has the same index as one that was indexed while it trained', () => {
  const store = run('a', THREE);
  const before = search(store, {});
  store.db.exec('DELETE FROM search_step; DROP TABLE search_word; DROP TABLE search_next; DROP TABLE search_added; DROP TABLE note');
  using again = RunStore.open(store.directory);
  expect(search(again, {}).runs).toMatchObject([{ steps: 3, indexed: 0 }]);
  for (const step of stepsToIndex(again.db, 99)) indexStep(again.db, readGroups(again.db, { from: step, to: step, limit: 99, offset: 0 }));
  expect(search(again, {})).toEqual(before);
  expect(stepsToIndex(again.db, 99)).toEqual([]);
});

describe('notes', () => {
  const place = { step: 2, group: 1, index: 0 };

  it('are found by their tags, and stand beside their completion', () => {
    const store = run('a', THREE);
    writeNote(store.db, 'a', { ...place, tags: ['odd', ' odd '], note: 'look <b>' }, 5);
    const page = search(store, { tags: ['odd', 'other'] });
    expect(page.hits).toMatchObject([{ text: 'the round lesion', tags: ['odd'], note: 'look <b>' }]);
    expect(search(store, { tags: ['other'] }).hits).toEqual([]);
    writeNote(store.db, 'a', { ...place, tags: [], note: ' ' });
    expect(notes(store.db)).toEqual([]);
  });

  it('survive a resume: gone while the step is, back when it says the same, told where it says another thing', () => {
    const store = run('a', THREE);
    writeNote(store.db, 'a', { ...place, tags: ['odd'], note: '' });
    store.dropAfter(1, { revisions: 'repeat' });
    expect(notes(store.db)).toMatchObject([{ ...place, state: 'gone', text: 'the round lesion' }]);
    const step = (first: string) => ({
      step: 2,
      metrics: {},
      groups: [group(2, 0, { completions: ['x'] }), group(2, 1, { completions: [first] })],
    });
    store.commitStep(step('another'));
    expect(notes(store.db)).toMatchObject([{ state: 'changed' }]);
    expect(search(store, { tags: ['odd'] }).hits).toEqual([]);
    store.dropAfter(1, { revisions: 'repeat' });
    store.commitStep(step('the round lesion'));
    expect(search(store, { tags: ['odd'] }).hits).toHaveLength(1);
  });

  it('none is left where nothing was said', () => {
    expect(() => writeNote(run('a', THREE).db, 'a', { step: 9, group: 0, index: 0, tags: [], note: 'x' })).toThrow(
      expect.objectContaining({ code: 'COMPLETION_UNKNOWN' }),
    );
  });
});
