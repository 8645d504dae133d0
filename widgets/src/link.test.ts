import fc from 'fast-check';
import { expect, it } from 'vitest';
import { NOTHING } from '@medr1/kernel-bridge/protocol/selection';
import { linkOf, selectionOf } from './link.ts';

const text = fc.option(fc.string({ unit: 'grapheme', maxLength: 40 }));
const index = fc.option(fc.nat(1_000_000));
const runs = fc.array(fc.stringMatching(/^\d{8}-\d{6}-[a-z]{4}$/), { maxLength: 4 });

it('any selection comes back from its link', () => {
  fc.assert(
    fc.property(
      fc.record({ dataset: text, item: text, variant: text, runs, step: index, group: index, completion: index, token: index }),
      (selection) => {
        expect(selectionOf(linkOf(selection))).toEqual(selection);
      },
    ),
  );
});

it('is readable, and leaves out what is not selected', () => {
  expect(linkOf({ ...NOTHING, runs: ['a', 'b'], step: 12, group: 0 })).toBe('medr1:?runs=a%2Cb&step=12&group=0');
  expect(selectionOf(' medr1:?runs=a,b&step=12\n')).toEqual({ ...NOTHING, runs: ['a', 'b'], step: 12 });
});

it.each([
  ['https://example.org/?step=3', 'does not begin with medr1:?'],
  ['medr1:?step=x', 'step is "x", not a whole number'],
  ['medr1:?step=-1', 'step is "-1"'],
  ['medr1:?stage=3', 'names "stage"'],
])('refuses %s', (link, message) => {
  expect(() => selectionOf(link)).toThrow(expect.objectContaining({ message: expect.stringContaining(message), code: 'LINK_INVALID' }));
});
