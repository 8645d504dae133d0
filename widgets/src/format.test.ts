import { expect, it } from 'vitest';
import { bytes, dateTime, day, duration, ended, inSentence, integer, number, signed, timeOfDay, told } from './format.ts';

it.each([
  [1.63, '1.63'],
  [0.012345, '0.0123'],
  [1234.5, '1,235'],
  [12.34, '12.3'],
  [0, '0.00'],
  [1e-6, '1.00e−6'],
  [-0.5, '−0.500'],
  [null, '–'],
  [NaN, '–'],
  [-Infinity, '−∞'],
])('%s is written %s', (value, text) => expect(number(value)).toBe(text));

it('what went wrong ends before what to do about it begins', () => {
  expect(told({ message: 'x is not a model directory: tokenizer.json is missing', remedy: 'Point to one.' })).toBe(
    'x is not a model directory: tokenizer.json is missing. Point to one.',
  );
  expect(['Done.', 'did you mean "x"?', 'It said "no."'].map(ended)).toEqual(['Done.', 'did you mean "x"?', 'It said "no."']);
});

it('advantages carry their sign', () => expect([1.4, -0.9, 0].map(signed)).toEqual(['+1.40', '−0.900', '0.00']));

it.each([
  [45, '45 s'],
  [59.9, '60 s'],
  [720, '12 min'],
  [3900, '1 h 05 min'],
  [183_600, '2 d 3 h'],
  [null, '–'],
])('%s seconds are %s', (seconds, text) => expect(duration(seconds)).toBe(text));

it('bytes come in binary units', () => expect([512, 18.2e6, 41 * 2 ** 30].map(bytes)).toEqual(['512 B', '17.4 MiB', '41.0 GiB']));

it('thousands are set apart; a moment that is none is a dash', () => {
  expect([integer(1234567.4), integer(-1200)]).toEqual(['1,234,567', '−1,200']);
  expect([timeOfDay, dateTime, day].map((write) => write(NaN))).toEqual(['–', '–', '–']);
  expect(day(Date.UTC(2026, 10, 29, 12))).toContain('2026');
});

it.each([
  ['thinking', 'thinking'],
  ['Größe · 3', 'Größe · 3'],
  ['ריצה 3', '\u2068ריצה 3\u2069'],
  ['تشغيل', '\u2068تشغيل\u2069'],
  ['a\u202eb', '\u2068a\u202eb\u2069'],
])('isolates a name in a sentence where it would turn what stands beside it: %s', (name, shown) => {
  expect(inSentence(name)).toBe(shown);
});
