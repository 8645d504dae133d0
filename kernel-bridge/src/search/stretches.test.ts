import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stretchesOf } from './facts.ts';
import { alikeFilter, joined, maySay, phraseFilter, stretchFilter } from './stretches.ts';
import { MOST_WORDS, parseWords, wordHashes } from './words.ts';

const filterOf = (...texts: string[]): Uint8Array => stretchFilter(texts.map((text) => wordHashes(text, MOST_WORDS)))!;
const words = fc.array(fc.constantFrom('a', 'dark', 'Round', 'cyst', 'Ödem', 'left', '3'), { minLength: 1, maxLength: 12 });

describe('the filter of a step', () => {
  it('lets through every phrase that one of its texts says', () => {
    fc.assert(
      fc.property(
        fc.array(words, { minLength: 1, maxLength: 4 }),
        fc.nat(),
        fc.nat(),
        fc.nat(),
        fc.boolean(),
        (said, text, from, length, beginning) => {
          const spoken = said[text % said.length];
          const first = from % spoken.length;
          const phrase = spoken.slice(first, first + 2 + (length % 4)).join(' ');
          const query = parseWords(`"${beginning ? phrase.replace(/.$/u, '*') : phrase}"`);
          const test = query.all.length === 0 ? null : phraseFilter(query);
          return test === null || test(filterOf(...said.map((one) => one.join(' ')))) || !phrase.includes(' ');
        },
      ),
    );
  });

  it('lets through some 5 of 100 stretches that are not there', () => {
    const said = Uint32Array.from({ length: 3000 }, (_, at) => Math.imul(at + 1, 0x9e3779b1) >>> 0);
    const filter = stretchFilter([said])!;
    expect(filter.length).toBe(2999 + 2998); // a byte a stretch
    const others = Array.from({ length: 4000 }, (_, at) => joined(Uint32Array.of(at, at + 7), 0, 2));
    expect(others.filter((one) => maySay(filter, one)).length / 4000).toBeLessThan(0.07);
  });

  it('is none where a text has more words than are read', () => {
    expect(stretchFilter([wordHashes('a '.repeat(MOST_WORDS + 1), MOST_WORDS)])).toBeNull();
    expect(stretchFilter([])).toEqual(new Uint8Array(1));
  });

  it.each([
    ['"dark cyst"', true],
    ['"cyst dark"', false],
    ['"a dark cyst"', true],
    ['"dark cyst" "a round"', true],
    ['"dark cyst" "round lesion"', false],
    ['"cyst dark" OR "a round"', true],
    ['"dark c*"', null], // of a beginning nothing is known, and one word is no stretch
    ['"cyst dark c*"', false],
    ['dark', null],
    ['"cyst dark" OR dark', null],
    ['-"dark cyst" dark', null],
  ])('%s', (text, said) => {
    const test = phraseFilter(parseWords(text));
    expect(test && test(filterOf('a dark cyst', 'a round edema'))).toBe(said);
  });

  it('a text is looked for where enough of its stretches are', () => {
    const text = 'one two three four five six seven eight nine ten';
    const test = alikeFilter(stretchesOf(text), 10, 0.7)!;
    expect(test(filterOf(text))).toBe(true);
    expect(test(filterOf('one two three four five six seven eight'))).toBe(true); // 6 of 8
    expect(test(filterOf('one two three four five'))).toBe(false);
    expect(alikeFilter(stretchesOf('one'), 1, 0.7)).toBeNull();
  });
});
