import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAlike, overlap, sketchOf, stretchesOf, textSketch } from './facts.ts';
import { joinedTest, markWords, matchExpression, needsReading, parseWords, wordHashes, wordsOf, wordTest } from './words.ts';

/** Words as SQLite's own tokenizer has them. */
function wordsOfSqlite(text: string): string[] {
  using db = new DatabaseSync(':memory:');
  db.exec(
    "CREATE VIRTUAL TABLE w USING fts5(t, tokenize = 'unicode61 remove_diacritics 2'); CREATE VIRTUAL TABLE v USING fts5vocab(w, instance)",
  );
  db.prepare('INSERT INTO w VALUES (?)').run(text);
  return db
    .prepare('SELECT term FROM v ORDER BY offset')
    .all()
    .map(({ term }) => term as string);
}

it.each([
  'The optic-disc: 3.5 mm, <answer> C </answer>',
  'Ödem und Läsion, œdème, e\u0301te\u0301',
  'Κύστη και ΌΓΚΟΣ',
  '肺炎 の 所見',
  'under_score and it\u2019s',
  'one\u200btwo \u202Ethree',
])('%s has the words that the index has', (text) => {
  expect(wordsOf(text).map(({ word }) => word)).toEqual(wordsOfSqlite(text));
});

it('words of plain ASCII are those of the index, whatever stands between them', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      fc.pre(/^[\x01-\x7f]*$/.test(text));
      expect(wordsOf(text).map(({ word }) => word)).toEqual(wordsOfSqlite(text));
    }),
    { numRuns: 50 },
  );
});

it('a query is words, phrases, what is left out, beginnings and alternatives', () => {
  const query = parseWords('Cell "Optic disc" -glioma hemorr* OR bleed* "two words*');
  expect(query.all.map((phrases) => phrases.map(({ words, prefix }) => [...words, prefix]))).toEqual([
    [['cell', false]],
    [['optic', 'disc', false]],
    [
      ['hemorr', true],
      ['bleed', true],
    ],
    [['two', 'words', true]],
  ]);
  expect(query.none).toMatchObject([{ words: ['glioma'] }]);
  expect(needsReading(query)).toBe(true);
  expect(parseWords('--- <> "…"').all).toEqual([]);
  expect(parseWords('OR').all).toMatchObject([[{ words: ['or'] }]]);
});

describe('a test of texts', () => {
  it.each([
    ['lesion', 'A LESION.', true],
    ['lesion', 'lesions', false],
    ['lesion*', 'lesions', true],
    ['"optic disc"', 'the optic-disc', true],
    ['"optic disc"', 'disc optic', false],
    ['"optic dis*"', 'optic discs', true],
    ['optic disc', 'disc, optic', true],
    ['disc -optic', 'optic disc', false],
    ['disc -"optic disc"', 'disc optic', true],
    ['a OR b', 'x b', true],
    ['odem', 'Ein Ödem', true],
    ['Ödem', 'ein odem', true],
    ['"ein odem"', 'Ein Ödem.', true],
    ['a.c', 'abc', false],
  ])('%s in %j: %s', (asked, text, found) => {
    const query = parseWords(asked);
    expect(wordTest(query)(text)).toBe(found);
    using db = new DatabaseSync(':memory:');
    db.exec(
      "CREATE VIRTUAL TABLE w USING fts5(t, content = '', detail = none, columnsize = 0, tokenize = 'unicode61 remove_diacritics 2')",
    );
    db.prepare('INSERT INTO w (rowid, t) VALUES (1, ?)').run(text);
    const hits = db.prepare('SELECT rowid FROM w WHERE w MATCH ?').all(matchExpression(query)).length;
    // the index may find too much where phrases have several words, never too little
    if (needsReading(query)) expect(hits >= Number(found)).toBe(true);
    else expect(hits).toBe(Number(found));
  });

  it('marks what was found, joined where stretches meet', () => {
    const text = 'The optic disc is an optic-disc.';
    expect(markWords(text, parseWords('"optic disc" optic'), 9).map(([from, to]) => text.slice(from, to))).toEqual([
      'optic disc',
      'optic-disc',
    ]);
  });
});

it('words are hashed alike with and without what is not ASCII beside them', () => {
  const plain = wordHashes('The Round lesion 3', 99);
  expect(plain).toHaveLength(4);
  expect([...wordHashes('The Round lesion 3 é', 99)].slice(0, 4)).toEqual([...plain]);
});

it('sketches agree about as much as texts do', () => {
  const text = 'the image shows a round lesion in the left lung with smooth margins and no fluid so it is a cyst';
  const alike = text.replace('smooth', 'sharp');
  const other = 'bright vessels around the optic disc of a fundus photograph point at something else altogether here';
  const same = (a: string, b: string): number => textSketch(a).filter((byte, at) => byte === textSketch(b)[at]).length;
  expect(same(text, text)).toBe(8);
  expect(same(text, alike)).toBeGreaterThan(same(text, other));
  const similarity = (a: string, b: string): number => overlap(stretchesOf(a), stretchesOf(b));
  expect(similarity(text, alike)).toBeCloseTo(16 / 22);
  expect(similarity(text, other)).toBe(0);
  expect(sketchOf(new Uint32Array())).toHaveLength(8);
});

it('a step is passed over only where none of its texts can pass', () => {
  const query = parseWords('"round lesion" OR cyst* dark -pale');
  const may = joinedTest(query);
  const passes = wordTest(query);
  const texts = ['a dark', 'round, lesion', 'Dark round -- LESION', 'dark cysts', 'dark', 'cyst', '', 'pale'];
  for (const one of texts) for (const other of texts) if (passes(one) || passes(other)) expect(may(one + other)).toBe(true);
  expect(may('a dark spot, nothing more')).toBe(false);
  expect(may('round dark')).toBe(false);
  expect(joinedTest(parseWords('Ödem'))('odem')).toBe(true); // folded to ASCII
  expect(joinedTest(parseWords('лёгкое'))('lung')).toBe(false);
});

it('alike is what shares enough stretches, told without reading all of what does not', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'b', 'c', 'é'), { maxLength: 30 }),
      fc.array(fc.constantFrom('a', 'b', 'c', 'é'), { maxLength: 30 }),
      fc.double({ min: 0.3, max: 1, noNaN: true }),
      (one, other, least) => {
        const [text, wanted] = [one.join(' '), stretchesOf(other.join(' '))];
        expect(isAlike(text, wanted, least)).toBe(overlap(stretchesOf(text), wanted) >= least);
      },
    ),
  );
});
